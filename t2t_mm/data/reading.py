"""Reading shards, with checks before use and errors that name the file.

TensorFlow's error for a damaged record names neither file nor example, and a shard
truncated at the end of a record gives no error at all. So sizes are compared with the
manifest before reading, and hashes when an error occurs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.files import paths
from t2t_mm.modality import features as features_lib

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
        whole = tf.autograph.experimental.do_not_convert(lambda record: record + rest_of(record))
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


_UNREADABLE = (
    tf.errors.DataLossError,
    tf.errors.NotFoundError,
    tf.errors.FailedPreconditionError,  # fewer records than there should be
)


def rest_of(serialized: tf.Tensor) -> tf.Tensor | tf.RaggedTensor:
    """Returns what each example of a record has of its own: appended to the record, it is one.

    Args:
      serialized: string `[]` or `[B]`, records whose examples share inputs.

    Returns:
      string `[R]`, or ragged string `[B, R]`, with one or more a row.

    Raises:
      InvalidArgumentError: for a record of another form.
    """
    spec = {records.EXAMPLES: tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)}
    if serialized.shape.rank == 0:
        rest = tf.io.parse_single_example(serialized, spec)[records.EXAMPLES]
        fewest = tf.size(rest)
    else:
        rest = tf.io.parse_example(serialized, spec)[records.EXAMPLES]
        fewest = tf.reduce_min(rest.row_lengths())
    check = tf.debugging.Assert(fewest > 0, [f"A record has no {records.EXAMPLES!r}"])
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(rest)


def parse(serialized: tf.Tensor, names: Sequence[str]) -> dict[str, tf.Tensor]:
    """Returns the raw values `[B]` under `names`; the first of several targets.

    Raises:
      InvalidArgumentError: naming a feature that an example lacks.
    """
    return parse_with_references(serialized, names)[0]


def parse_with_references(
    serialized: tf.Tensor, names: Sequence[str]
) -> tuple[dict[str, tf.Tensor], tf.RaggedTensor | None]:
    """Returns the raw values `[B]` under `names`, and all targets of each example.

    Args:
      serialized: string `[B]`, examples.
      names: of features; each must have exactly one value, targets one or more.

    Returns:
      the values by name, with the first of several targets; and all targets, ragged string
      `[B, R]` with one or more a row, or None if `names` has none.

    Raises:
      InvalidArgumentError: naming a feature that an example lacks.
    """
    spec: dict[str, Any] = {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    if task_lib.TARGETS not in spec:
        return tf.io.parse_example(serialized, spec), None
    spec[task_lib.TARGETS] = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)
    values = tf.io.parse_example(serialized, spec)
    references = values[task_lib.TARGETS]
    # A missing ragged feature is silently parsed as an empty row.
    whole = tf.reduce_all(references.row_lengths() > 0)
    check = tf.debugging.Assert(whole, [f"An example has no {task_lib.TARGETS!r}"])
    with tf.control_dependencies([] if check is None else [check]):
        first = tf.gather(references.flat_values, references.row_starts())
    return {**values, task_lib.TARGETS: first}, references


@contextlib.contextmanager
def explaining(task: task_lib.Task, split: str | None) -> Iterator[None]:
    """Converts TensorFlow's errors while batches are read.

    Args:
      task: whose batches are read.
      split: of the records; None if they do not come from files.

    Raises:
      DataError: naming the damaged shard, or the feature that an example lacks.
    """
    try:
        yield
    except _UNREADABLE as error:
        if split is not None:
            task.manifest().verify(split)  # names damaged files, if any
        raise errors.DataError(
            f"The records of {task.name!r} cannot be read", received=_first_line(error)
        ) from error
    except tf.errors.InvalidArgumentError as error:
        unusable = find_unusable(task, split) if split is not None else None
        if unusable is not None:
            raise unusable from error
        raise errors.DataError(
            f"An example of {task.name!r} cannot be used", received=_first_line(error)
        ) from error


def find_unusable(
    task: task_lib.Task, split: str, *, limit_s: float = 30.0
) -> errors.DataError | None:
    """Searches for the first example that lacks a feature or whose features fail.

    Args:
      task: whose records to read.
      split: of the records.
      limit_s: give up after this time.

    Returns:
      the error that names it, or None.
    """
    features_by_name = {name: features_lib.build(m, task) for name, m in task.modalities().items()}
    manifest = task.manifest()
    hint = f"If the problem has changed, raise its version and run: {manifest.command}"
    end = time.monotonic() + limit_s
    for path in manifest.files(split):
        for number, example in enumerate(records.read_examples(path)):
            if time.monotonic() > end:
                return None
            what = f"Example {number:,} of {path}"
            if task_lib.KEY in example:
                what += f" (key {example[task_lib.KEY].decode('utf-8', 'replace')!r})"
            for name, features in features_by_name.items():
                if name not in example:
                    kept = ", ".join(sorted(example))
                    return errors.DataError(f"{what} has no {name!r}", received=kept, hint=hint)
                try:
                    features.featurize(tf.constant([example[name]]), training=False)
                except tf.errors.InvalidArgumentError as error:
                    return errors.DataError(
                        f"{what}: {name!r} cannot be used", received=_first_line(error), hint=hint
                    )
    return None


def next_batch(iterator: Iterator[Any], task: task_lib.Task, split: str | None = None) -> Any:
    """Returns `next(iterator)`, with errors that name the file or the feature.

    Args:
      iterator: over a dataset of `task`.
      task: whose batches they are.
      split: of the records, the training split by default.
    """
    with explaining(task, split or task.splits[0]):
        return next(iterator)


def iterate(dataset: Iterable[Any], task: task_lib.Task, split: str | None) -> Iterator[Any]:
    """Yields the batches of a finite dataset, with the errors of `explaining`."""
    iterator = iter(dataset)
    while True:
        with explaining(task, split):
            batch = next(iterator, None)
        if batch is None:
            return
        yield batch


def _first_line(error: tf.errors.OpError) -> str:
    """Returns TensorFlow's message without the op names that surround it."""
    message = error.message.split("[[{{node")[0].split("[Op:")[0]
    line = " ".join(message.split())
    return line.removeprefix("{{function_node __wrapped__IteratorGetNext").strip()[:300]
