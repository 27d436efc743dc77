"""The tensors of a checkpoint, in TensorFlow's format: writing, verifying, reading."""

from __future__ import annotations

import errno
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.files import paths
from t2t_mm.runs import trackables


def write(prefix: str, objects: Mapping[str, Any]) -> None:
    """Writes the tensors of objects, as of `trackables.Trackables`."""
    trackables.Trackables(objects).checkpoint().write(prefix)


def verify(prefix: str | os.PathLike[str]) -> None:
    """Reads every tensor back from disk; TensorFlow compares its checksum.

    Raises:
      CheckpointError: a tensor does not read, or is not finite.
    """
    try:
        types = tf.train.load_checkpoint(str(prefix)).get_variable_to_dtype_map()
        for name in sorted(types):
            # Not the reader's get_tensor, which cannot return an iterator's state.
            (value,) = tf.raw_ops.RestoreV2(
                prefix=str(prefix), tensor_names=[name], shape_and_slices=[""], dtypes=[types[name]]
            )
            if types[name].is_floating and not tf.reduce_all(tf.math.is_finite(value)):
                raise errors.CheckpointError(
                    f"{name} is not finite, so it was not saved",
                    hint="Earlier checkpoints are untouched; a lower learning rate may help",
                )
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise errors.CheckpointError(
            f"The checkpoint {prefix} does not read back",
            received=errors.shortened(str(error), 400),
        ) from error


def read(
    folder: pathlib.Path,
    sidecar: Mapping[str, Any],
    objects: Mapping[str, Any],
    *,
    all_of_it: bool,
) -> None:
    """Restores objects from the tensors of a checkpoint.

    Args:
      folder: of the checkpoint.
      sidecar: what its sidecar says.
      objects: as of `trackables.Trackables`.
      all_of_it: every tensor that is there must find its variable.

    Raises:
      CheckpointError: tensors and variables do not fit each other.
    """
    prefix = f"{paths.for_tensorflow(folder)}/{sidecar['prefix']}"
    part = trackables.Trackables(objects)
    try:
        misfit = part.misfit(prefix, all_of_it=all_of_it)
        if not misfit:
            status = part.checkpoint().read(prefix)
            status.assert_existing_objects_matched()
            if all_of_it:
                status.assert_consumed()
            status.expect_partial()  # Hides nothing: misfit has compared all names.
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        misfit = errors.shortened(str(error), 400)
    if misfit:
        raise errors.CheckpointError(
            f"The checkpoint of step {sidecar['step']} in {folder} does not fit: {misfit}",
            hint="The code or the configuration has been changed since it was written",
        )


def not_written(folder: pathlib.Path, step: int, error: Exception) -> errors.CheckpointError:
    """Returns the error of a checkpoint that could not be written; a full disk is named."""
    number = getattr(error, "errno", None) or getattr(error.__cause__, "errno", None)
    is_full = number in (errno.ENOSPC, errno.EDQUOT) or isinstance(
        error, tf.errors.ResourceExhaustedError
    )
    return errors.CheckpointError(
        f"The checkpoint of step {step} could not be written to {folder}"
        + (": the disk is full" if is_full else ""),
        received=None if is_full else errors.shortened(str(error), 400),
        hint="Earlier checkpoints are untouched."
        + (" Free some space, then give the same command again" if is_full else ""),
    )
