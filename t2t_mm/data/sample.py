"""Sample: what the first records of a training split tell about its batches.

Records lie in an order that is random in the raw data, so the first of them are a sample
like any other: the same for every worker, and for a run that goes on. A split no larger
than the sample is looked at whole, and what is told of it is exact.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from t2t_mm.data import batches, pipeline, pools, reading
from t2t_mm.data import batching as batching_lib
from t2t_mm.data import task as task_lib

MOST_EXAMPLES = 4096
"""A mean over so many lengths is off by a hundredth or so."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """What was found.

    Attributes:
      examples: of the training split.
      seen: how many of them were looked at; none where every batch is as large as the other.
      examples_a_batch: the mean.
    """

    examples: int
    seen: int
    examples_a_batch: float


def take(task: task_lib.Task, batching: batching_lib.Batching, *, workers: int = 1) -> Sample:
    """Looks at the first training examples of a task.

    They are sorted and cut into batches by the very functions of the pipeline, in pools
    of the same size; of pictures and sounds only the heads are read.

    Args:
      task: the problem and its data.
      batching: sizes.
      workers: that share the examples.

    Raises:
      DataError: when shards are missing or damaged, or an example cannot be used.
    """
    split = task.splits[0]
    source = reading.Source.open(task, split)
    maker = batches.Maker(task, batching, names=list(task.modalities()), seed=0)
    if not maker.ragged:
        return Sample(source.examples, 0, float(batching.batch_examples))
    held = source.held(pipeline.HELD_BYTES)
    seen = min(MOST_EXAMPLES, held, source.examples)
    with reading.explaining(task, split):
        serialized = next(iter(tf.data.TFRecordDataset(source.files).batch(seen)))
        sides, _ = maker.sides(reading.parse(serialized, maker.names))
    pool = maker.pool_size(min(held, max(1, source.examples // workers)))
    return Sample(source.examples, seen, _mean(sides.numpy(), pool, maker.batch_positions))


def _mean(sides: np.ndarray, pool: int, positions: int) -> float:
    """Returns the mean number of examples of a batch.

    Args:
      sides: int32 `[P, 2]`, padded lengths of inputs and targets.
      pool: examples that are sorted together; a smaller sample is repeated to make up one.
      positions: of a batch.
    """

    @tf.function(autograph=False)
    def count(part: tf.Tensor) -> tf.Tensor:
        longest = tf.gather(tf.reduce_max(part, axis=1), pools.sort_by_length(part))
        return tf.size(pools.cut(longest, batch_tokens=positions)) - 1

    number = -(-len(sides) // pool)
    parts = np.resize(sides, (number, pool, 2))
    return number * pool / sum(int(count(tf.constant(part))) for part in parts)
