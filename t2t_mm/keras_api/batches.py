"""Checks of the batches that a `KerasModel` takes: of its problem, on one device, with an end."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.settings import batching as batching_lib


def check(
    x: Any,
    task: task_lib.Task,
    batching: batching_lib.Batching,
    *,
    limit: str,
    steps: int | None,
    measured: bool = False,
) -> None:
    """Raises for what is not a data set of batches of the task, or has no end.

    Args:
      x: what was given.
      task: the problem.
      batching: sizes of batches.
      limit: the argument that ends batches without end.
      steps: what it is.
      measured: whether metrics are to be computed on them.

    Raises:
      ConfigError: says what was expected.
    """
    check_devices()
    if not isinstance(x, tf.data.Dataset):
        raise errors.ConfigError(
            "The model takes batches of its problem",
            received=type(x).__name__,
            expected="a tf.data.Dataset, as t2t_mm.dataset gives it",
            hint="t2t_mm.decode takes texts, files and arrays",
        )
    empty = [dict.fromkeys(task.given(), b"")]
    wanted = pipeline.predict_dataset(task, empty, batching).element_spec["inputs"]
    spec = x.element_spec
    is_batch = isinstance(spec, dict) and {"inputs", "targets"} <= set(spec)
    if not is_batch or not _fits(spec["inputs"], wanted):
        raise errors.ConfigError(
            f"These are no batches of {task.name!r}",
            received=_shown(spec["inputs"]) if is_batch else spec,
            expected=f"t2t_mm.dataset({task.name!r}, ...), whose inputs are {_shown(wanted)}",
        )
    if measured and "index" not in spec:
        raise errors.ConfigError(
            "Metrics need the batches of evaluation",
            received=f"batches with {', '.join(spec)}",
            expected='t2t_mm.dataset(problem, "validation") or another split of evaluation',
        )
    if x.cardinality() == tf.data.INFINITE_CARDINALITY and steps is None:
        raise errors.ConfigError(
            "The batches of training have no end",
            expected=f"{limit}=NUMBER, the steps after which to stop",
        )


def check_devices() -> None:
    """Raises ConfigError within the scope of a strategy."""
    if tf.distribute.has_strategy():
        raise errors.ConfigError(
            "A KerasModel trains on one device",
            received=type(tf.distribute.get_strategy()).__name__,
            expected="a model that is made and fitted outside of a strategy's scope",
            hint="t2t_mm.train(..., strategy='mirrored') trains on all GPUs of a machine, and "
            "strategy='multi_worker' on several machines; t2t_mm.keras_model takes such a run",
        )


def one(batch: Mapping[str, Any]) -> tf.data.Dataset:
    """Returns a data set of a single batch."""
    return tf.data.Dataset.from_tensors(dict(batch))


@contextlib.contextmanager
def end_expected(steps: int | None) -> Iterator[None]:
    """Keeps Keras from warning that batches end, unless there should be so many steps."""
    with warnings.catch_warnings():
        if steps is None:
            warnings.filterwarnings("ignore", message="Your input ran out of data")
        yield


def _fits(spec: Any, wanted: Mapping[str, tf.TensorSpec]) -> bool:
    """Returns whether features have the names, types and numbers of axes that are wanted."""
    return (
        isinstance(spec, dict)
        and set(spec) == set(wanted)
        and all(
            one.dtype == wanted[name].dtype and one.shape.rank == wanted[name].shape.rank
            for name, one in spec.items()
        )
    )


def _shown(spec: Any) -> str:
    """Returns features as `name: float32 [None, 3]`."""
    if not isinstance(spec, dict):
        return str(spec)
    return ", ".join(f"{n}: {one.dtype.name} {one.shape}" for n, one in sorted(spec.items()))
