"""Matrix products with the faster kernel for a transposed second matrix.

On a CPU and in float32, `MatMul` takes up to three times as long as `Einsum` for `x w^T`:
on few rows, and where `w` has a multiple of 1,024 columns, since its rows then collide in
the cache. One of the three products of a linear map in training is of that kind, and
automatic differentiation uses `MatMul` for it. In bfloat16 `MatMul` is the faster one.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

_COLLIDING = 1024


def affine(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """Returns `x kernel + bias` of `[N, I]`, `[I, J]` and `[J]`: `[N, J]`."""
    # A custom gradient makes tracing slower, so only where it pays.
    gains = kernel.dtype == tf.float32 and kernel.shape[1] % _COLLIDING == 0
    y = _matmul(x, kernel) if gains else tf.matmul(x, kernel)
    return y if bias is None else tf.nn.bias_add(y, bias)


def times_transposed(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    """Returns `x w^T` of `[N, J]` and `[I, J]`: `[N, I]`."""
    if x.dtype == tf.float32:
        return tf.raw_ops.Einsum(inputs=[x, w], equation="nj,ij->ni")
    return tf.matmul(x, w, transpose_b=True)


@tf.custom_gradient
def _matmul(
    x: tf.Tensor, w: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return times_transposed(dy, w), tf.matmul(x, dy, transpose_a=True)

    return tf.matmul(x, w), gradient
