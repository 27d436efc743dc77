"""Parsing serialized examples, and errors that name the file or the feature.

TensorFlow's error for a damaged record names neither file nor example. So hashes are
compared with the manifest when an error occurs.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.modality import features as features_lib

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
