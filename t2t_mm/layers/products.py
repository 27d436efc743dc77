"""Matrix products that pick the faster kernel for a transposed second matrix.

On a CPU and in float32, the kernel of `MatMul` takes up to three times as long for one as
that of `Einsum`: on few rows, and where the matrix has a multiple of 1,024 columns, since
its rows then fall on the same places of a cache. Of the three products that a training
step makes of every linear map one is of that kind, and automatic differentiation uses
`MatMul` for it. In bfloat16 `MatMul` is the faster one.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

_COLLIDING = 1024


def affine(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """Returns `x kernel + bias` of `[N, I]`, `[I, J]` and `[J]`: `[N, J]`."""
    # A gradient of one's own costs time at the start, so only where it gains some.
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
