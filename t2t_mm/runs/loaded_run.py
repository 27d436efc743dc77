"""`t2t_mm.load_run`: a trained model with its problems and vocabularies."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from t2t_mm import config, errors, plugins, registry
from t2t_mm import vocabulary as vocabulary_lib
from t2t_mm.data import task as task_lib
from t2t_mm.runs import run_folder
from t2t_mm.settings import batching as batching_lib
from t2t_mm.settings import decoding

if TYPE_CHECKING:
    from t2t_mm.models import base


@dataclasses.dataclass(frozen=True)
class LoadedRun:
    """A model as a checkpoint has it, and what is needed to use it.

    Attributes:
      folder: of the run.
      model: with the weights of the checkpoint.
      tasks: the problems it was trained on, by name.
      step: of the checkpoint.
      batching: sizes of batches, as configured in the run.
      decode_settings: as configured in the run.
      chosen_by: where the best checkpoint was asked for, what made it so, in words.
    """

    folder: run_folder.RunFolder
    model: base.Model
    tasks: Mapping[str, task_lib.Task]
    step: int
    batching: batching_lib.Batching
    decode_settings: decoding.DecodeSettings
    chosen_by: str = ""

    @property
    def vocabularies(self) -> dict[str, vocabulary_lib.Vocabulary]:
        """The vocabularies of all problems, by name."""
        return {n: v for task in self.tasks.values() for n, v in task.vocabularies.items()}

    def task(self, name: str | None = None) -> task_lib.Task:
        """Returns the problem of a name, or the only one of the run.

        Raises:
          ConfigError: for a problem that the run does not have, or none where it has many.
        """
        return pick(self.tasks, name)

    def matching(self, patterns: Sequence[str] | None = None) -> list[task_lib.Task]:
        """Returns the problems that match names or globs; all of them for None.

        Raises:
          ConfigError: for a pattern that matches no problem of the run.
        """
        return matching(self.tasks, patterns)


def load_run(
    folder: str | os.PathLike[str],
    *,
    checkpoint: str | int = "latest",
    data_dir: str | os.PathLike[str] | None = None,
) -> LoadedRun:
    """Builds the model of a run and restores a checkpoint of it.

    The run folder is enough; generated data is touched only when a split is read.

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
    plugins.load_all()
    run = run_folder.RunFolder.open(pathlib.Path(folder))
    run.load_config()
    tasks = run.tasks(None if data_dir is None else pathlib.Path(data_dir))
    model, step, chosen_by = _restore(run, tasks, checkpoint)
    return LoadedRun(
        folder=run,
        model=model,
        tasks={task.name: task for task in tasks},
        step=step,
        batching=config.build(batching_lib.Batching),
        decode_settings=config.build(decoding.DecodeSettings),
        chosen_by=chosen_by,
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


def matching(
    tasks: Mapping[str, task_lib.Task], patterns: Sequence[str] | None
) -> list[task_lib.Task]:
    """Returns the tasks that match names or globs; all of them for none.

    Raises:
      ConfigError: for a pattern that matches no problem of the run.
    """
    if not patterns:
        return list(tasks.values())
    known: registry.Registry[task_lib.Task] = registry.Registry("problem of the run")
    for name, task in tasks.items():
        known.add(name, task)
    return [tasks[name] for name in known.match(list(patterns))]


def pick(tasks: Mapping[str, task_lib.Task], name: str | None) -> task_lib.Task:
    """Returns the task of a name, or the only one there is.

    Raises:
      ConfigError: for an unknown name, or none where there are several tasks.
    """
    if name is None:
        if len(tasks) == 1:
            return next(iter(tasks.values()))
        raise errors.ConfigError(
            "The run has several problems",
            expected=f"--problem= one of {', '.join(tasks)}",
        )
    if name not in tasks:
        raise errors.ConfigError(
            f"The run has no problem {name!r}",
            expected=f"one of {', '.join(tasks)}",
            hint=errors.did_you_mean(name, tasks),
        )
    return tasks[name]


def _restore(
    run: run_folder.RunFolder, tasks: Sequence[task_lib.Task], which: str | int
) -> tuple[base.Model, int, str]:
    """Returns the model and the step of a checkpoint, and why it is the best, if asked for."""
    # TensorFlow comes with these, so not before there is a run to load.
    from t2t_mm.models import build, precision
    from t2t_mm.runs import best, checkpoint, lost
    from t2t_mm.settings import training

    with dtype_policy_kept():
        # Not chosen anew: what a run answers must not depend on how busy a machine is.
        chosen = config.build(training.TrainSettings).precision
        precision.use("float32" if chosen == "auto" else chosen)
        model = build.build(run.model_name, tasks, kept=run.nets())
    found = checkpoint.Checkpoints(
        run.checkpoints,
        {"model": model},
        fingerprint=build.model_fingerprint(run.model_name, model),
    ).restore(which, objects={"model": model})
    if found is None:
        lost.check(run)
        raise errors.CheckpointError(
            f"There is no checkpoint in {run.checkpoints} yet",
            hint="Wait until the training has saved one, or train first",
        )
    step, extra = found
    is_known = which == checkpoint.BEST and extra.get("selection", {}).get("value") is not None
    return model, step, best.why(extra["selection"]) if is_known else ""


@contextlib.contextmanager
def dtype_policy_kept() -> Iterator[None]:
    """Gives the process its own policy back: loading a run must not change a notebook's."""
    import keras

    before = keras.config.dtype_policy()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
