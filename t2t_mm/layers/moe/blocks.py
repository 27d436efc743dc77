"""Runs the experts in blocks of rows, by as many operations for 240 experts as for four.

A product for each expert has its price on a GPU, which is given 240 small ones, and has to
tell the host first how many rows each of them has. Here sorted rows are laid out in blocks:
a block belongs to one expert and is filled up with zeros, each block gathers the weights of
its expert, and one batched product multiplies them all. No row is dropped. The number of
blocks follows from the number of rows, not from where they go, so no shape waits for the GPU.

With R rows, E experts and B rows a block, B is at least R / E, and there are fewer than
R / B + E blocks. So the gathered weights are at most twice the experts' own, and the blocks
hold at most R + E B rows: some 2 R, or R + 32 E where experts have few rows.

All moves are gathers, and so are their gradients. The gradients of an expert's weights are
summed over its blocks by a sorted segment sum, whose order is fixed: the same rows give the
same bits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import tensorflow as tf

Gradient: TypeAlias = Callable[[tf.Tensor], tuple[tf.Tensor | None, ...]]

_FEWEST_ROWS = 32  # of a block: fewer would leave most of a GPU's tile of a product empty
_MULTIPLE = 8  # of rows, as its units for products of bfloat16 take them


class Layout(NamedTuple):
    """Where sorted rows stand in C blocks of B rows.

    Attributes:
      rows: int64 [C, B], the row at each place; any row where `is_row` is false.
      is_row: bool [C, B], false where a block is filled up.
      places: int64 [R], where each row stands among the C * B places.
      experts: int64 [C], the expert of each block, ascending.
      numbers: int64 [C], those of the blocks: 0 to C - 1.
    """

    rows: tf.Tensor
    is_row: tf.Tensor
    places: tf.Tensor
    experts: tf.Tensor
    numbers: tf.Tensor


def layout(sizes: tf.Tensor, rows: tf.Tensor) -> Layout:
    """Lays out rows that are sorted by expert.

    What follows from the number of rows is computed on the host, the rest by int64:
    TensorFlow computes int32 on the host, which would wait for the GPU's.

    Args:
      sizes: int32 [E], how many rows each expert has.
      rows: int32 scalar, R, their sum, known on the host.
    """
    experts_count = sizes.shape[0]
    block = _rows_of_a_block(rows, experts_count)
    # An expert with s > 0 rows fills (s + B - 1) // B blocks: the most that there can be.
    blocks = (rows + tf.minimum(rows, experts_count) * (block - 1)) // block
    with on_host():
        all_rows, in_block, numbers = (
            tf.range(tf.cast(length, tf.int64)) for length in (rows, block, blocks)
        )
        block = tf.cast(block, tf.int64)
        last_row = tf.cast(rows - 1, tf.int64)
    sizes = tf.cast(sizes, tf.int64)
    ends = tf.cumsum(sizes)
    starts = ends - sizes
    filled = (sizes + (block - 1)) // block
    last_blocks = tf.cumsum(filled)
    first_blocks = last_blocks - filled

    # Blocks beyond the last one that is filled count as the last expert's, without rows.
    experts = tf.minimum(_owners(last_blocks, numbers), experts_count - 1)
    first_rows = tf.gather(starts, experts)
    first_rows += (numbers - tf.gather(first_blocks, experts)) * block
    of_blocks = first_rows[:, tf.newaxis] + in_block
    owners = _owners(ends, all_rows)
    return Layout(
        rows=tf.minimum(of_blocks, last_row),
        is_row=of_blocks < tf.gather(ends, experts)[:, tf.newaxis],
        places=(tf.gather(first_blocks, owners) * block + all_rows - tf.gather(starts, owners)),
        experts=experts,
        numbers=numbers,
    )


def on_host() -> contextlib.AbstractContextManager[None]:
    """Returns a scope for what is computed from shapes: these are known on the host."""
    return tf.device("/device:CPU:0")


def run(rows: tf.Tensor, sizes: tf.Tensor, w_in: tf.Tensor, w_out: tf.Tensor) -> tf.Tensor:
    """Runs `ReLU(x w_in[e]) w_out[e]` on each expert's rows; see `dispatch.run_experts`.

    Args:
      rows: [R, D], sorted by expert.
      sizes: int32 [E], the number of rows of each expert.
      w_in: [E, D, F].
      w_out: [E, F, D].

    Returns:
      [R, D], in the same order.
    """

    @tf.custom_gradient
    def multiply(
        rows: tf.Tensor, w_in: tf.Tensor, w_out: tf.Tensor, *layout: tf.Tensor
    ) -> tuple[tf.Tensor, Gradient]:
        placed = Layout(*layout)
        x = _to_blocks(rows, placed)  # [C, B, D]
        hidden = tf.nn.relu(tf.matmul(x, tf.gather(w_in, placed.experts)))  # [C, B, F]
        y = _to_rows(tf.matmul(hidden, tf.gather(w_out, placed.experts)), placed)

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            # Weights are gathered anew. Without the dependency TensorFlow would find the same
            # operation in the forward pass, and keep what it gathered in between.
            with tf.control_dependencies([dy]):
                first = tf.gather(w_in, placed.experts)
                second = tf.gather(w_out, placed.experts)
            d_out = _to_blocks(dy, placed)
            d_hidden = tf.raw_ops.ReluGrad(
                gradients=tf.matmul(d_out, second, transpose_b=True), features=hidden
            )
            d_second = _sum_of_experts(tf.matmul(hidden, d_out, transpose_a=True), placed, w_out)
            d_first = _sum_of_experts(tf.matmul(x, d_hidden, transpose_a=True), placed, w_in)
            d_rows = _to_rows(tf.matmul(d_hidden, first, transpose_b=True), placed)
            return d_rows, d_first, d_second, *([None] * len(placed))

        return y, gradient

    return multiply(rows, w_in, w_out, *layout(sizes, tf.shape(rows)[0]))


def _rows_of_a_block(rows: tf.Tensor, experts_count: int) -> tf.Tensor:
    """Returns B: an expert's share of the rows, in whole multiples."""
    share = experts_count * _MULTIPLE
    return tf.maximum(_FEWEST_ROWS, (rows + share - 1) // share * _MULTIPLE)


def _owners(ends: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Returns into which of the ranges that end before `ends` each number falls."""
    return tf.searchsorted(ends, numbers, side="right", out_type=tf.int64)


def _to_blocks(rows: tf.Tensor, placed: Layout) -> tf.Tensor:
    """Returns rows [R, D] as blocks [C, B, D], with zeros where there is no row."""
    there = tf.gather(rows, placed.rows)
    return tf.where(placed.is_row[:, :, tf.newaxis], there, tf.zeros([], rows.dtype))


def _to_rows(blocks: tf.Tensor, placed: Layout) -> tf.Tensor:
    """Returns the rows [R, D] of blocks [C, B, D]."""
    return tf.gather(tf.reshape(blocks, [-1, blocks.shape[-1]]), placed.places)


def _sum_of_experts(of_blocks: tf.Tensor, placed: Layout, like: tf.Tensor) -> tf.Tensor:
    """Returns the sums [E, I, J] over the blocks of each expert of [C, I, J].

    The sparse sum has no atomic additions on a GPU, as `tf.math.unsorted_segment_sum` has,
    and is told E, which `tf.math.segment_sum` reads from the last index.
    """
    summed = tf.sparse.segment_sum(
        of_blocks, placed.numbers, placed.experts, num_segments=like.shape[0]
    )
    return tf.ensure_shape(summed, like.shape)
