"""Pools: bucketing by sorting some thousand examples by length and cutting batches.

A pool takes a few large operations; bucketing example by example takes several small ones
each. Sorted neighbours have nearly equal lengths, so a few percent of a batch is padding;
in random order it would be half.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.modality import features

EVENED = 8
"""The remainder of a pool is spread evenly over so many last batches."""

SHARES = 128
"""For that, batch sizes are tried in steps of 1/128 of a full batch."""


def draw(values: tf.RaggedTensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns one value of each row, drawn by the seed: `[P]`.

    Args:
      values: `[P, R]`, one or more a row.
      seed: of stateless random numbers, int64 `[2]`.
    """
    counts = values.row_lengths()
    draws = tf.random.stateless_uniform(tf.shape(counts), seed)
    places = tf.cast(draws * tf.cast(counts, tf.float32), tf.int64)
    return tf.gather(values.flat_values, values.row_starts() + tf.minimum(places, counts - 1))


def sort_by_length(sides: tf.Tensor) -> tf.Tensor:
    """Returns the order by length, longest first, with which batches have least padding.

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
    """Returns the bounds of batches that each fill `batch_tokens`.

    The remainder of a pool makes no small batch: the last `EVENED` batches are evened out.
    A batch of three examples would count as much in training as one of seventy, and it
    would always hold the shortest three of a pool.

    Args:
      longest: int32 `[P]`, the padded length of each example's longer side, sorted
        in descending order.
      batch_tokens: padded positions of a batch, at most; a longer example makes a batch
        of its own.

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
    filled = bounds.stack()
    kept = tf.maximum(tf.size(filled) - 1 - EVENED, 0)
    evened = _evened(longest, filled[kept:], batch_tokens)
    return tf.cond(
        tf.size(filled) > 2,
        lambda: tf.concat([filled[:kept], _halved(longest, evened, batch_tokens)], axis=0),
        lambda: filled,
    )


def _evened(longest: tf.Tensor, bounds: tf.Tensor, batch_tokens: int) -> tf.Tensor:
    """Returns the bounds of as many batches of nearly equal size.

    The batches are cut anew with a smaller size: the smallest fraction of `batch_tokens` that
    does not make their number larger. All fractions are tried at once.

    Args:
      longest: int32 `[P]`, in descending order.
      bounds: int32 `[batches + 1]` of `EVENED` batches at most.
      batch_tokens: of a full batch.

    Returns:
      int32 `[batches + 1]`.
    """
    count = tf.size(longest)
    shares = [batch_tokens * share // SHARES for share in range(SHARES // 2, SHARES + 1)]
    starts = [tf.fill([len(shares)], bounds[0])]
    for _ in range(EVENED):
        first = tf.gather(longest, tf.minimum(starts[-1], count - 1))
        size = tf.maximum(tf.constant(shares) // first, 1)
        starts.append(tf.minimum(starts[-1] + size, count))
    candidates = tf.stack(starts)[: tf.size(bounds)]  # [batches + 1, shares]
    enough = tf.cast(tf.equal(candidates[-1], count), tf.int32)
    return candidates[:, tf.argmax(enough)]


def _halved(longest: tf.Tensor, bounds: tf.Tensor, batch_tokens: int) -> tf.Tensor:
    """Moves the bound between the last two batches so that both have about the same size.

    With only a few examples a batch, `_evened` may find no fraction that fits.
    """
    start, old, count = bounds[-3], bounds[-2], bounds[-1]
    places = tf.range(start + 1, old + 1)
    before = (places - start) * longest[start]
    after = (count - places) * tf.gather(longest, places)
    fits = (after <= batch_tokens) | tf.equal(places, old)
    difference = tf.where(fits, tf.abs(before - after), longest.dtype.max)
    place = places[tf.argmin(difference, output_type=tf.int32)]
    return tf.concat([bounds[:-2], [place, count]], axis=0)


def to_parts(rows: tf.RaggedTensor, order: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the values and row splits of `rows` in `order`.

    Ragged tensors cannot be saved as part of an iterator in a checkpoint.
    """
    rows = tf.gather(rows, order)
    return rows.values, rows.row_splits


def take_rows(
    values: tf.Tensor, splits: tf.Tensor, *, start: tf.Tensor, stop: tf.Tensor, multiple: int
) -> tf.Tensor:
    """Returns rows `start` to `stop` from `to_parts`, padded: `[stop - start, width]`.

    The padding is 0; the width is the longest length, rounded up to `multiple`.
    """
    splits = splits[start : stop + 1]
    rows = tf.RaggedTensor.from_row_splits(
        values[splits[0] : splits[-1]], splits - splits[0], validate=False
    )
    return padded(rows, multiple)


def padded(rows: tf.RaggedTensor, multiple: int) -> tf.Tensor:
    """Returns rows padded with 0: `[B, width]`, the longest length rounded up to `multiple`."""
    width = features.round_up(tf.reduce_max(rows.row_lengths()), multiple)
    return rows.to_tensor(default_value=0, shape=tf.stack([rows.nrows(), width]))


def padding_share(batch: Mapping[str, Any]) -> float:
    """Returns the fraction of a batch's text positions that is padding.

    Args:
      batch: one batch of a pipeline; id matrices are the int32 tensors of rank 2.
    """
    sides = [*batch["inputs"].values(), batch.get("targets")]
    matrices = [np.asarray(side) for side in sides if side is not None]
    matrices = [m for m in matrices if m.dtype == np.int32 and m.ndim == 2]
    cells = sum(m.size for m in matrices)
    real = sum(int(np.count_nonzero(m)) for m in matrices)
    return 1.0 - real / cells if cells else 0.0
