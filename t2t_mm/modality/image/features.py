"""Image features: JPEG or PNG bytes to a square of RGB pixels."""

from __future__ import annotations

import math
from collections.abc import Hashable

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import base, features
from t2t_mm.modality.image import augmentation
from t2t_mm.modality.image import declaration as image

PATCH = 16
"""A position of the body is a patch of so many pixels a side, the stride of the image net."""

SMALLEST_AREA = 0.6
"""The least fraction of a picture's area in a training crop."""

DRAWS = 5


class ImageFeatures(features.Features):
    """Decodes, crops and resizes pictures to `size` x `size`.

    In evaluation the short side is resized to `size`, and the central square is taken. In
    training (with `augment`) a random crop of 60 to 100 % of the area, with an aspect ratio
    near 1, is resized. A picture of exactly `size` is not resized but shifted by up to an
    eighth of its side, with black padding. With `mirror`, half of the training pictures are
    mirrored. Grey pictures become RGB.

    With `fit="pad"` the long side is resized to `size` instead, and the shorter one padded on both
    sides with the mean colour, which a net that standardises pictures sees as 0. So are training
    crops, whose aspect ratio is near that of the picture.
    """

    has_values = True

    def __init__(self, declaration: image.Image, task: base.Task) -> None:
        super().__init__(declaration, task)
        self.size = declaration.size
        self.augment = declaration.augment
        self.mirror = declaration.mirror
        self.is_padded = declaration.fit == image.PAD

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns pixels, uint8 `[B, size, size, 3]`.

        Args:
          raw: string `[B]`, encoded JPEG or PNG.
          training: whether to crop and mirror at random (if declared so).
          seed: int64 `[2]`; the same seed gives the same pixels.

        Raises:
          InvalidArgumentError: when a picture does not decode.
        """
        pixels = self._pixels(raw, training=training, seed=seed)
        if not (training and self.augmentation):
            return pixels
        if seed is None:
            raise errors.ConfigError("Damaging pictures needs a seed", received="seed=None")
        return augmentation.augmented(pixels, self.augmentation, seed + [0, 1])

    def _pixels(self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None) -> tf.Tensor:
        spec = tf.TensorSpec([self.size, self.size, 3], tf.uint8)
        if not (training and self.augment):
            return tf.map_fn(self._whole, raw, fn_output_signature=spec)
        if seed is None:
            raise errors.ConfigError("Augmenting pictures needs a seed", received="seed=None")
        draws = tf.random.stateless_uniform([tf.shape(raw)[0], DRAWS], seed)
        return tf.map_fn(self._augmented, (raw, draws), fn_output_signature=spec)

    def values(self, raw: tf.Tensor) -> features.Values:
        """Returns pixels, 0 to 255."""
        pixels = tf.cast(self.featurize(raw, training=False), tf.float32)
        return features.Values(pixels, tf.ones([1, 1, 1, 1]))

    def of_values(self, values: features.Values) -> tf.Tensor:
        return values.x

    def graph_key(self) -> Hashable | None:
        return self.declaration if type(self) is ImageFeatures else None

    def fixed_length(self) -> int:
        side = math.ceil(self.size / PATCH)
        return side * side

    def _whole(self, raw: tf.Tensor) -> tf.Tensor:
        """Decodes one picture, and crops the central square or pads: uint8 `[size, size, 3]`."""
        pixels = _decode(raw)
        if self.is_padded:
            return self._padded(pixels)
        shape = tf.shape(pixels)
        side = tf.minimum(shape[0], shape[1])
        pixels = tf.slice(
            pixels,
            [(shape[0] - side) // 2, (shape[1] - side) // 2, 0],
            tf.stack([side, side, 3]),
        )
        return self._resize(pixels)

    def _augmented(self, element: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Decodes and augments one picture; random draws are float32 `[5]` in [0, 1)."""
        raw, draws = element
        pixels = _decode(raw)
        shape = tf.shape(pixels)
        stored_at_size = tf.reduce_all(tf.equal(shape[:2], self.size))
        pixels = tf.cond(
            stored_at_size,
            lambda: self._shift(pixels, draws),
            lambda: self._crop(pixels, draws),
        )
        if self.mirror:
            pixels = tf.cond(draws[4] < 0.5, lambda: tf.reverse(pixels, [1]), lambda: pixels)
        return tf.ensure_shape(pixels, [self.size, self.size, 3])

    def _crop(self, pixels: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """Returns a random crop as a square; resized to it, unless it is to be padded."""
        crop = _random_crop(pixels, draws, keeps_aspect=self.is_padded)
        return self._padded(crop) if self.is_padded else self._resize(crop)

    def _padded(self, pixels: tf.Tensor) -> tf.Tensor:
        """Resizes the long side of `[H, W, 3]` to `size`, and pads the other with the mean."""
        shape = tf.cast(tf.shape(pixels)[:2], tf.float32)
        sides = tf.round(shape * self.size / tf.reduce_max(shape))
        sides = tf.maximum(tf.cast(sides, tf.int32), 1)
        scaled = tf.cast(_resized(pixels, sides[0], sides[1]), tf.float32)
        before = (self.size - sides) // 2
        margins = tf.stack([before, self.size - sides - before], axis=1)
        mean = tf.round(tf.reduce_mean(scaled, [0, 1]))
        padded = tf.pad(scaled - mean, tf.concat([margins, [[0, 0]]], axis=0)) + mean
        return tf.ensure_shape(tf.cast(padded, tf.uint8), [self.size, self.size, 3])

    def _shift(self, pixels: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        margin = self.size // 8
        padded = tf.pad(pixels, [[margin, margin], [margin, margin], [0, 0]])
        corner = tf.cast(draws[:2] * (2 * margin + 1), tf.int32)
        return tf.slice(padded, tf.concat([corner, [0]], axis=0), [self.size, self.size, 3])

    def _resize(self, pixels: tf.Tensor) -> tf.Tensor:
        """Resizes `[H, W, 3]` to `[size, size, 3]`."""
        return tf.ensure_shape(_resized(pixels, self.size, self.size), [self.size, self.size, 3])


def _decode(raw: tf.Tensor) -> tf.Tensor:
    """Decodes JPEG or PNG, grey or RGB, to uint8 `[H, W, 3]`."""
    pixels = tf.io.decode_image(raw, channels=3, expand_animations=False)
    return tf.ensure_shape(pixels, [None, None, 3])


def _resized(pixels: tf.Tensor, height: tf.Tensor | int, width: tf.Tensor | int) -> tf.Tensor:
    """Resizes `[H, W, 3]` to uint8 `[height, width, 3]`, with antialiasing if it shrinks."""

    def resized() -> tf.Tensor:
        # Antialiasing is slow, and needed only for shrinking.
        scaled = tf.cond(
            tf.reduce_any(tf.shape(pixels)[:2] > [height, width]),
            lambda: _smoothed(pixels, height, width),
            lambda: tf.image.resize(pixels, [height, width]),
        )
        # Weighted means of pixels are never below 0 or above 255.
        return tf.cast(tf.round(scaled), tf.uint8)

    fits = tf.reduce_all(tf.equal(tf.shape(pixels)[:2], [height, width]))
    return tf.cond(fits, lambda: pixels, resized)


def _smoothed(pixels: tf.Tensor, height: tf.Tensor | int, width: tf.Tensor | int) -> tf.Tensor:
    """Resizes to float32 `[height, width, 3]`, like `tf.image.resize(antialias=True)`.

    That resizes rows, then columns, with an inner loop over channels. Here a row is passed
    as the channels of a picture one pixel wide: the longer loop saves a third of the time.
    """
    wide = tf.shape(pixels)[1]
    rows = tf.reshape(pixels, [1, -1, 1, wide * 3])
    rows = tf.image.resize(rows, [height, 1], antialias=True)
    columns = tf.transpose(tf.reshape(rows, [height, wide, 3]), [1, 0, 2])
    columns = tf.reshape(columns, [1, wide, 1, height * 3])
    columns = tf.image.resize(columns, [width, 1], antialias=True)
    return tf.transpose(tf.reshape(columns, [width, height, 3]), [1, 0, 2])


def _random_crop(pixels: tf.Tensor, draws: tf.Tensor, *, keeps_aspect: bool) -> tf.Tensor:
    """Crops a random rectangle: area 60 to 100 %, aspect ratio 3:4 to 4:3.

    Args:
      pixels: `[H, W, 3]`.
      draws: float32 `[4]`.
      keeps_aspect: multiply the aspect ratio by that of the picture.
    """
    shape = tf.cast(tf.shape(pixels)[:2], tf.float32)
    area = shape[0] * shape[1] * (SMALLEST_AREA + (1.0 - SMALLEST_AREA) * draws[0])
    ratio = tf.exp(tf.math.log(4.0 / 3.0) * (2.0 * draws[1] - 1.0))
    if keeps_aspect:
        ratio *= shape[1] / shape[0]
    sides = tf.sqrt(tf.stack([area / ratio, area * ratio]))
    sides = tf.clip_by_value(tf.round(sides), 1.0, shape)
    corner = tf.cast(draws[2:4] * (shape - sides + 1.0), tf.int32)
    corner = tf.minimum(corner, tf.cast(shape - sides, tf.int32))
    sides = tf.cast(sides, tf.int32)
    return tf.slice(pixels, tf.concat([corner, [0]], axis=0), tf.concat([sides, [3]], axis=0))
