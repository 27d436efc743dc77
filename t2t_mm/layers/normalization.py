"""Layer normalisation over channels (Ba et al. 2016, arXiv 1607.06450)."""

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
      scale: with what `scale` begins.
    """

    def __init__(self, width: int, *, scale: float = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        start = keras.initializers.Constant(scale)
        self.scale = self.weight("scale", (width,), start)
        self.offset = self.weight("offset", (width,), "zeros")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the normalised `x`, of the same shape `[..., D]`."""
        return _normalize(x, self.read(self.scale), self.read(self.offset))


@tf.custom_gradient
def _normalize(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]]:
    """Layer normalisation with its gradient written out.

    Automatic differentiation of the same formula takes about twice the passes over
    memory. Statistics are float32 whatever the compute dtype.
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
