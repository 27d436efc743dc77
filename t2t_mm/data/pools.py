"""Pools: some thousand examples, sorted by length and cut into padded batches.

A pool costs a handful of large operations where bucketing example by example costs
several small ones for each; sorted neighbours differ so little in length that a few
percent of a batch is padding, where batches in random order are half padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf


def sort_by_length(sides: tf.Tensor) -> tf.Tensor:
    """Returns the order, longest first, in which neighbours need least padding.

    Examples are ordered by their longer side, and within equal ones by both sides'
    sum; equal examples keep their (shuffled) order.

    Args:
      sides: int32 `[P, 2]`, padded lengths of inputs and targets.

    Returns:
      int32 `[P]`, indices into the pool.
    """
    sides = tf.cast(sides, tf.int64)
    key = tf.reduce_max(sides, axis=1) * 2**31 + tf.reduce_sum(sides, axis=1)
    return tf.argsort(key, direction="DESCENDING", stable=True)


def cut(longest: tf.Tensor, *, batch_tokens: int) -> tf.Tensor:
    """Returns where batches begin and end, so that each fills `batch_tokens`.

    Args:
      longest: int32 `[P]`, the padded length of each example's longer side, sorted
        from the longest on.
      batch_tokens: examples times longest length in a batch, at most; an example
        longer than that makes a batch alone.

    Returns:
      int32 `[batches + 1]`: 0, then the end of every batch.
    """
    count = tf.size(longest)

    def body(start: tf.Tensor, bounds: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        size = tf.maximum(batch_tokens // longest[start], 1)
        stop = tf.minimum(start + size, count)
        return stop, bounds.write(bounds.size(), stop)

    bounds = tf.TensorArray(tf.int32, size=1, dynamic_size=True, clear_after_read=False)
    _, bounds = tf.while_loop(
        lambda start, _: start < count, body, (tf.constant(0), bounds.write(0, 0))
    )
    return bounds.stack()


def round_up(lengths: tf.Tensor, multiple: int) -> tf.Tensor:
    """Returns `lengths`, each rounded up to a multiple of `multiple`."""
    return -(-lengths // multiple) * multiple


def to_parts(rows: tf.RaggedTensor, order: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the values and row splits of `rows` in `order`.

    An element of a dataset that waits in a checkpoint cannot be a ragged tensor.
    """
    rows = tf.gather(rows, order)
    return rows.values, rows.row_splits


def take_rows(
    values: tf.Tensor, splits: tf.Tensor, *, start: tf.Tensor, stop: tf.Tensor, multiple: int
) -> tf.Tensor:
    """Returns rows `start` to `stop` of what `to_parts` gave: `[stop - start, width]`.

    They are padded with 0; the width is the longest, rounded up to `multiple`.
    """
    splits = splits[start : stop + 1]
    rows = tf.RaggedTensor.from_row_splits(
        values[splits[0] : splits[-1]], splits - splits[0], validate=False
    )
    width = round_up(tf.reduce_max(rows.row_lengths()), multiple)
    return rows.to_tensor(default_value=0, shape=tf.stack([rows.nrows(), width]))


def padding_share(batch: Mapping[str, Any]) -> float:
    """Returns the share of a batch's text positions that is padding (0 to 1).

    Args:
      batch: one batch of a pipeline; id matrices are the int32 tensors of rank 2.
    """
    sides = [*batch["inputs"].values(), batch.get("targets")]
    matrices = [np.asarray(side) for side in sides if side is not None]
    matrices = [m for m in matrices if m.dtype == np.int32 and m.ndim == 2]
    cells = sum(m.size for m in matrices)
    real = sum(int(np.count_nonzero(m)) for m in matrices)
    return 1.0 - real / cells if cells else 0.0
