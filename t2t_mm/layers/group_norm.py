"""Group normalisation (Wu and He 2018, arXiv 1803.08494).

Statistics are of an example's own, over all positions and the channels of a group: neither
the batch nor the task that it is of changes an answer, as they would with batch normalisation.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from t2t_mm.layers import base

EPSILON = 1e-5
LARGEST = 16
"""Channels of a group."""


class GroupNorm(base.Layer):
    """`scale * (x - mean) / sqrt(variance + epsilon) + offset` over positions and groups.

    Args:
      width: C, channels.
    """

    def __init__(self, width: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.groups = next(n for n in range(-(-width // LARGEST), width + 1) if width % n == 0)
        self.scale = self.weight("scale", (width,), "ones")
        self.offset = self.weight("offset", (width,), "zeros")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the normalised `x`, of the same shape `[B, h, w, C]`."""
        return _normalize(x, self.read(self.scale), self.read(self.offset), self.groups)


def _normalize(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, groups: int) -> tf.Tensor:
    """Group normalisation with a custom gradient.

    Both ways are two sums for each example and channel (over positions: `[B, C]`), some
    arithmetic on these, and one pass over `x` that multiplies and adds. Sums are float32.
    """
    width = x.shape[-1]

    def by_group(sums: tf.Tensor) -> tf.Tensor:
        """Returns the sum over the channels of a group, for each of them: `[B, C]`."""
        parts = tf.reduce_sum(tf.reshape(sums, [-1, groups, width // groups]), -1)
        return tf.repeat(parts, width // groups, axis=1)

    def over_plane(values: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(values, [1, 2])

    def mapped(values: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
        return values * factor[:, None, None]

    @tf.custom_gradient
    def normalize(
        x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]]:
        dtype = x.dtype
        wide = tf.cast(x, tf.float32)
        gain, shift = tf.cast(scale, tf.float32), tf.cast(offset, tf.float32)
        count = tf.cast(tf.shape(x)[1] * tf.shape(x)[2] * (width // groups), tf.float32)
        mean = by_group(over_plane(wide)) / count
        square = by_group(over_plane(tf.square(wide))) / count
        inverse = tf.math.rsqrt(tf.maximum(square - tf.square(mean), 0.0) + EPSILON)
        factor = gain * inverse
        y = mapped(wide, factor) + (shift - mean * factor)[:, None, None]

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            dy = tf.cast(dy, tf.float32)
            d_sum = over_plane(dy)
            d_along = inverse * (over_plane(dy * wide) - mean * d_sum)  # of dy * normal
            mean_sum = by_group(gain * d_sum) / count
            mean_along = by_group(gain * d_along) / count
            tilt = -tf.square(inverse) * mean_along
            dx = mapped(dy, factor) + mapped(wide, tilt)
            dx += (-inverse * mean_sum - tilt * mean)[:, None, None]
            d_scale, d_offset = tf.reduce_sum(d_along, 0), tf.reduce_sum(d_sum, 0)
            return tf.cast(dx, dtype), tf.cast(d_scale, dtype), tf.cast(d_offset, dtype)

        return tf.cast(y, dtype), gradient

    return normalize(x, scale, offset)
