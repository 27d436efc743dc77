"""Damage to training pictures in the graph, with the severities of `corruptions`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import tensorflow as tf

from t2t_mm.modality import augmentation
from t2t_mm.modality.image import corruptions
from t2t_mm.settings import augmentation as settings_lib

Damage = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""Pixels float32 `[size, size, 3]` from 0 to 1, strength and seed int64 `[2]` to pixels."""


def augmented(
    pixels: tf.Tensor, settings: settings_lib.AugmentSettings, seed: tf.Tensor
) -> tf.Tensor:
    """Damages pictures uint8 `[B, size, size, 3]`, each in one way or none."""
    rows = tf.shape(pixels)[0]
    drawn = augmentation.draw(settings, list(_KINDS), rows, seed)
    strengths = tf.stack(list(drawn.values()), 1)  # [B, K]
    strength = tf.reduce_max(strengths, 1)
    place = tf.where(strength > 0, tf.argmax(strengths, 1, tf.int32) + 1, 0)

    def one(element: tuple[tf.Tensor, ...]) -> tf.Tensor:
        picture, place, strength, own_seed = element

        def damaged(damage: Damage) -> tf.Tensor:
            x = damage(tf.cast(picture, tf.float32) / 255.0, strength, own_seed)
            x = tf.clip_by_value(tf.ensure_shape(x, picture.shape), 0.0, 1.0)
            return tf.cast(tf.round(x * 255.0), tf.uint8)

        branches: list[Callable[[], tf.Tensor]] = [lambda: picture]
        branches += [functools.partial(damaged, _KINDS[kind]) for kind in drawn]
        return tf.switch_case(place, branches)

    given = (pixels, place, strength, augmentation.row_seeds(seed, rows))
    return tf.map_fn(one, given, fn_output_signature=tf.TensorSpec(pixels.shape[1:], tf.uint8))


def _severity(kind: str, strength: tf.Tensor, none: float) -> tf.Tensor:
    return augmentation.severity(strength, none, corruptions.SEVERITIES[kind])


def _gaussian_noise(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    deviation = _severity("gaussian_noise", strength, 0)
    return x + deviation * tf.random.stateless_normal(tf.shape(x), seed)


def _impulse_noise(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    share = _severity("impulse_noise", strength, 0)
    draws = tf.random.stateless_uniform(tf.shape(x), seed)
    return tf.where(draws < share / 2, 0.0, tf.where(draws < share, 1.0, x))


def _gaussian_blur(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    del seed
    scale = x.shape[0] / corruptions.REFERENCE
    deviation = tf.maximum(_severity("gaussian_blur", strength, 0) * scale, 0.05)
    reach = math.ceil(3 * corruptions.SEVERITIES["gaussian_blur"][-1] * scale)
    at = tf.range(-reach, reach + 1, dtype=tf.float32) / deviation
    weights = tf.nn.softmax(-0.5 * tf.square(at))
    padded = tf.pad(x, [[reach, reach], [reach, reach], [0, 0]], "SYMMETRIC")[None]
    kernel = tf.tile(weights[:, None, None, None], [1, 1, 3, 1])
    for axes in ((0, 1, 2, 3), (1, 0, 2, 3)):
        kernel_along = tf.transpose(kernel, axes)
        padded = tf.nn.depthwise_conv2d(padded, kernel_along, [1, 1, 1, 1], "VALID")
    return padded[0]


def _contrast(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    del seed
    mean = tf.reduce_mean(x, [0, 1], keepdims=True)
    return mean + (x - mean) * _severity("contrast", strength, 1)


def _brightness(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    del seed
    value = tf.reduce_max(x, -1, keepdims=True)
    raised = tf.minimum(value + _severity("brightness", strength, 0), 1.0)
    return tf.where(value > 0, x * raised / tf.where(value > 0, value, 1.0), raised)


def _jpeg(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    del seed
    quality = tf.cast(tf.round(_severity("jpeg", strength, 100)), tf.int32)
    return tf.image.adjust_jpeg_quality(x, quality)


def _pixelate(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    del seed
    size = x.shape[0]
    fewer = tf.cast(_severity("pixelate", strength, 1) * size, tf.int32)
    small = tf.image.resize(x[None], tf.stack([fewer, fewer]), "area")
    return tf.image.resize(small, [size, size], "nearest")[0]


def _shift(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    size = x.shape[0]
    most = math.ceil(corruptions.SEVERITIES["shift"][-1] * size)
    angle = tf.random.stateless_uniform([], seed, 0.0, 2 * math.pi)
    length = _severity("shift", strength, 0) * size
    offset = tf.cast(tf.round(length * tf.stack([tf.sin(angle), tf.cos(angle)])), tf.int32)
    padded = tf.pad(x, [[most, most], [most, most], [0, 0]])
    return tf.slice(padded, tf.concat([most - offset, [0]], 0), [size, size, 3])


def _occlusion(x: tf.Tensor, strength: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    size = x.shape[0]
    side = tf.round(tf.sqrt(_severity("occlusion", strength, 0)) * size)
    corner = tf.floor(tf.random.stateless_uniform([2], seed) * (size - side + 1))
    places = tf.range(size, dtype=tf.float32)
    rows, columns = ((places >= corner[axis]) & (places < corner[axis] + side) for axis in (0, 1))
    return tf.where((rows[:, None] & columns[None])[..., None], corruptions.GREY, x)


_KINDS: dict[str, Damage] = {
    "gaussian_noise": _gaussian_noise,
    "impulse_noise": _impulse_noise,
    "gaussian_blur": _gaussian_blur,
    "contrast": _contrast,
    "brightness": _brightness,
    "jpeg": _jpeg,
    "pixelate": _pixelate,
    "shift": _shift,
    "occlusion": _occlusion,
}
