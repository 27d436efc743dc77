"""A pointwise linear map: a 1x1 convolution as one matrix product."""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.layers import base, products


class Linear(base.Layer):
    """`x W + b` over the last axis, whatever the axes before it.

    Args:
      width_in: size of the last axis of the input.
      width_out: size of the last axis of the output.
      bias: whether to add `b`.
    """

    def __init__(
        self, width_in: int, width_out: int, *, bias: bool = True, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.width_in, self.width_out = width_in, width_out
        self.kernel = self.weight("kernel", (width_in, width_out), "glorot_uniform")
        self.bias = self.weight("bias", (width_out,), "zeros") if bias else None

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `[..., width_in]` to `[..., width_out]`."""
        flat = tf.reshape(x, [-1, self.width_in])
        bias = None if self.bias is None else self.read(self.bias)
        y = products.affine(flat, self.read(self.kernel), bias)
        shape = tf.concat([tf.shape(x)[:-1], [self.width_out]], 0)
        y = tf.reshape(y, shape)
        y.set_shape(x.shape[:-1].concatenate([self.width_out]))
        return y
