"""Matrix products, with gradients that pick the faster kernel for a transposed matrix.

On a CPU and in float32, the kernel of `MatMul` takes up to three times as long for a
transposed second matrix as that of `Einsum`: the more so the wider the matrix is and the
fewer the rows. Of three products of a training step one is of that kind, and automatic
differentiation would use `MatMul` for it. In bfloat16 `MatMul` is the faster one.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def affine(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """Returns `x kernel + bias` of `[N, I]`, `[I, J]` and `[J]`: `[N, J]`."""

    @tf.custom_gradient
    def run(
        x: tf.Tensor, kernel: tf.Tensor, *bias: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
        y = tf.matmul(x, kernel)

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, ...]:
            d_bias = [tf.raw_ops.BiasAddGrad(out_backprop=dy) for _ in bias]
            return times_transposed(dy, kernel), tf.matmul(x, dy, transpose_a=True), *d_bias

        return tf.nn.bias_add(y, bias[0]) if bias else y, gradient

    return run(x, kernel) if bias is None else run(x, kernel, bias)


def times_transposed(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    """Returns `x w^T` of `[N, J]` and `[I, J]`: `[N, I]`."""
    if x.dtype == tf.float32:
        return tf.raw_ops.Einsum(inputs=[x, w], equation="nj,ij->ni")
    return tf.matmul(x, w, transpose_b=True)
