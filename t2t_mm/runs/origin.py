"""The origin of a warm start: a checkpoint of another run. No TensorFlow in here."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
from typing import Any

from t2t_mm import errors
from t2t_mm.files import mirrors, paths
from t2t_mm.runs import checkpoint_files, run_folder

_FILE = re.compile(r"ckpt-(\d+)(-\d+)?(\.(json|index|data-.*))?")
_EXPECTED = "the --output_dir of a training that has saved a checkpoint, or a checkpoint in it"


@dataclasses.dataclass(frozen=True)
class Origin:
    """A whole checkpoint and the run that it is of.

    Attributes:
      folder: of the checkpoint's files.
      step: of the checkpoint.
      run: says what the rows of the checkpoint's tables stand for.
      is_named: whether the user named the checkpoint itself, not only its run.
    """

    folder: pathlib.Path
    step: int
    run: run_folder.RunFolder
    is_named: bool = False

    def __str__(self) -> str:
        return f"{self.folder}, step {self.step}"

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What the checkpoint fits: model, sizes, vocabularies."""
        return dict(checkpoint_files.read_sidecar(self.folder, self.step)["fingerprint"])

    @property
    def prefix(self) -> str:
        """The path of the tensors, as TensorFlow takes it."""
        name = checkpoint_files.read_sidecar(self.folder, self.step)["prefix"]
        return f"{paths.for_tensorflow(self.folder)}/{name}"


def find(given: str | os.PathLike[str], *, hashed: bool = True) -> Origin:
    """Returns the checkpoint that is meant.

    Args:
      given: a run folder, or a folder of checkpoints (the newest whole one is taken), or
        one of a checkpoint's files, or their common beginning (`checkpoints/ckpt-500`).
      hashed: whether to read all of it for damage; if not, it is only known to be there,
        and `whole` makes sure of it later.

    Raises:
      CheckpointError: there is none, it is damaged, or it lies in no run.
    """
    place = paths.expanded(given).absolute()
    mirrors.fetch(place)
    named = _FILE.fullmatch(place.name)
    if named and not place.is_dir():
        folder, step, is_named = place.parent, int(named[1]), True
        _check(folder, step, hashed=hashed)
    else:
        folder = place / "checkpoints" if (place / "checkpoints").is_dir() else place
        step, is_named = _newest(folder, hashed=hashed), False
    for parent in (folder, *folder.parents):
        if (parent / run_folder.PROBLEMS).is_file():
            return Origin(folder, step, run_folder.RunFolder.open(parent), is_named)
    raise errors.CheckpointError(
        f"The run of the checkpoint in {folder} is not at hand: no folder above it holds "
        f"{run_folder.PROBLEMS}, which says what its weights stand for",
        expected=_EXPECTED,
    )


def whole(origin: Origin) -> Origin:
    """Returns the origin once its files were read for damage: of a run the newest that is whole.

    Raises:
      CheckpointError: there is none, or the one that was named is damaged.
    """
    if origin.is_named:
        _check(origin.folder, origin.step, hashed=True)
        return origin
    return dataclasses.replace(origin, step=_newest(origin.folder, hashed=True))


def check_outside(given: str | os.PathLike[str], output_dir: str | os.PathLike[str]) -> None:
    """Raises where a warm start lies in the very run folder that is to be trained in.

    Raises:
      ConfigError: the run there would be gone on with, and the weights not be read.
    """
    place = paths.expanded(given).resolve()
    output = paths.expanded(output_dir).resolve()
    if place.is_relative_to(output):
        raise errors.ConfigError(
            f"--warm_start={given} lies in the folder of this very run, {output_dir}, which "
            "would be gone on with as it is",
            expected="--output_dir= a new folder for the training that begins with these weights",
        )


def _check(folder: pathlib.Path, step: int, *, hashed: bool) -> None:
    """Raises unless the checkpoint of a step is there and, if hashed, whole."""
    steps = checkpoint_files.steps(folder)
    if step not in steps:
        raise errors.CheckpointError(
            f"There is no checkpoint of step {step} in {folder}",
            expected=f"a step of {', '.join(map(str, steps))}" if steps else _EXPECTED,
        )
    damage = checkpoint_files.damage(folder, step) if hashed else ""
    if damage:
        raise errors.CheckpointError(
            f"The checkpoint of step {step} in {folder} is damaged: {damage}",
            hint="Name the run's folder, and the newest whole one is taken",
        )


def _newest(folder: pathlib.Path, *, hashed: bool) -> int:
    for step in reversed(checkpoint_files.steps(folder)):
        if not hashed or not checkpoint_files.damage(folder, step):
            return step
    raise errors.CheckpointError(
        f"There is no whole checkpoint in {folder} to start from", expected=_EXPECTED
    )
