"""The job of a training: what was asked for, checked before anything heavy is imported."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from t2t_mm import config, errors, registry
from t2t_mm.data import manifest
from t2t_mm.datagen import sources
from t2t_mm.mixture import mixture
from t2t_mm.runs import checkpoint_files, folders, lost, origin, run_folder
from t2t_mm.settings import training

if TYPE_CHECKING:
    from t2t_mm.config import gin_files as gin_files_lib


@dataclasses.dataclass(frozen=True)
class Job:
    """A training as it was asked for; its configuration is the one that is loaded.

    Attributes:
      folder: of the run, which need not exist.
      is_named: whether the user has named that folder.
      problems: their names.
      data_dir: of the generated data.
      settings: of the training.
      origin: the checkpoint with whose weights a run without checkpoints begins, if any; its
        files are there, but not yet read for damage.
      has_other_start: whether a checkpoint was named so, which a run that goes on does not read.
    """

    folder: run_folder.RunFolder
    is_named: bool
    problems: list[str]
    data_dir: pathlib.Path
    settings: training.TrainSettings
    origin: origin.Origin | None
    has_other_start: bool = False


def check(
    problems: str | Sequence[str] | None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    warm_start: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Job:
    """Loads the configuration and checks what can be known within a second.

    A resumed run keeps its own configuration, but for what is given here.

    Args:
      problems: names or globs; those of the configuration where there are none.
      data_dir: of the generated data; left out, T2T_MM_DATA_DIR, that of the run, or `data`.
      output_dir: the run folder, which need not exist; left out, T2T_MM_OUTPUT_DIR, or that
        of this model and these problems in `runs/`.
      gin_files: paths, or names under `gin/`.
      gin_params: single bindings on top.
      warm_start: a run or checkpoint, that a new run begins with.
      settings: fields of `TrainSettings` on top; None leaves one alone.

    Raises:
      ConfigError: an unknown problem, model or schedule, or a bad binding.
      DataError: data that was not generated.
      CheckpointError: no checkpoint to start from; or there was a training, and what it is to
        go on from is gone.
    """
    named = folders.known_output_dir(output_dir)
    if named is not None:
        folder = run_folder.RunFolder(named)
        chosen = _configure(folder, gin_files, gin_params, settings or {})
    else:
        folder, chosen = _configure_unnamed(problems, gin_files, gin_params, settings or {})
    check_names(chosen)
    data = data_folder(data_dir, folder)
    names = mixture.problem_names(problems)
    mixture.loss_weights(names)  # raises for one of an unknown problem
    check_data(names, data)
    if warm_start is not None:
        origin.check_outside(warm_start, folder.path)
    goes_on = bool(checkpoint_files.steps(folder.checkpoints))
    start = None if warm_start is None or goes_on else origin.find(warm_start, hashed=False)
    passes_over = warm_start is not None and goes_on
    return Job(folder, named is not None, names, data, chosen, start, passes_over)


def data_folder(given: str | os.PathLike[str] | None, folder: run_folder.RunFolder) -> pathlib.Path:
    """Returns the folder of the data: the one named, else that of the run, else `data`.

    Args:
      given: by the user, or None; T2T_MM_DATA_DIR stands for it.
      folder: of the run; it need not exist.
    """
    named = folders.known_data_dir(given)
    if named is not None:
        return named
    return (folder.data_dir if folder.exists() else None) or folders.DATA


def _configure(
    folder: run_folder.RunFolder,
    gin_files: Sequence[str],
    gin_params: Sequence[str],
    settings: Mapping[str, Any],
) -> training.TrainSettings:
    """Loads the configuration of a training in a folder that was named."""
    folder.check_trainable()
    lost.check(folder, with_config=not gin_files)
    config.load(gin_files, gin_params, of_run=_so_far(folder, gin_files))
    return config.build(training.TrainSettings, **settings)


def _configure_unnamed(
    problems: str | Sequence[str] | None,
    gin_files: Sequence[str],
    gin_params: Sequence[str],
    settings: Mapping[str, Any],
) -> tuple[run_folder.RunFolder, training.TrainSettings]:
    """Loads the configuration, and returns the folder that its model and problems have too."""
    config.load(gin_files, gin_params)
    model = config.build(training.TrainSettings, **settings).model
    folder = run_folder.RunFolder(folders.new_run(model, mixture.problem_names(problems)))
    folder.check_trainable()
    lost.check(folder, with_config=not gin_files)
    if held := _so_far(folder, gin_files):
        config.load_below(held)
    return folder, config.build(training.TrainSettings, **settings)


def _so_far(
    folder: run_folder.RunFolder, gin_files: Sequence[str]
) -> tuple[gin_files_lib.Binding, ...]:
    """Returns the configuration of the run so far, which all that is given overrides.

    A run that goes on keeps what is not given again, such as a binding that has helped it. One
    without checkpoints begins anew: there, gin files say all.
    """
    if not (folder.exists() and folder.config_path.is_file()):
        return ()
    if gin_files and not checkpoint_files.steps(folder.checkpoints):
        return ()
    return folder.bindings()


def check_names(settings: training.TrainSettings) -> None:
    """Raises for a model, an optimizer, a decay or a schedule that is not registered."""
    from t2t_mm.mixture import schedules

    if settings.model not in registry.models:
        registry.models.get(settings.model)  # raises, with a suggestion
    updates = config.build(training.OptimizerSettings)
    if updates.optimizer not in registry.optimizers:
        registry.optimizers.get(updates.optimizer)
    if updates.decay not in registry.decays:
        registry.decays.get(updates.decay)
    schedules.parse(settings.schedule)


def check_data(names: Sequence[str], data_dir: pathlib.Path) -> None:
    """Raises unless there is data of each problem, in the version that is registered."""
    missing = [name for name in names if not manifest.is_there(data_dir, name)]
    if missing:
        raise errors.DataError(
            f"The data of {', '.join(missing)} has not been generated in {data_dir}",
            hint=sources.ways(missing, data_dir),
        )
    for name in names:
        manifest.Manifest.load(data_dir, name, registry.problems.get(name).version)
