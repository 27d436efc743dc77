"""SavedModels: writing one with the weights and resources that its signatures use."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.files import atomic, content, paths
from t2t_mm.process import quiet_import

_FULL = os.strerror(errno.ENOSPC)


class Served(tf.Module):
    """Keeps what the functions of a SavedModel use, so that it is saved with them.

    Args:
      functions: traced, by the name of their signature.
      variables: of the model; those that no function reads are left out.
      resources: such as tokenizers.
    """

    def __init__(
        self, functions: Mapping[str, Any], variables: list[tf.Variable], resources: list[Any]
    ) -> None:
        super().__init__()
        read = {id(tensor) for each in functions.values() for tensor in each.captured_inputs}
        self.weights = [variable for variable in variables if id(variable.handle) in read]
        self.resources = list(dict.fromkeys(resources))


def write(
    folder: pathlib.Path,
    functions: Mapping[str, Any],
    variables: list[tf.Variable],
    resources: list[Any],
) -> str:
    """Writes a SavedModel into an empty folder, and syncs it to disk.

    Args:
      folder: is there.
      functions: traced, by the name of their signature.
      variables: of the model.
      resources: what the functions use beside them.

    Returns:
      the sha256 of the file of weights.
    """
    served = Served(functions, variables, resources)
    with _writing(folder), quiet_import.without_notices():
        tf.saved_model.save(served, paths.for_tensorflow(folder), signatures=dict(functions))
    return content.sha256(next(folder.glob("variables/variables.data-*")))


@contextlib.contextmanager
def _writing(folder: pathlib.Path) -> Iterator[None]:
    """Converts errors of writing, Python's and TensorFlow's, to a DataError."""
    try:
        with atomic.writing(folder):
            yield
    except tf.errors.OpError as error:
        is_full = isinstance(error, tf.errors.ResourceExhaustedError) or _FULL in str(error)
        raise errors.DataError(
            f"The disk is full; could not write {folder}" if is_full else f"Cannot write {folder}",
            received=None if is_full else errors.shortened(str(error), 200),
            hint="Free some space there, or name another --export_dir" if is_full else None,
        ) from error


def flush(folder: pathlib.Path) -> None:
    """Syncs all files and folders below a folder to disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with (pathlib.Path(parent) / name).open("rb") as file:
                os.fsync(file.fileno())
        atomic.flush_folder(pathlib.Path(parent))
