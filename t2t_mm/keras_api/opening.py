"""`t2t_mm.keras_model`: a run, or a configuration, as a `keras.Model` of one problem."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras

from t2t_mm import config, errors, plugins
from t2t_mm.config import gin_files
from t2t_mm.data import task as task_lib
from t2t_mm.files import paths
from t2t_mm.keras_api import batches
from t2t_mm.keras_api import model as models
from t2t_mm.keras_api import parts as parts_lib
from t2t_mm.mixture import mixture
from t2t_mm.modality.pretrained import nets
from t2t_mm.modality.pretrained import settings as pretrained
from t2t_mm.runs import folders, loaded_run
from t2t_mm.settings import training


def keras_model(
    run_or_config: str | os.PathLike[str] | loaded_run.LoadedRun | Sequence[str],
    problem: str | None = None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    checkpoint: str | int = "latest",
    gin_params: Sequence[str] = (),
) -> models.KerasModel:
    """Returns a `keras.Model` of one problem, over the same variables as our model.

    Example:
        model = t2t_mm.keras_model("models/multi_model_small", "multi30k_ende", data_dir="data")
        train = t2t_mm.dataset("multi30k_ende", data_dir="data")
        model.fit(train, steps_per_epoch=100, epochs=3)

    Models of several problems of one `LoadedRun` share its variables. Learning rate and moments
    begin anew with a run, as with a warm start. A model of a configuration begins with the
    weights that a training with its `TrainSettings.seed` begins with; Python, NumPy and
    TensorFlow keep that seed.

    Args:
      run_or_config: a run folder, or what `load_run` returned; or gin files, as paths or names
        under `gin/`: one, several, or `()` for the defaults.
      problem: its name; it may be left out where the run, or the mixture of the gin files, has
        only one.
      data_dir: of generated data; left out, T2T_MM_DATA_DIR, or else `data`.
      checkpoint: of a run: "latest", "best" or a step.
      gin_params: single bindings over those of the gin files, or of the run (all but what
        makes its model).

    Raises:
      ConfigError: for a problem that is not one of the run or the mixture, or a configuration
        that does not fit.
      DataError: for data or vocabularies that are not there.
      CheckpointError: for a checkpoint that is missing or damaged.
    """
    plugins.load_all()
    batches.check_devices()
    run = _run(run_or_config)
    if run is not None:
        loaded = loaded_run.as_loaded(run, checkpoint=checkpoint, data_dir=data_dir)
        return _of_run(loaded, problem, gin_params)
    if checkpoint != "latest":
        raise errors.ConfigError(
            "A configuration has no checkpoint", received=f"checkpoint={checkpoint!r}"
        )
    if not isinstance(run_or_config, str | os.PathLike | Sequence):
        raise errors.ConfigError(
            "There is neither a run nor a configuration",
            received=type(run_or_config).__name__,
            expected="a run folder, what t2t_mm.load_run returned, or gin files",
        )
    files = [run_or_config] if isinstance(run_or_config, str | os.PathLike) else run_or_config
    with config.only([os.fspath(file) for file in files], gin_params):
        return _of_config(problem, folders.data_dir(data_dir))


def _run(given: object) -> str | os.PathLike[str] | loaded_run.LoadedRun | None:
    """Returns the run that is meant, None for gin files."""
    if isinstance(given, loaded_run.LoadedRun):
        return given
    if not isinstance(given, str | os.PathLike):
        return None
    path = paths.expanded(given)
    if path.is_dir():
        return given
    known = gin_files.names()
    stems = [name.rpartition("/")[2] for name in known]
    try:
        gin_files.find(os.fspath(given))
    except errors.ConfigError as error:
        if path.name.removesuffix(".gin") in stems:
            raise  # several have the name
        beside = [str(one) for one in path.parent.glob("*") if one.is_dir()]
        raise errors.ConfigError(
            f"There is neither a run nor a gin file {os.fspath(given)!r}",
            expected="the folder of a training, or a gin file: a path, or a name under gin/",
            hint=errors.did_you_mean(str(path), [*known, *stems, *beside]),
        ) from error
    return None


def _of_run(
    loaded: loaded_run.LoadedRun, problem: str | None, gin_params: Sequence[str]
) -> models.KerasModel:
    task = loaded.task(problem)
    bindings = loaded.folder.bindings()
    with config.only(of_run=bindings):
        trained = _makes_model(loaded)
    with config.only(gin_params=gin_params, of_run=bindings):
        changed = [
            f"{name} was {trained[name]!r}, not {value!r}"
            for name, value in _makes_model(loaded).items()
            if value != trained[name]
        ]
        if changed:
            raise errors.ConfigError(
                "What makes a trained model cannot be changed",
                received="; ".join(changed),
                expected="bindings of OptimizerSettings, DecodeSettings, TrainSettings.seed and "
                "TrainSettings.train_steps",
            )
        parts = parts_lib.make(
            list(loaded.tasks.values()), loaded.folder.vocabularies, network=loaded.model
        )
    return models.KerasModel(parts, task.name)


def _makes_model(loaded: loaded_run.LoadedRun) -> dict[str, Any]:
    """Returns the settings on which variables and arithmetic of a run's model depend."""
    settings = config.build(training.TrainSettings)
    values = {f"TrainSettings.{name}": getattr(settings, name) for name in ("model", "precision")}
    for cls in (type(loaded.model.config), pretrained.PretrainedNets):
        fields = dataclasses.asdict(config.build(cls))
        values |= {f"{cls.__name__}.{name}": value for name, value in fields.items()}
    return values


def _of_config(problem: str | None, data_dir: pathlib.Path) -> models.KerasModel:
    configured = config.build(mixture.MixtureSettings).problems
    if problem is None and not configured:
        raise errors.ConfigError(
            "No problem is named",
            expected="the name of one, or gin files that set MixtureSettings.problems",
            hint="t2t_mm.list_problems() tells the names",
        )
    names = mixture.problem_names(None if configured or problem is None else problem)
    if problem is None and len(names) > 1:
        raise errors.ConfigError(
            "The mixture has several problems", expected=f"one of {', '.join(names)}"
        )
    name = problem or names[0]
    if name not in names:
        raise errors.ConfigError(
            f"The mixture has no problem {name!r}",
            expected=f"one of {', '.join(names)}",
            hint=errors.did_you_mean(name, names),
        )
    tasks = task_lib.tasks_from_data(names, data_dir)
    vocabularies = (data_dir / task_lib.VOCABULARIES).absolute()
    keras.utils.set_random_seed(config.build(training.TrainSettings).seed)
    parts = parts_lib.make(tasks, vocabularies, choose_precision=True)
    nets.load(parts.network.nets, lambda _: None)
    return models.KerasModel(parts, name)
