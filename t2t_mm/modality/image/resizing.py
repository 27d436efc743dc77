"""Pillow's bicubic resizing in the graph, to the last bit.

Pillow computes in fixed point: weights in double precision, rounded to 22 bits behind the point,
and a pass along each axis whose results are rounded to 8 bits (libImaging/Resample.c).
"""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.modality.image import encoding

_BITS = 22
_SUPPORT = 2.0
_A = -0.5


def smaller(width: tf.Tensor, height: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the size for storing a picture, int64 `[]`, as `encoding` has it.

    Args:
      width: int64 `[]`, 1 or more.
      height: int64 `[]`, 1 or more.
    """
    wide, high = tf.cast(width, tf.float64), tf.cast(height, tf.float64)
    scale = tf.minimum(
        tf.sqrt(encoding.LARGEST_PIXELS / (wide * high)),
        encoding.LARGEST_SIDE / tf.maximum(wide, high),
    )
    sides = (tf.maximum(tf.cast(side * scale, tf.int64), 1) for side in (wide, high))
    new_width, new_height = (
        tf.where(scale >= 1, old, new) for old, new in zip((width, height), sides, strict=True)
    )
    return new_width, new_height


def bicubic(pixels: tf.Tensor, width: tf.Tensor, height: tf.Tensor) -> tf.Tensor:
    """Shrinks uint8 `[H, W, C]` to `[height, width, C]`."""
    shape = tf.shape(pixels, tf.int64)
    is_tall = (shape[0] > 100 * shape[1]) & (height < shape[0])
    return tf.cond(
        is_tall,
        lambda: _across(_pass(pixels, height), width),
        lambda: _pass(_across(pixels, width), height),
    )


def _across(pixels: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Resizes the second axis of uint8 `[N, M, C]`."""
    return tf.transpose(_pass(tf.transpose(pixels, [1, 0, 2]), width), [1, 0, 2])


def _pass(pixels: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Resizes the first axis of uint8 `[N, M, C]` to `size`, int64 `[]`."""
    length = tf.shape(pixels, tf.int64)[0]
    first, weights = _weights(length, size)
    count = tf.shape(weights)[1]
    start = tf.concat([[size], tf.shape(pixels, tf.int64)[1:]], 0)

    def add(k: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        place = tf.minimum(first + tf.cast(k, tf.int64), length - 1)  # weights behind are 0
        part = tf.cast(tf.gather(pixels, place), tf.int32)
        return k + 1, sums + part * weights[:, k][:, tf.newaxis, tf.newaxis]

    sums = tf.fill(start, tf.constant(1 << (_BITS - 1), tf.int32))
    shapes = (tf.TensorShape([]), tf.TensorShape([None, None, None]))
    _, sums = tf.while_loop(
        lambda k, _: k < count, add, (tf.constant(0), sums), shape_invariants=shapes
    )
    levels = tf.bitwise.right_shift(sums, tf.constant(_BITS))
    return tf.cast(tf.clip_by_value(levels, 0, 255), tf.uint8)


def _weights(length: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the first pixel of each new one, int64 `[S]`, and weights int32 `[S, K]`."""
    whole = tf.cast(length, tf.float64)
    scale = whole / tf.cast(size, tf.float64)
    stretch = tf.maximum(scale, 1.0)
    support = _SUPPORT * stretch
    centre = (tf.cast(tf.range(size), tf.float64) + 0.5) * scale
    low = tf.maximum(tf.cast(centre - support + 0.5, tf.int64), 0)
    high = tf.minimum(tf.cast(centre + support + 0.5, tf.int64), length)
    places = tf.range(tf.reduce_max(high - low))
    at = tf.cast(places[tf.newaxis] + low[:, tf.newaxis], tf.float64) - centre[:, tf.newaxis] + 0.5
    values = _kernel(at * (1.0 / stretch))
    values = tf.where(places[tf.newaxis] < (high - low)[:, tf.newaxis], values, 0.0)
    values *= 1.0 / tf.reduce_sum(values, 1, keepdims=True)
    fixed = values * (1 << _BITS)
    half = tf.where(fixed < 0, tf.constant(-0.5, tf.float64), tf.constant(0.5, tf.float64))
    return low, tf.cast(fixed + half, tf.int32)


def _kernel(x: tf.Tensor) -> tf.Tensor:
    """Returns the bicubic weights at distances `x`, float64."""
    x = tf.abs(x)
    near = ((_A + 2.0) * x - (_A + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * _A
    return tf.where(x < 1.0, near, tf.where(x < 2.0, far, tf.zeros_like(x)))
