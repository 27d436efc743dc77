"""SavedModels: writing one with the weights and resources that its signatures use."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from t2t_mm.files import atomic, content, paths
from t2t_mm.process import quiet_import


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
    with atomic.writing(folder), quiet_import.without_notices():
        tf.saved_model.save(served, paths.for_tensorflow(folder), signatures=dict(functions))
    return content.sha256(next(folder.glob("variables/variables.data-*")))


def flush(folder: pathlib.Path) -> None:
    """Syncs all files and folders below a folder to disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with (pathlib.Path(parent) / name).open("rb") as file:
                os.fsync(file.fileno())
        atomic.flush_folder(pathlib.Path(parent))
