"""The timing signal: sinusoidal position encodings."""

from __future__ import annotations

import math

import tensorflow as tf

BASE = 10_000.0


def signal(length: int | tf.Tensor, width: int, *, start: int | tf.Tensor = 0) -> tf.Tensor:
    """Returns the encodings of positions `start .. start + length - 1`, float32 `[T, D]`.

    `timing(t, [2i, 2i + 1]) = [sin(t * delta_i), cos(t * delta_i)]` with
    `delta_i = 10000^(-2i / D)` (Kaiser et al. 2017, section 2.1).
    """
    position = tf.cast(tf.range(length) + start, tf.float32)  # [T]
    delta = tf.exp(tf.range(0, width, 2, tf.float32) * (-math.log(BASE) / width))  # [D/2]
    angle = position[:, None] * delta[None, :]
    pairs = tf.stack([tf.sin(angle), tf.cos(angle)], -1)  # [T, D/2, 2]
    return tf.reshape(pairs, [-1, width])


def plane(height: int, width: int, channels: int) -> tf.Tensor:
    """Returns the encodings of a grid, row by row, float32 `[height * width, D]`.

    The first half of the D channels encodes the row, the second half the column. So the
    distance between neighbours does not depend on the size of the image.
    """
    half = 2 * (channels // 4)
    rows, columns = signal(height, half), signal(width, channels - half)
    joined = [tf.repeat(rows, width, axis=0), tf.tile(columns, [height, 1])]
    return tf.concat(joined, -1)
