"""Sample: statistics of batches, estimated from the first records of a training split.

Records were shuffled at generation, so the first ones are a random sample, the same for
every worker and for a resumed run. For a split no larger than the sample the statistics
are exact.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import batches, pipeline, pools, reading, split_records
from t2t_mm.data import task as task_lib
from t2t_mm.settings import batching as batching_lib

MOST_EXAMPLES = 4096
"""A mean over so many lengths has an error of about 1 %."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """Statistics of a training split's batches.

    Attributes:
      examples: of the training split, without those dropped for their length.
      seen: examples in the sample; 0 if all batches have the same number of examples.
      too_long: how many of these have a text over its limit.
      examples_a_batch: the mean.
      longest: positions of the longest example of the sample, after truncation.
      limits: tokens of each text at most, by its name.
    """

    examples: int
    seen: int
    too_long: int
    examples_a_batch: float
    longest: int
    limits: dict[str, int]


def take(task: task_lib.Task, batching: batching_lib.Batching, *, workers: int = 1) -> Sample:
    """Computes the statistics from the first training examples of a task.

    They are sorted and cut into batches by the functions of the pipeline, in pools of the
    same size; only the headers of pictures and sounds are read.

    Args:
      task: the problem and its data.
      batching: sizes.
      workers: number of workers of the training.

    Raises:
      DataError: when shards are missing or damaged, or an example cannot be used.
    """
    split = task.splits[0]
    source = split_records.SplitRecords.open(task, split)
    examples = task.manifest().examples(split)
    maker = batches.Maker(task, batching, names=list(task.modalities()), seed=0)
    if not maker.ragged:
        return Sample(examples, 0, 0, float(batching.batch_examples), 0, {})
    capacity = source.held(pipeline.HELD_BYTES)
    seen = min(MOST_EXAMPLES, capacity, examples)
    with reading.explaining(task, split):
        serialized = next(iter(source.tensors().examples(grouped=source.grouped).batch(seen)))
        both, ids = maker.sides(reading.parse(serialized, maker.names))
        is_cut = maker.is_cut(ids).numpy() if ids else np.zeros(seen, bool)
    sides = both.numpy()
    is_kept = ~is_cut if maker.drops else np.ones(seen, bool)
    if not is_kept.any():
        raise errors.ConfigError(
            f"Batching.too_long = 'drop' leaves no example of {task.name!r}",
            received=f"{seen:,} of {seen:,} examples looked at have a text over its limit",
            expected="examples within " + _words(limits(maker)),
            hint="Raise the limit, or leave Batching.too_long at 'cut'",
        )
    pool = maker.pool_size(min(capacity, max(1, source.count // workers)))
    return Sample(
        examples=max(1, examples * int(is_kept.sum()) // seen),
        seen=seen,
        too_long=int(is_cut.sum()),
        examples_a_batch=_mean(sides, is_kept, pool, maker.batch_positions),
        longest=int(sides[is_kept].max()),
        limits=limits(maker),
    )


def limits(maker: batches.Maker) -> dict[str, int]:
    """Returns the maximal number of tokens of each text in a maker's batches, by name."""
    declared = {
        name: getattr(features, "max_length", 0) for name, features in maker.features.items()
    }
    return {name: limit for name, limit in declared.items() if limit}


def _words(limits: Mapping[str, int]) -> str:
    return ", ".join(f"{limit} tokens of {name}" for name, limit in limits.items())


def _mean(sides: np.ndarray, is_kept: np.ndarray, pool: int, positions: int) -> float:
    """Returns the mean number of examples of a batch.

    Args:
      sides: int32 `[P, 2]`, padded lengths of inputs and targets.
      is_kept: bool `[P]`, which examples are not dropped.
      pool: examples sorted together; a smaller sample is repeated to fill a pool.
      positions: of a batch.
    """
    count = _counter(positions)
    number = -(-len(sides) // pool)
    places = np.resize(np.arange(len(sides)), (number, pool))
    kept = [part[is_kept[part]] for part in places]
    return sum(map(len, kept)) / sum(int(count(tf.constant(sides[part]))) for part in kept)


@functools.lru_cache(maxsize=32)
def _counter(positions: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the traced function of lengths, int32 `[P, 2]`, to the number of their batches."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 2], tf.int32)])
    def count(part: tf.Tensor) -> tf.Tensor:
        longest = tf.gather(tf.reduce_max(part, axis=1), pools.sort_by_length(part))
        return tf.size(pools.cut(longest, batch_tokens=positions)) - 1

    # One for each size of batches; TensorFlow would take them for one that is traced often.
    count._omit_frequent_tracing_warning = True
    return count
