"""`t2t_mm.load_run`: a trained model with its problems and vocabularies."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from t2t_mm import config, errors
from t2t_mm.runs import opened_run

if TYPE_CHECKING:
    from t2t_mm.models import base


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoadedRun(opened_run.OpenedRun):
    """A run with its model, restored from a checkpoint.

    Attributes:
      model: with the weights of the checkpoint, or the mean that it keeps of them (see
        `TrainSettings.ema`).
      step: of the checkpoint.
      chosen_by: for the best checkpoint, the reason, in words.
    """

    model: base.Model
    step: int
    chosen_by: str = ""


def load_run(
    folder: str | os.PathLike[str],
    *,
    checkpoint: str | int = "latest",
    data_dir: str | os.PathLike[str] | None = None,
) -> LoadedRun:
    """Builds the model of a run and restores a checkpoint of it.

    The run folder is enough; generated data is needed only to read a split.

    Example:
        run = t2t_mm.load_run("runs/ende")
        t2t_mm.decode(run, ["A dog runs."])

    Args:
      folder: the output folder of a training.
      checkpoint: "latest", "best" (by the run's `TrainSettings.best_metric`) or a step.
      data_dir: of generated data, if it is not where the training read it.

    Raises:
      ConfigError: when there is no run in the folder.
      CheckpointError: when the checkpoint is missing, damaged, or of another model.
    """
    return restore(opened_run.open_run(folder, data_dir=data_dir), checkpoint)


def restore(
    run: opened_run.OpenedRun, which: str | int = "latest", *, precision: str | None = None
) -> LoadedRun:
    """Builds the model of an opened run and restores a checkpoint of it.

    Args:
      run: the run.
      which: as `checkpoint` of `load_run`.
      precision: to compute in, "float32" or "bfloat16"; by default that of the training.

    Raises:
      CheckpointError: as of `load_run`.
    """
    # These import TensorFlow, so only when there is a run to load.
    from t2t_mm.models import build
    from t2t_mm.models import precision as precision_lib
    from t2t_mm.runs import best, checkpoint, lost, mean_weights
    from t2t_mm.settings import training

    folder = run.folder
    with config.only(of_run=folder.bindings()), dtype_policy_kept():
        # Not measured again: outputs of a run must not depend on the machine's load.
        arithmetic = precision or config.build(training.TrainSettings).precision
        precision_lib.use("float32" if arithmetic == "auto" else arithmetic)
        model = build.build(folder.model_name, list(run.tasks.values()), kept=folder.nets())
    # Variables are read by the first name that they have: their mean, where that is used.
    means = {mean_weights.MEAN: mean_weights.tree(model)} if mean_weights.are_used(folder) else {}
    restored = checkpoint.Checkpoints(
        folder.checkpoints,
        {"model": model},
        fingerprint=build.model_fingerprint(folder.model_name, model),
    ).restore(which, objects={**means, "model": model})
    if restored is None:
        lost.check(folder)
        raise errors.CheckpointError(
            f"There is no checkpoint in {folder.checkpoints} yet",
            hint="Wait until the training has saved one, or train first",
        )
    step, extra = restored
    is_known = which == checkpoint.BEST and extra.get("selection", {}).get("value") is not None
    return LoadedRun(
        folder=folder,
        tasks=run.tasks,
        batching=run.batching,
        decode_settings=run.decode_settings,
        model=model,
        step=step,
        chosen_by=best.why(extra["selection"]) if is_known else "",
    )


def as_loaded(
    run: str | os.PathLike[str] | LoadedRun,
    *,
    checkpoint: str | int = "latest",
    data_dir: str | os.PathLike[str] | None = None,
) -> LoadedRun:
    """Returns a loaded run as it is (with another data folder, if given), or loads it."""
    if not isinstance(run, LoadedRun):
        return load_run(run, checkpoint=checkpoint, data_dir=data_dir)
    if data_dir is None:
        return run
    folder = pathlib.Path(data_dir)
    moved = {n: dataclasses.replace(task, data_dir=folder) for n, task in run.tasks.items()}
    return dataclasses.replace(run, tasks=moved)


@contextlib.contextmanager
def dtype_policy_kept() -> Iterator[None]:
    """Restores the process's dtype policy: loading a run must not change a notebook's."""
    import keras

    before = keras.config.dtype_policy()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
