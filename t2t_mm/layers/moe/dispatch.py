"""Moves tokens to their experts and back, and runs the experts.

Every pair of a token and a chosen expert is a row. Rows are sorted by expert, each expert
multiplies its block of rows, and the results go back into place. Work and memory grow with
the N * K rows: no tensor has the size N * E, no expert has a capacity, and an expert
without tokens multiplies an empty matrix.

On processors there is a product for each expert, on as many rows as it has. Where there is a
GPU, the products are batched (`blocks`), and nothing is computed that the host would wait for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import tensorflow as tf

from t2t_mm.layers import products
from t2t_mm.layers.moe import blocks

# The functions with custom gradients below take all their tensors as arguments. For a
# captured tensor TensorFlow would search the graph back through the whole model.
Gradient: TypeAlias = Callable[[tf.Tensor], tuple[tf.Tensor | None, ...]]


class Plan(NamedTuple):
    """Where each of the N * K rows goes.

    Attributes:
      order: [N * K], the row (n * K + k) at each place of the sorted order; int32, or int64
        for blocks.
      places: as `order`, the place of each row; its inverse.
      sizes: int32 [E], how many rows each expert has.
      selected: K.
      in_blocks: whether experts are multiplied in blocks.
    """

    order: tf.Tensor
    places: tf.Tensor
    sizes: tf.Tensor
    selected: int
    in_blocks: bool


def fits_blocks() -> bool:
    """Returns whether there is a GPU, on which experts are multiplied in blocks."""
    return bool(tf.config.get_visible_devices("GPU"))


def plan(experts: tf.Tensor, experts_count: int, *, in_blocks: bool | None = None) -> Plan:
    """Sorts the rows of `experts`, int32 [N, K], by expert, stably.

    Args:
      experts: the chosen ones.
      experts_count: E.
      in_blocks: whether experts are multiplied in blocks; None for `fits_blocks()`.
    """
    if fits_blocks() if in_blocks is None else in_blocks:
        return _plan_for_blocks(experts, experts_count)
    rows = tf.reshape(experts, [-1])
    order = tf.argsort(rows, stable=True)
    return Plan(
        order=order,
        places=tf.math.invert_permutation(order),
        sizes=tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, experts_count),
        selected=experts.shape[-1],
        in_blocks=False,
    )


def _plan_for_blocks(experts: tf.Tensor, experts_count: int) -> Plan:
    """Returns the same plan by operations that a GPU does itself.

    TensorFlow leaves int32 and the inverse of a permutation to the host.
    """
    rows = tf.reshape(tf.cast(experts, tf.int64), [-1])
    count = tf.shape(rows)[0]
    with blocks.on_host():
        length = tf.cast(count, tf.int64)
        numbers, shape = tf.range(length), tf.stack([length])
    order = tf.cast(tf.argsort(rows, stable=True), tf.int64)
    return Plan(
        order=order,
        places=tf.scatter_nd(order[:, tf.newaxis], numbers, shape),
        sizes=tf.math.unsorted_segment_sum(tf.ones([count], tf.int32), rows, experts_count),
        selected=experts.shape[-1],
        in_blocks=True,
    )


def scatter(x: tf.Tensor, to: Plan) -> tf.Tensor:
    """Copies each token of [N, D] to its K experts: rows [N * K, D], sorted by expert."""

    @tf.custom_gradient
    def copy(x: tf.Tensor, order: tf.Tensor, places: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(g: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            # Gather and sum over a token's copies: a scatter-add would be slower, and
            # in bfloat16 it would round after every addend.
            copies = tf.reshape(tf.gather(g, places), [-1, to.selected, g.shape[-1]])
            return tf.reduce_sum(copies, axis=1), None, None

        return tf.gather(x, order // to.selected), gradient

    return copy(x, to.order, to.places)


def combine(rows: tf.Tensor, gates: tf.Tensor, to: Plan) -> tf.Tensor:
    """Sums each token's K rows of [N * K, D], weighted by its gates [N, K]: [N, D]."""

    @tf.custom_gradient
    def restore(rows: tf.Tensor, order: tf.Tensor, places: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        return tf.gather(rows, places), lambda g: (tf.gather(g, order), None, None)

    @tf.custom_gradient
    def weigh(rows: tf.Tensor, gates: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(g: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            # The automatic gradient of a sum puts a shape together, which a GPU waits for.
            g = g[:, tf.newaxis]
            return g * gates[:, :, tf.newaxis], tf.reduce_sum(g * rows, axis=2)

        return tf.reduce_sum(rows * gates[:, :, tf.newaxis], axis=1), gradient

    rows = restore(rows, to.order, to.places)
    rows = tf.reshape(rows, [-1, to.selected, rows.shape[-1]])
    return weigh(rows, tf.cast(gates, rows.dtype))


def run_experts(rows: tf.Tensor, to: Plan, w_in: tf.Tensor, w_out: tf.Tensor) -> tf.Tensor:
    """Runs `ReLU(x w_in[e]) w_out[e]` on each expert's sorted rows.

    With a product for each expert the weights are split by `unstack`, which shares their
    memory: the gradient of each slice `w_in[e]` would have the size of all experts. The
    gradient is custom for the sake of its products with transposed weights (see
    `layers/products.py`).

    Args:
      rows: [N * K, D], sorted by expert.
      to: their plan.
      w_in: [E, D, F].
      w_out: [E, F, D].

    Returns:
      [N * K, D], in the same order.
    """
    if to.in_blocks:
        return blocks.run(rows, to.sizes, w_in, w_out)

    @tf.custom_gradient
    def run(
        rows: tf.Tensor, sizes: tf.Tensor, w_in: tf.Tensor, w_out: tf.Tensor
    ) -> tuple[tf.Tensor, Gradient]:
        inputs = _split(rows, sizes)
        firsts, seconds = tf.unstack(w_in), tf.unstack(w_out)
        hidden = [tf.nn.relu(tf.matmul(x, w)) for x, w in zip(inputs, firsts, strict=True)]
        y = tf.concat([tf.matmul(h, w) for h, w in zip(hidden, seconds, strict=True)], axis=0)

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            d_inputs, d_firsts, d_seconds = [], [], []
            each = zip(inputs, hidden, _split(dy, sizes), firsts, seconds, strict=True)
            for x, h, d_out, first, second in each:
                d_hidden = tf.raw_ops.ReluGrad(
                    gradients=products.times_transposed(d_out, second), features=h
                )
                d_seconds.append(tf.matmul(h, d_out, transpose_a=True))
                d_firsts.append(tf.matmul(x, d_hidden, transpose_a=True))
                d_inputs.append(products.times_transposed(d_hidden, first))
            return tf.concat(d_inputs, axis=0), None, tf.stack(d_firsts), tf.stack(d_seconds)

        return y, gradient

    return run(rows, to.sizes, w_in, w_out)


def _split(rows: tf.Tensor, sizes: tf.Tensor) -> list[tf.Tensor]:
    return tf.split(rows, sizes, num=sizes.shape[0])
