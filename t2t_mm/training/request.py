"""What a training is asked to do, checked before anything heavy is imported."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import config, errors, registry
from t2t_mm.data import manifest
from t2t_mm.datagen import sources
from t2t_mm.mixture import mixture
from t2t_mm.runs import folders, lost, origin, run_folder
from t2t_mm.settings import training


def configure(
    output_dir: str | os.PathLike[str],
    *,
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> training.TrainSettings:
    """Loads the configuration and returns the settings of the training.

    A run that is gone on with keeps its own configuration, unless files are given.

    Args:
      output_dir: the run folder; it need not exist.
      gin_files: paths, or names under `gin/`.
      gin_params: single bindings on top.
      settings: fields of `TrainSettings` on top; None leaves one alone.

    Raises:
      ConfigError: anything in it that would have no effect, or a wrong one.
      CheckpointError: there was a training, and what it is to go on from is gone.
    """
    folder = run_folder.RunFolder(output_dir)
    lost.check(folder, with_config=not gin_files)
    if not gin_files and folder.exists() and folder.config_path.is_file():
        folder.load_config(gin_params)
    else:
        config.load(gin_files, gin_params)
    return config.build(training.TrainSettings, **(settings or {}))


def data_folder(
    given: str | os.PathLike[str] | None, output_dir: str | os.PathLike[str]
) -> pathlib.Path:
    """Returns the folder of the data: the one named, else that of the run, else `data`.

    Args:
      given: by the user, or None; T2T_MM_DATA_DIR stands for it.
      output_dir: the run folder; it need not exist.
    """
    named = folders.known_data_dir(given)
    if named is not None:
        return named
    folder = run_folder.RunFolder(output_dir)
    return (folder.data_dir if folder.exists() else None) or folders.DATA


def output_folder(
    given: str | os.PathLike[str] | None,
    problems: str | Sequence[str] | None,
    *,
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> pathlib.Path:
    """Returns the run folder: the one named, or else that of this model and these problems.

    Args:
      given: by the user, or None; T2T_MM_OUTPUT_DIR stands for it.
      problems: names or globs; those of the configuration where there are none.
      gin_files: paths, or names under `gin/`.
      gin_params: single bindings on top.
      settings: fields of `TrainSettings` on top.

    Raises:
      ConfigError: where none is named, for anything wrong in the configuration or names.
    """
    named = folders.known_output_dir(given)
    if named is not None:
        return named
    config.load(gin_files, gin_params)
    model = config.build(training.TrainSettings, **(settings or {})).model
    return folders.new_run(model, mixture.problem_names(problems))


def check(
    problems: str | Sequence[str] | None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    warm_start: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Raises for what can be known within a second: names, configuration, data.

    Args:
      problems: names or globs; those of the configuration where there are none.
      data_dir: of the generated data; see `data_folder`.
      output_dir: the run folder, which need not exist; see `output_folder`.
      gin_files: paths, or names under `gin/`.
      gin_params: single bindings on top.
      warm_start: a run or checkpoint, that a new run begins with.
      settings: fields of `TrainSettings` on top.

    Raises:
      ConfigError: an unknown problem, model or schedule, or a bad binding.
      DataError: data that was not generated.
      CheckpointError: no checkpoint to start from.
    """
    from t2t_mm.mixture import schedules

    output_dir = output_folder(
        output_dir, problems, gin_files=gin_files, gin_params=gin_params, settings=settings
    )
    run_folder.RunFolder(output_dir).check_trainable()
    chosen = configure(output_dir, gin_files=gin_files, gin_params=gin_params, settings=settings)
    if chosen.model not in registry.models:
        registry.models.get(chosen.model)  # raises, with a suggestion
    named = config.build(training.OptimizerSettings).optimizer
    if named not in registry.optimizers:
        registry.optimizers.get(named)
    schedules.parse(chosen.schedule)
    data = data_folder(data_dir, output_dir)
    names = mixture.problem_names(problems)
    missing = [name for name in names if not manifest.is_there(data, name)]
    if missing:
        raise errors.DataError(
            f"The data of {', '.join(missing)} has not been generated in {data}",
            hint=sources.ways(missing, data),
        )
    for name in names:
        manifest.Manifest.load(data, name, registry.problems.get(name).version)
    if warm_start is not None:
        origin.check_outside(warm_start, output_dir)
    if warm_start is not None and not run_folder.RunFolder(output_dir).exists():
        origin.find(warm_start, hashed=False)
