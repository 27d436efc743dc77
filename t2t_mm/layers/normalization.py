"""Layer normalisation (Ba et al. 2016, arXiv 1607.06450), over channels or whole planes."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from t2t_mm.layers import base

EPSILON = 1e-6


class LayerNorm(base.Layer):
    """`scale * (x - mean) / sqrt(variance + epsilon) + offset` over the last axis.

    Args:
      width: size of the last axis.
      scale: initial value of `scale`.
    """

    def __init__(self, width: int, *, scale: float = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        start = keras.initializers.Constant(scale)
        self.scale = self.weight("scale", (width,), start)
        self.offset = self.weight("offset", (width,), "zeros")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the normalised `x`, of the same shape `[..., D]`."""
        return _normalize(x, self.read(self.scale), self.read(self.offset))


class PlaneNorm(base.Layer):
    """Global layer norm: statistics over all positions and channels of an example.

    (Luo and Mesgarani 2019, arXiv 1809.07454.) It is for few channels: a norm over two
    channels alone would leave nothing but which of them is larger.

    Args:
      width: channels.
    """

    def __init__(self, width: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.scale = self.weight("scale", (width,), "ones")
        self.offset = self.weight("offset", (width,), "zeros")

    def call(self, x: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the normalised `x` `[B, h, w, C]`, 0 where `mask` is 0.

        Args:
          x: the input.
          mask: `[B, h, w or 1, 1]`, 1 for real positions; statistics are over these.
        """
        if mask is None:
            mask = tf.ones_like(x[:, :, :1, :1])
        return _normalize_planes(x, self.read(self.scale), self.read(self.offset), mask)


def _normalize_planes(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, mask: tf.Tensor
) -> tf.Tensor:
    """As `_normalize`, over all real positions and channels of each example."""
    mask = tf.cast(mask, tf.float32)
    values_each = tf.cast(tf.size(x) // tf.maximum(tf.size(mask), 1), tf.float32)
    count = tf.maximum(tf.reduce_sum(mask, [1, 2, 3], keepdims=True) * values_each, 1.0)

    def total(values: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(values, [1, 2, 3], keepdims=True)

    @tf.custom_gradient
    def normalize(
        x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]]:
        dtype = x.dtype
        wide = tf.cast(x, tf.float32)
        centred = (wide - total(wide * mask) / count) * mask
        inverse = tf.math.rsqrt(total(tf.square(centred)) / count + EPSILON)
        normal = centred * inverse
        y = tf.cast(normal, dtype) * scale + tf.cast(mask, dtype) * offset

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            dy = tf.cast(dy, tf.float32) * mask
            d_scale = tf.reduce_sum(dy * normal, [0, 1, 2])
            d_offset = tf.reduce_sum(dy, [0, 1, 2])
            d_normal = dy * tf.cast(scale, tf.float32)
            mean, along = total(d_normal) / count, total(d_normal * normal) / count
            dx = inverse * (d_normal - mask * mean - normal * along)
            return tf.cast(dx, dtype), tf.cast(d_scale, dtype), tf.cast(d_offset, dtype)

        return y, gradient

    return normalize(x, scale, offset)


@tf.custom_gradient
def _normalize(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]]:
    """Layer normalisation with a custom gradient.

    Automatic differentiation of the same formula passes over memory about twice as
    often. Statistics are float32 whatever the compute dtype.
    """
    dtype = x.dtype
    wide = tf.cast(x, tf.float32)
    centred = wide - tf.reduce_mean(wide, -1, keepdims=True)
    inverse = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + EPSILON)
    normal = centred * inverse
    y = tf.cast(normal, dtype) * scale + offset

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        dy = tf.cast(dy, tf.float32)
        axes = tf.range(tf.rank(dy) - 1)
        product = dy * normal
        d_scale = tf.reduce_sum(product, axes)
        d_offset = tf.reduce_sum(dy, axes)
        wide_scale = tf.cast(scale, tf.float32)
        d_normal = dy * wide_scale
        mean = tf.reduce_mean(d_normal, -1, keepdims=True)
        along = tf.reduce_mean(product * wide_scale, -1, keepdims=True)
        dx = inverse * (d_normal - mean - normal * along)
        return tf.cast(dx, dtype), tf.cast(d_scale, dtype), tf.cast(d_offset, dtype)

    return y, gradient
