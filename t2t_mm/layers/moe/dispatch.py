"""Moves positions to their experts and back, and runs the experts.

Every (position, choice) pair is a row. Rows are sorted by expert, so that each
expert's are one block; a matrix product an expert; then back into place. Work and
memory grow with the N * K rows: nothing has the size N * E * anything, no expert
has a capacity, and an expert that nobody chose multiplies a matrix of no rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Plan(NamedTuple):
    """Where each of the N * K rows goes.

    Attributes:
      order: int32 [N * K], the row (n * K + k) at each place after sorting.
      places: int32 [N * K], the place of each row; the inverse of `order`.
      sizes: int32 [E], how many rows each expert has.
      selected: K.
    """

    order: tf.Tensor
    places: tf.Tensor
    sizes: tf.Tensor
    selected: int


def plan(experts: tf.Tensor, experts_count: int) -> Plan:
    """Sorts the rows of `experts`, int32 [N, K], by expert, stably."""
    rows = tf.reshape(experts, [-1])
    order = tf.argsort(rows, stable=True)
    return Plan(
        order=order,
        places=tf.math.invert_permutation(order),
        sizes=tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, experts_count),
        selected=experts.shape[-1],
    )


def scatter(x: tf.Tensor, to: Plan) -> list[tf.Tensor]:
    """Copies each position of [N, D] to its K experts: E blocks [sizes[e], D]."""

    @tf.custom_gradient
    def copy(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(g: tf.Tensor) -> tf.Tensor:
            # The sum over a position's copies, as a gather: a scatter-add would be
            # slower, and in bfloat16 it would round after every addend.
            copies = tf.reshape(tf.gather(g, to.places), [-1, to.selected, g.shape[-1]])
            return tf.reduce_sum(copies, axis=1)

        return tf.gather(x, to.order // to.selected), gradient

    return tf.split(copy(x), to.sizes, num=to.sizes.shape[0])


def combine(blocks: list[tf.Tensor], gates: tf.Tensor, to: Plan) -> tf.Tensor:
    """Sums each position's K rows, weighted by its gates [N, K]: [N, D]."""

    @tf.custom_gradient
    def restore(rows: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return tf.gather(rows, to.places), lambda g: tf.gather(g, to.order)

    rows = restore(tf.concat(blocks, axis=0))
    rows = tf.reshape(rows, [-1, to.selected, rows.shape[-1]])
    return tf.reduce_sum(rows * tf.cast(gates, rows.dtype)[:, :, tf.newaxis], axis=1)


def run_experts(blocks: list[tf.Tensor], w_in: tf.Tensor, w_out: tf.Tensor) -> list[tf.Tensor]:
    """Runs `ReLU(x w_in[e]) w_out[e]` on each expert's block.

    The weights are taken apart by `unstack`, which shares their memory and whose
    gradient is one `stack`. A slice `w_in[e]` would have a gradient of the size of
    all experts, for each expert.

    Args:
      blocks: E tensors [sizes[e], D].
      w_in: [E, D, F].
      w_out: [E, F, D].

    Returns:
      E tensors [sizes[e], D].
    """
    weights = zip(blocks, tf.unstack(w_in), tf.unstack(w_out), strict=True)
    return [tf.matmul(tf.nn.relu(tf.matmul(x, first)), second) for x, first, second in weights]
