"""The input pipeline: records of one problem to batches.

Shards are read in a new order each epoch, and records are shuffled as serialized bytes. A
*pool* of some thousand examples is parsed and tokenized in one call, sorted by length, and
cut into batches with the same number of padded positions. Of several target texts (five captions
of a photo), and of several examples that share a record (ten questions about it), training draws
one each time. Heavy features (pictures, sounds) are decoded batch by batch, in parallel. Only
plain tf.data operations are used, so iterators can be saved in checkpoints. Problems with the
same features share one graph (`data.traced`).

Text longer than its `max_length` (or else `Batching.max_length`) is truncated and then has
no end token; with `Batching.too_long = "drop"` training drops the example instead.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import batches, pools, reading, split_records, traced
from t2t_mm.data import task as task_lib
from t2t_mm.settings import augmentation as augmentation_lib
from t2t_mm.settings import batching as batching_lib

Batching = batching_lib.Batching
padding_share = pools.padding_share
next_batch = reading.next_batch
iterate = reading.iterate

HELD_BYTES = 64 * 2**20
"""Largest shuffle buffer or pool: checkpoints store them as part of the iterator."""


class _Training(NamedTuple):
    """What differs between training data sets of one graph; see `Maker` and `reading`."""

    runs: split_records.RunTensors
    file_seeds: tf.Tensor
    record_seeds: tf.Tensor
    buffer: tf.Tensor
    seed: tf.Tensor
    pool_size: tf.Tensor


class _Evaluation(NamedTuple):
    """What differs between evaluation data sets of one graph."""

    runs: split_records.RunTensors
    most: tf.Tensor
    pool_size: tf.Tensor
    part: tuple[tf.Tensor, tf.Tensor]


def train_dataset(
    task: task_lib.Task,
    batching: Batching,
    *,
    seed: int,
    shard: tuple[int, int] = (0, 1),
    augmentation: augmentation_lib.AugmentSettings | None = None,
) -> tf.data.Dataset:
    """Returns endless training batches, whose order depends on `seed` alone.

    (It also depends on `tf.random.set_seed`: use the same global seed, or none.)

    Args:
      task: the problem and its data.
      batching: sizes.
      seed: of the order and of all augmentation.
      shard: index and number of workers; each reads its own part of the examples once an
        epoch.
      augmentation: damage to inputs, beside the augmentation of modalities.

    Returns:
      batches `{"inputs": {NAME: tensor}, "targets": tensor}`: text int32 `[B, S]`
      padded with 0, pictures uint8 `[B, size, size, 3]`, sounds float32 `[B, T, F]` whose
      last channel is their mask, classes int32 `[B]`. A task without inputs has `prefix`
      (int32 `[B, 0]`) instead. `key` (string `[B]`) holds the examples' keys. With
      `Batching.too_long = "drop"`, `dropped` (int32 `[]`) counts the examples dropped since
      the previous batch.

    Raises:
      DataError: when shards are missing, truncated, or hold too few examples.
    """
    index, count = shard
    split = task.splits[0]
    source = split_records.SplitRecords.open(task, split)
    if source.count < count:
        raise errors.DataError(
            f"The split {split!r} of {task.name!r} has too few examples to train on",
            received=f"{source.count} examples for {count} workers",
            expected="at least one for each worker",
        )
    source = source.part(index, count)
    capacity = source.held(HELD_BYTES)
    draw = batches.derive_seed(seed, task.name, index)
    buffer = min(batching.shuffle_buffer, capacity, source.count)
    maker = batches.Maker(
        task, batching, names=list(task.modalities()), seed=draw, augmentation=augmentation
    )

    def parse(serialized: tf.Tensor, seed: tf.Tensor) -> batches.Values:
        if source.grouped:  # a question comes with its answers and key; targets have another seed
            serialized += pools.draw(reading.rest_of(serialized), seed - [1, 0])
        names = [*maker.names, task_lib.KEY]
        raw, targets = reading.parse_with_references(serialized, names)
        # Of classes the first is the answer; others may be none of training.
        if task.targets.autoregressive:
            raw[task_lib.TARGETS] = pools.draw(targets, seed)
        return {"key": raw.pop(task_lib.KEY), "raw": raw}

    def build(given: _Training) -> tf.data.Dataset:
        records = given.runs.shuffled(given.file_seeds)
        records = split_records.shuffle(records, given.buffer, given.record_seeds).repeat()
        return maker.seeded(given.seed).batches(records, parse, pool_size=given.pool_size)

    given = _Training(
        runs=source.tensors(),
        file_seeds=split_records.shuffle_seeds(draw),
        record_seeds=split_records.shuffle_seeds(draw + 1),
        buffer=tf.constant(buffer, tf.int64),
        seed=tf.constant(draw, tf.int64),
        pool_size=tf.constant(maker.pool_size(min(capacity, source.count)), tf.int64),
    )
    return traced.dataset(_key("train", task, maker, source), build, given)


def eval_dataset(
    task: task_lib.Task,
    split: str,
    batching: Batching,
    *,
    max_examples: int | None = None,
    part: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Returns every example of `split` exactly once, sorted by length within pools.

    Args:
      task: the problem and its data.
      split: its name.
      batching: sizes.
      max_examples: read only the first so many (their order was shuffled at generation);
        None or 0 for all.
      part: index and number of workers; each gets the batches of its turn, which are those
        that one worker would get.

    Returns:
      batches as from `train_dataset`, with `index` (int32 `[B]`, the number of the example),
      `raw_targets` (string `[B]`), `references` (ragged string `[B, R]`: all targets, the
      first of them also in `raw_targets`) and `raw_inputs` (string `[B]` by name).

    Raises:
      ConfigError: for an unknown split.
      DataError: when shards are missing, truncated or empty.
    """
    source = split_records.SplitRecords.open(task, split, max_examples=max_examples)
    maker, parse = _evaluated(task, batching)

    def build(given: _Evaluation) -> tf.data.Dataset:
        examples = given.runs.examples(grouped=source.grouped).take(given.most).enumerate()
        return maker.batches(examples, parse, pool_size=given.pool_size, part=given.part)

    given = _Evaluation(
        runs=source.tensors(),
        most=tf.constant(max_examples or -1, tf.int64),
        pool_size=tf.constant(maker.pool_size(source.held(HELD_BYTES)), tf.int64),
        part=(tf.constant(part[0], tf.int64), tf.constant(part[1], tf.int64)),
    )
    return traced.dataset(_key("evaluation", task, maker, source), build, given)


