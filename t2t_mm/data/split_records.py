"""The records of a split: consecutive ones of its files, in order or shuffled.

A shard truncated at the end of a record gives no error in TensorFlow, so sizes are compared
with the manifest before reading.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import reading
from t2t_mm.data import task as task_lib
from t2t_mm.files import paths

FILES_AT_ONCE = 16
RECORDS_IN_TURN = 16
"""Records read from a file before the next file's turn (`block_length`)."""

READ_BYTES = 2**18
"""Size of the read buffer of a file."""


@dataclasses.dataclass(frozen=True)
class Run:
    """Consecutive records of one file.

    Attributes:
      file: its path.
      first: number of the first record in the file.
      count: number of records.
    """

    file: str
    first: int
    count: int


@dataclasses.dataclass(frozen=True)
class SplitRecords:
    """Records of one split, in order.

    Attributes:
      runs: consecutive records by file; none is empty.
      size_bytes: approximate size of all records.
      grouped: whether a record may hold several examples, which share inputs.
    """

    runs: tuple[Run, ...]
    size_bytes: int
    grouped: bool = False

    @classmethod
    def open(
        cls, task: task_lib.Task, split: str, *, max_examples: int | None = None
    ) -> SplitRecords:
        """Finds the records of a split, and checks the sizes of its shards.

        Args:
          task: the problem and its data.
          split: its name. Shards of other splits need not exist.
          max_examples: the first so many records only; later shards need not exist. None
            or 0 for all.

        Raises:
          ConfigError: for an unknown split.
          DataError: when a shard is missing or has another size, or none has examples.
        """
        manifest = task.manifest()
        folder = paths.for_tensorflow(manifest.folder)
        files = manifest.files(split)
        count = manifest.records(split)
        if not count:
            raise errors.DataError(
                f"The split {split!r} of {task.name!r} is empty",
                hint=f"Make it again: {manifest.command} --overwrite",
            )
        whole = cls(
            tuple(
                Run(f"{folder}/{file.name}", 0, shard.count)
                for file, shard in zip(files, manifest.shards[split], strict=True)
                if shard.count
            ),
            manifest.bytes(split),
            grouped=bool(manifest.shared_inputs),
        )
        source = whole.between(0, min(max_examples or count, count))
        manifest.check_sizes(split, None if source.count == count else source.files)
        return source

    @property
    def files(self) -> list[str]:
        """The paths of the shards."""
        return [run.file for run in self.runs]

    @property
    def count(self) -> int:
        """The number of records."""
        return sum(run.count for run in self.runs)

    def part(self, index: int, count: int) -> SplitRecords:
        """Returns the part of worker `index` of `count`.

        The parts are disjoint and cover all records, whatever the number of files; their
        sizes differ by at most one. A worker has the same part in every epoch, so workers
        need not communicate.
        """
        return self.between(self.count * index // count, self.count * (index + 1) // count)

    def between(self, start: int, stop: int) -> SplitRecords:
        """Returns the records from place `start` to before place `stop`."""
        kept, place = [], 0
        for run in self.runs:
            first, last = max(start - place, 0), min(stop - place, run.count)
            if first < last:
                kept.append(Run(run.file, run.first + first, last - first))
            place += run.count
        share = self.size_bytes * (stop - start) // max(1, self.count)
        return dataclasses.replace(self, runs=tuple(kept), size_bytes=share)

    def tensors(self) -> RunTensors:
        """Returns the runs as arguments of a function."""
        return RunTensors(
            files=tf.constant(self.files),
            firsts=tf.constant([run.first for run in self.runs], tf.int64),
            counts=tf.constant([run.count for run in self.runs], tf.int64),
        )

    def held(self, size_bytes: int) -> int:
        """Returns how many records of average size fit into `size_bytes`, at least 1."""
        return max(1, size_bytes * self.count // max(1, self.size_bytes))


class RunTensors(NamedTuple):
    """The runs of `SplitRecords`, one or more.

    A saved iterator over their records holds numbers and no paths, so it can be restored when
    the records have moved to another folder.

    Attributes:
      files: string `[R]`, paths.
      firsts: int64 `[R]`, numbers of the first records.
      counts: int64 `[R]`, of records.
    """

    files: tf.Tensor
    firsts: tf.Tensor
    counts: tf.Tensor

    def in_order(self) -> tf.data.Dataset:
        """Returns the serialized records, each once."""
        return tf.data.Dataset.range(tf.size(self.files, tf.int64)).flat_map(self._run)

    def examples(self, *, grouped: bool) -> tf.data.Dataset:
        """Returns the serialized examples in order, each once and with the inputs it shares.

        Args:
          grouped: as of `SplitRecords`.
        """
        if not grouped:
            return self.in_order()
        whole = tf.autograph.experimental.do_not_convert(
            lambda record: record + reading.rest_of(record)
        )
        return self.in_order().map(whole).unbatch()

    def shuffled(self, seeds: tf.Tensor) -> tf.data.Dataset:
        """Returns the serialized records, each once, with `FILES_AT_ONCE` files interleaved.

        Args:
          seeds: of `shuffle_seeds`, of the order of files: a new one in each epoch.
        """
        count = tf.size(self.files, tf.int64)
        numbers = shuffle(tf.data.Dataset.range(count), count, seeds)
        return numbers.interleave(
            self._run,
            cycle_length=tf.minimum(count, FILES_AT_ONCE),
            block_length=RECORDS_IN_TURN,
        )

    def _run(self, number: tf.Tensor) -> tf.data.Dataset:
        """Returns the records of one run."""
        count = self.counts[number]
        records = _of_file(self.files[number]).skip(self.firsts[number]).take(count)
        # A file truncated at the end of a record is valid, only shorter.
        return records.apply(tf.data.experimental.assert_cardinality(count))


def shuffle_seeds(seed: int) -> tf.Tensor:
    """Returns the seeds of `shuffle`, int64 `[2]`: that of `tf.random.set_seed`, and this one."""
    return tf.constant(tf.compat.v1.get_seed(seed), tf.int64)


def shuffle(dataset: tf.data.Dataset, buffer: tf.Tensor, seeds: tf.Tensor) -> tf.data.Dataset:
    """Returns `dataset.shuffle(buffer, seed)`, in a new order whenever it is repeated.

    `tf.data.Dataset.shuffle` takes no tensor as a seed in a function, where the global one is 0.

    Args:
      dataset: of single tensors.
      buffer: int64 `[]`, elements to hold.
      seeds: of `shuffle_seeds`.
    """
    spec = dataset.element_spec
    variant = tf.raw_ops.ShuffleDatasetV3(
        input_dataset=tf.data.experimental.to_variant(dataset),
        buffer_size=buffer,
        seed=seeds[0],
        seed2=seeds[1],
        seed_generator=tf.raw_ops.DummySeedGenerator(),
        output_types=[spec.dtype],
        output_shapes=[spec.shape],
        reshuffle_each_iteration=True,
    )
    return tf.data.experimental.from_variant(variant, spec)


def _of_file(path: tf.Tensor) -> tf.data.Dataset:
    """Returns the records of one file.

    A saved iterator over `tf.data.TFRecordDataset` holds the path; one over the raw
    operation holds only the position in the file.
    """
    variant = tf.raw_ops.TFRecordDataset(
        filenames=path, compression_type="", buffer_size=READ_BYTES
    )
    return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
