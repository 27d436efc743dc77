"""An experiment as it was asked for, checked before the first run begins."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence

from t2t_mm import config, errors, registry
from t2t_mm.config import gin_files as gin_files_lib
from t2t_mm.data import manifest
from t2t_mm.experiments import commands, plan, specialists, tuning
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.mixture import mixture
from t2t_mm.process import extras
from t2t_mm.runs import folders
from t2t_mm.settings import experiments as settings_lib
from t2t_mm.settings import training
from t2t_mm.training import job

_SHIPPED = "experiments/"
_DECIDED = ("MixtureSettings.problems", "TrainSettings.seed")
"""What the experiment gives to each run by flags, so that a variation would not change it."""


@dataclasses.dataclass(frozen=True)
class Checked:
    """An experiment.

    Attributes:
      name: of its file.
      folder: that it lives in, which need not exist.
      settings: which runs.
      slurm: of the jobs, where the runs are such.
      art: what the problems are measured against.
      tune: the search, if there is one.
      problems: their names.
      runs: the plan.
      common: to all runs.
      values: of the configuration as text, by variation and `CLASS.FIELD`.
    """

    name: str
    folder: folder_lib.ExperimentFolder
    settings: settings_lib.ExperimentSettings
    slurm: settings_lib.SlurmSettings
    art: settings_lib.ArtSettings
    tune: settings_lib.TuneSettings
    problems: list[str]
    runs: list[plan.PlannedRun]
    common: commands.Common
    values: dict[str, dict[str, str]]


def check(
    experiment: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    seeds: Sequence[int] | None = None,
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    usr_dirs: Sequence[str] = (),
) -> Checked:
    """Loads the configuration of all variations, and checks what can be known within a second.

    Args:
      experiment: a gin file, or the name of one under `gin/experiments/`.
      data_dir: of the generated data; left out, T2T_MM_DATA_DIR or `data`.
      output_dir: of the experiment; left out, T2T_MM_OUTPUT_DIR or `runs/NAME`.
      seeds: instead of those configured.
      gin_files: further files, which override that of the experiment.
      gin_params: single bindings on top.
      usr_dirs: of plugins, for the commands of the runs.

    Raises:
      ConfigError: no such experiment, an unknown problem, a bad binding of any variation, or the
        folder holds another experiment.
      DataError: data that was not generated.
    """
    file = find(experiment)
    name = pathlib.PurePath(file).name.removesuffix(".gin")
    files = (file, *gin_files)
    config.load(files, gin_params)
    settings = config.build(
        settings_lib.ExperimentSettings, seeds=None if seeds is None else tuple(seeds)
    )
    slurm = config.build(settings_lib.SlurmSettings)
    art = config.build(settings_lib.ArtSettings)
    specialists.check_metrics(art)
    tune = config.build(settings_lib.TuneSettings)
    problems = mixture.problem_names(None)
    base, _ = _values("", files, gin_params)
    values, trainings = {}, {}
    for variation, *statements in settings.variations:
        own, trainings[variation] = _values(variation, files, (*gin_params, *statements))
        _check_undecided(variation, base, own)
        values[variation] = own
    data = folders.data_dir(data_dir)
    job.check_data(problems, data)
    _check_split(settings.split, problems, data)
    folder = folder_lib.ExperimentFolder(
        folders.known_output_dir(output_dir) or folders.RUNS / name
    )
    folder.check(name, problems, values)
    common = commands.Common(
        gin_files=files,
        gin_params=tuple(gin_params),
        data_dir=data,
        manual_dir=folders.known_manual_dir() or folders.CORPORA,
        usr_dirs=tuple(usr_dirs),
        trainings=trainings,
        split=settings.split,
        checkpoint=settings.checkpoint,
    )
    if tune.trials:
        _check_space(tune, files, gin_params)
        runs = tuning.planned(settings, tune, problems)
    else:
        runs = plan.plan(settings, problems)
    runs += specialists.planned(art, runs)
    return Checked(name, folder, settings, slurm, art, tune, problems, runs, common, values)


def find(experiment: str) -> str:
    """Returns the gin file of an experiment, as `--gin_file` takes it.

    Raises:
      ConfigError: there is none.
    """
    names = [n for n in gin_files_lib.names() if n.startswith(_SHIPPED)]
    stems = [name.removeprefix(_SHIPPED) for name in names]
    plain = experiment.removeprefix(_SHIPPED).removesuffix(".gin")
    if plain in stems and not pathlib.Path(experiment).is_file():
        return f"{_SHIPPED}{plain}"
    try:
        gin_files_lib.find(experiment)
    except errors.ConfigError:
        raise errors.ConfigError(
            f"There is no experiment {experiment!r}",
            expected=f"a gin file, or one of {', '.join(stems)}",
            hint=errors.did_you_mean(plain, stems),
        ) from None
    return experiment


def _values(
    variation: str, files: Sequence[str], params: Sequence[str]
) -> tuple[dict[str, str], training.TrainSettings]:
    """Returns a configuration as text, and what it says of a training.

    Raises:
      ConfigError: it cannot be loaded; names the variation.
    """
    try:
        with config.only(files, params):
            settings = config.build(training.TrainSettings)
            job.check_names(settings)
            for cls in config.classes():
                with contextlib.suppress(errors.ConfigError):  # a schedule's needs, of another one
                    config.build(cls)
            values = {key: repr(value) for key, value in config.values().items()}
            return values, settings
    except errors.ConfigError as error:
        if not variation:
            raise
        raise errors.ConfigError(f"The variation {variation!r} does not load: {error}") from error


def _check_split(split: str, problems: Sequence[str], data_dir: pathlib.Path) -> None:
    """Raises for a split that the data of one of the problems does not have."""
    for name in problems if split else ():
        version = registry.problems.get(name).version
        own = tuple(manifest.Manifest.load(data_dir, name, version).splits)
        if split not in own:
            raise errors.ConfigError(
                f"{name} has no split {split!r}, which ExperimentSettings.split names",
                expected=f"one of {', '.join(own)}",
                hint=errors.did_you_mean(split, own),
            )


def _check_space(
    tune: settings_lib.TuneSettings, files: Sequence[str], params: Sequence[str]
) -> None:
    """Raises for a parameter of a search that cannot have the values that it is to have."""
    extras.require("optuna", extra="experiments", what="Tuning")
    for key, scale, *values in tune.space:
        for value in values:
            own = int(value) if scale == "whole" else value
            _values(f"{key} = {own!r}", files, (*params, f"{key} = {own!r}"))
    registry.metrics.get(tune.metric)


def _check_undecided(variation: str, base: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Raises for a variation that changes what the experiment decides."""
    for key in {*base, *values}:
        is_decided = key in _DECIDED or key.startswith("ExperimentSettings.")
        if is_decided and base.get(key) != values.get(key):
            raise errors.ConfigError(
                f"The variation {variation!r} binds {key}, which the experiment decides",
                hint="Bind it for all variations: --gin_param, or in the experiment's file",
            )
