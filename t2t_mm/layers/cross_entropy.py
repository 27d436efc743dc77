"""Softmax cross-entropy fused with the output projection, for a large vocabulary.

With logits `z = h W + b`, label smoothing s and `p = softmax(z)`, a row's loss is

    -(1 - s) log p_y - s mean_v log p_v = -log p_y + s (z_y - mean_v z_v)

and the gradient to its logits `p_v - (1 - s) [v = y] - s / V`. Logits are the largest
tensor of a step, so the number of passes over them decides the time. Here: the product and
the softmax; then `(1 - s)` is subtracted in place, and the two products of the gradient
follow. The term `s / V`, the same everywhere, and the factor of the mean are applied to
smaller tensors: the hidden layer, the table and their gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

from t2t_mm.layers import products

_LEAST = 1e-37
"""Near the least float: the logarithm of a smaller `p_y` is taken from the logits instead."""


def linear_cross_entropy(
    h: tf.Tensor,
    labels: tf.Tensor,
    table: tf.Tensor,
    bias: tf.Tensor | None = None,
    *,
    smoothing: float = 0.0,
    by_row: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sums the losses of the rows of `h`, for training.

    Args:
      h: `[N, D]`, in the compute dtype, as are `table` and `bias`.
      labels: int `[N]`, below V.
      table: W, `[D, V]`.
      bias: b, `[V]`; None for none.
      smoothing: s.
      by_row: whether `table` is `[V, D]`, as one of embeddings is.

    Returns:
      The sum of the losses in nats, a float32 scalar, and the sum without smoothing,
      which has no gradient. In bfloat16 a row's loss is exact to 0.004, given its rounded
      logits.
    """
    labels = tf.cast(labels, tf.int32)
    chosen = tf.stack([tf.range(tf.size(labels)), labels], 1)
    size = table.shape[0 if by_row else 1]
    share = smoothing / size

    @tf.custom_gradient
    def run(
        h: tf.Tensor, table: tf.Tensor, *biases: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., tuple[tf.Tensor, ...]]]:
        logits = _logits(h, table, biases, by_row)
        p = tf.nn.softmax(logits)
        likely = tf.cast(tf.gather_nd(p, chosen), tf.float32)
        rows = _plain_losses(likely, h, labels, table, biases, by_row)
        loss = plain = tf.reduce_sum(rows)
        mean = tf.zeros([h.shape[-1]])
        if smoothing:
            mean = _mean_column(table, by_row)
            own = tf.cast(tf.gather_nd(logits, chosen), tf.float32)
            above = own - tf.linalg.matvec(tf.cast(h, tf.float32), mean)
            for bias in biases:
                above -= tf.reduce_mean(tf.cast(bias, tf.float32))
            # A mean is at most `log sum exp z - log V`; rounding may say otherwise.
            above = tf.maximum(above, math.log(size) - rows)
            loss = tf.reduce_sum(rows + smoothing * above)
        off = tf.fill(tf.shape(labels), tf.cast(smoothing - 1.0, p.dtype))
        with tf.control_dependencies([likely]):  # nothing reads `p` any more: in place
            d_logits = tf.raw_ops.ScatterNdNonAliasingAdd(input=p, indices=chosen, updates=off)

        def gradient(dy: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, ...]:
            scaled = _scaled(h, dy)
            if by_row:
                d_h = tf.matmul(d_logits, table)
                d_table = tf.matmul(d_logits, scaled, transpose_a=True)
            else:
                d_h = products.times_transposed(d_logits, table)
                d_table = tf.matmul(scaled, d_logits, transpose_a=True)
            if smoothing:
                d_h -= tf.cast(smoothing * mean, h.dtype)
                everywhere = tf.cast(share, h.dtype) * tf.reduce_sum(scaled, 0)
                d_table -= everywhere if by_row else everywhere[:, None]
            d_biases = [_bias_gradient(d_logits, dy, share, bias.dtype) for bias in biases]
            return _scaled(d_h, dy), d_table, *d_biases

        return (loss, plain), gradient

    loss, plain = run(h, table) if bias is None else run(h, table, bias)
    return loss, tf.stop_gradient(plain)


def _logits(
    h: tf.Tensor, table: tf.Tensor, biases: tuple[tf.Tensor, ...], by_row: bool
) -> tf.Tensor:
    logits = products.times_transposed(h, table) if by_row else tf.matmul(h, table)
    for bias in biases:
        logits = tf.nn.bias_add(logits, bias)
    return logits


def _plain_losses(
    likely: tf.Tensor,
    h: tf.Tensor,
    labels: tf.Tensor,
    table: tf.Tensor,
    biases: tuple[tf.Tensor, ...],
    by_row: bool,
) -> tf.Tensor:
    """Returns `-log p_y`, float32 `[N]`: from `p_y`, or where that underflows from new logits."""
    far = likely <= _LEAST  # not of NaN

    def with_logits() -> tf.Tensor:
        place = tf.where(far)
        logits = _logits(tf.gather_nd(h, place), table, biases, by_row)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.gather_nd(labels, place), tf.cast(logits, tf.float32)
        )
        return tf.tensor_scatter_nd_update(losses_of_likely, place, losses)

    losses_of_likely = -tf.math.log(tf.maximum(likely, _LEAST))
    # Rows of a training that diverges: no other training pays for a second product.
    return tf.cond(tf.reduce_any(far), with_logits, lambda: losses_of_likely)


def _scaled(x: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Returns `factor x`, rounded once."""
    return tf.cast(tf.cast(x, tf.float32) * factor, x.dtype)


def _mean_column(table: tf.Tensor, by_row: bool) -> tf.Tensor:
    """Returns the mean over the vocabulary, float32 `[D]`."""
    if not by_row:
        return tf.reduce_mean(tf.cast(table, tf.float32), 1)
    # As a product: TensorFlow sums over a first axis several times slower.
    ones = tf.ones([1, table.shape[0]], table.dtype)
    return tf.cast(tf.matmul(ones, table)[0], tf.float32) / table.shape[0]


def _bias_gradient(d_logits: tf.Tensor, dy: tf.Tensor, share: float, dtype: tf.DType) -> tf.Tensor:
    summed = tf.cast(tf.raw_ops.BiasAddGrad(out_backprop=d_logits), tf.float32)
    rows = tf.cast(tf.shape(d_logits)[0], tf.float32)
    return tf.cast(dy * (summed - share * rows), dtype)
