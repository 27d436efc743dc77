"""Begins a run with the weights of another one, as far as they fit.

Unlike resuming, this takes weights alone: step, moments and data begin anew, and
problems may have come or gone. Weights fit that have the same name and shape.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.training import checkpoint_files as files_lib
from t2t_mm.training import trackables


@dataclasses.dataclass(frozen=True)
class WarmStart:
    """What was taken over.

    Attributes:
      step: of the checkpoint.
      taken: variables that have its values.
      left: variables that it does not have, or has in another shape.
    """

    step: int
    taken: tuple[str, ...]
    left: tuple[str, ...]


def load(
    folder: str | os.PathLike[str], model: Any, *, fingerprint: Mapping[str, Any]
) -> WarmStart:
    """Gives a model the weights of another run's newest whole checkpoint.

    Args:
      folder: the other run's `checkpoints/`, or its run folder.
      model: with all its variables; saved as "model" by both runs.
      fingerprint: of this run; a vocabulary that both have must be the same one,
        for the rows of an embedding mean nothing under another.

    Raises:
      CheckpointError: no whole checkpoint, another vocabulary, or nothing that fits.
    """
    place = pathlib.Path(folder).expanduser()
    place = place / "checkpoints" if (place / "checkpoints").is_dir() else place
    step = next(
        (s for s in reversed(files_lib.steps(place)) if not files_lib.damage(place, s)), None
    )
    if step is None:
        raise errors.CheckpointError(
            f"There is no whole checkpoint in {place} to start from",
            expected="the --output_dir of a training that has saved one",
        )
    sidecar = files_lib.read_sidecar(place, step)
    _check_vocabularies(sidecar["fingerprint"], fingerprint, f"{place}, step {step}")
    prefix = str(place / sidecar["prefix"])
    held = trackables.held_shapes(prefix)
    variables = trackables.Trackables({"model": model}).variables()
    taken = [name for name, v in variables.items() if held.get(name) == tuple(v.shape)]
    if not taken:
        raise errors.CheckpointError(
            f"No weight of {place} (step {step}) fits this model",
            received=f"{len(held)} variables there, {len(variables)} here",
            expected="the same model in the same size",
        )
    for name in taken:
        (value,) = tf.raw_ops.RestoreV2(
            prefix=prefix,
            tensor_names=[name + trackables.SUFFIX],
            shape_and_slices=[""],
            dtypes=[variables[name].dtype],
        )
        variables[name].assign(value)
    left = tuple(sorted(set(variables) - set(taken)))
    return WarmStart(step, tuple(taken), left)


def _check_vocabularies(held: Mapping[str, Any], wanted: Mapping[str, Any], place: str) -> None:
    old, new = held.get("vocabularies", {}), wanted.get("vocabularies", {})
    for name in sorted(set(old) & set(new)):
        if old[name] != new[name]:
            raise errors.CheckpointError(
                f"The vocabulary {name!r} is not the one of the checkpoint ({place})",
                received=f"sha256 {new[name][:12]}",
                expected=f"sha256 {old[name][:12]}",
                hint=f"Generate the data with that run's vocabularies/{name} in --data_dir",
            )
