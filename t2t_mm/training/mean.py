"""The mean of checkpoints' weights, one variable at a time.

So memory holds the model and one variable in float64, not all checkpoints.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.files import paths
from t2t_mm.runs import checkpoint_files, mean_weights, trackables


def take(model: Any, folder: pathlib.Path, steps: Sequence[int], *, of_means: bool = False) -> None:
    """Gives a model's floating-point variables their means over some checkpoints.

    Sums are in float64 and in the order of `steps`, and rounded once. Other variables
    (counts, states of generators) are left as they are.

    Args:
      model: with all its variables; saved as "model" by the run.
      folder: of the checkpoints.
      steps: of the checkpoints; known to be whole.
      of_means: whether to take the exponential means that the checkpoints keep of the weights.

    Raises:
      CheckpointError: one does not fit the model, or is gone.
    """
    objects = trackables.Trackables({"model": model})
    readers = {step: _open(objects, folder, step) for step in steps}
    newest = readers[steps[-1]].get_variable_to_shape_map()
    kept = {name.removesuffix(trackables.SUFFIX) for name in newest}
    for name, variable in objects.variables().items():
        if not variable.dtype.is_floating:
            continue
        total = np.zeros(variable.shape, np.float64)
        for step, reader in readers.items():
            try:
                saved = mean_weights.source(name, kept) if of_means else name
                total += reader.get_tensor(saved + trackables.SUFFIX)
            except (tf.errors.OpError, RuntimeError) as error:
                raise _gone(folder, step, error) from error
        total /= len(steps)
        variable.assign(total.astype(variable.dtype.as_numpy_dtype))


def _open(held: trackables.Trackables, folder: pathlib.Path, step: int) -> Any:
    """Returns a reader of a checkpoint that is known to fit the model."""
    try:
        name = checkpoint_files.read_sidecar(folder, step)["prefix"]
        prefix = f"{paths.for_tensorflow(folder)}/{name}"
        misfit = held.misfit(prefix, all_of_it=False)
        reader = tf.train.load_checkpoint(prefix)
    except (errors.CheckpointError, tf.errors.OpError, RuntimeError, ValueError) as error:
        raise _gone(folder, step, error) from error
    if misfit:
        raise errors.CheckpointError(
            f"The checkpoint of step {step} in {folder} does not fit: {misfit}",
            hint="The code or the configuration has been changed since it was written",
        )
    return reader


def _gone(folder: pathlib.Path, step: int, error: Exception) -> errors.CheckpointError:
    return errors.CheckpointError(
        f"The checkpoint of step {step} in {folder} was whole, and can no longer be read",
        received=errors.shortened(str(error), 400),
        hint="A training that goes on removes its older ones: give the same command again",
    )