def examples_dataset(
    task: task_lib.Task,
    examples: Callable[[], Iterable[bytes]],
    batching: Batching,
    *,
    largest_pool: int,
) -> tf.data.Dataset:
    """Returns serialized examples as `eval_dataset` does those of a split.

    Args:
      task: the problem.
      examples: gives them, as in records, whenever the data set is read: one or more.
      batching: sizes.
      largest_pool: the most examples to hold at once.
    """
    one = tf.TensorSpec([], tf.string)
    records = tf.data.Dataset.from_generator(examples, output_signature=one)
    maker, parse = _evaluated(task, batching)
    size = maker.pool_size(largest_pool)
    return maker.batches(records.enumerate(), parse, pool_size=size)


def _evaluated(
    task: task_lib.Task, batching: Batching
) -> tuple[batches.Maker, Callable[[Any, None], batches.Values]]:
    """Returns the maker of batches for evaluation, and what parses their numbered examples."""
    maker = batches.Maker(task, batching, names=list(task.modalities()), seed=None)

    def parse(element: tuple[tf.Tensor, tf.Tensor], seed: None) -> batches.Values:
        del seed
        index, serialized = element
        names = [*maker.names, task_lib.KEY]
        raw, references = reading.parse_with_references(serialized, names)
        key = raw.pop(task_lib.KEY)
        place = tf.cast(index, tf.int32)
        return {"raw": raw, "references": references, "key": key, "index": place}

    return maker, parse


def predict_dataset(
    task: task_lib.Task, examples: Sequence[Mapping[str, bytes]], batching: Batching
) -> tf.data.Dataset:
    """Returns batches of inputs for prediction, with `index` to restore their order.

    Args:
      task: the problem.
      examples: values by input name, encoded as in records; for a task without inputs,
        `prefix` holds the prefix of each text, or nothing.
      batching: sizes.

    Raises:
      DataError: when there are no examples, or an input is missing from one.
    """
    if not examples:
        raise errors.DataError("There is nothing to predict", expected="at least one input")
    names = list(task.given())
    for number, example in enumerate(examples):
        missing = [name for name in names if name not in example]
        if missing:
            raise errors.DataError(
                f"Input {number + 1} has no {missing[0]!r}",
                received=f"an object with {', '.join(sorted(example)) or 'nothing'}",
                expected=f"{task.name!r} takes {', '.join(names)}",
            )
    columns = {
        name: tf.constant([example[name] for example in examples], tf.string) for name in names
    }
    maker = batches.Maker(task, batching, names=names, seed=None)
    return maker.batches(
        tf.data.Dataset.from_tensor_slices(columns).enumerate(),
        lambda element, _: {"raw": element[1], "index": tf.cast(element[0], tf.int32)},
        pool_size=maker.pool_size(len(examples)),
    )


def _key(
    use: str, task: task_lib.Task, maker: batches.Maker, source: split_records.SplitRecords
) -> Hashable | None:
    """Returns what the graph of a data set depends on; None for one that is not shared."""
    key = maker.key()
    return None if key is None else (use, task.targets.autoregressive, source.grouped, key)
