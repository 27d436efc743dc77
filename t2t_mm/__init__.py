"""t2t-mm: one model for many tasks, from raw data to decoding.

Every command is a thin shell over one function of this module: `list_problems`,
`generate`, `inspect`, `train`, `average`, `evaluate`, `decode`, `report`, `export`,
`experiment`; `load_run` gives back a trained model with its problems and vocabularies, `dataset`
the batches of a problem and `keras_model` a `keras.Model` of it.
`register_problem` and its siblings add parts by name. All are imported on first use, so
that `import t2t_mm` does not import TensorFlow.
"""

from __future__ import annotations

import importlib
import os
import sys

from t2t_mm.version import __version__ as __version__

TYPE_CHECKING = False  # not typing's: until a command heeds signals, milliseconds count
if TYPE_CHECKING:
    from typing import Any

    from t2t_mm.datagen.generate import generate
    from t2t_mm.decoding.decode import decode
    from t2t_mm.downloads.declaration import Download
    from t2t_mm.evaluation.base import Metric
    from t2t_mm.evaluation.evaluate import evaluate
    from t2t_mm.experiments.experiment import experiment
    from t2t_mm.exporting.export import export
    from t2t_mm.keras_api.dataset import dataset
    from t2t_mm.keras_api.model import KerasModel
    from t2t_mm.keras_api.opening import keras_model
    from t2t_mm.mixture.schedules import Schedule
    from t2t_mm.modality.base import Modality
    from t2t_mm.models.base import Model
    from t2t_mm.problem import Problem, register_problem
    from t2t_mm.problem_bases.tfds.declaration import TfdsProblem
    from t2t_mm.registration import (
        register_decay,
        register_metric,
        register_modality,
        register_model,
        register_net,
        register_optimizer,
        register_schedule,
    )
    from t2t_mm.reports.inspection import inspect
    from t2t_mm.reports.registered import list_problems
    from t2t_mm.reports.run_report.report import report
    from t2t_mm.runs.loaded_run import LoadedRun, load_run
    from t2t_mm.settings.decoding import DecodeSettings
    from t2t_mm.training.averaging import average
    from t2t_mm.training.optimizer import Optimizer
    from t2t_mm.training.train import train

# Keras has several backends, and an environment variable or a settings file may name
# another one, or legacy Keras; a process that has imported Keras has chosen already.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_USE_LEGACY_KERAS"] = "0"
# TensorFlow disables its faster kernels on some processors; with them a training step takes
# a tenth less.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# No function here may have the name of a module of this package: importing the module
# would replace the function.
_PUBLIC = {
    "DecodeSettings": "t2t_mm.settings.decoding",
    "Download": "t2t_mm.downloads.declaration",
    "KerasModel": "t2t_mm.keras_api.model",
    "LoadedRun": "t2t_mm.runs.loaded_run",
    "Metric": "t2t_mm.evaluation.base",
    "Modality": "t2t_mm.modality.base",
    "Model": "t2t_mm.models.base",
    "Optimizer": "t2t_mm.training.optimizer",
    "Problem": "t2t_mm.problem",
    "Schedule": "t2t_mm.mixture.schedules",
    "TfdsProblem": "t2t_mm.problem_bases.tfds.declaration",
    "average": "t2t_mm.training.averaging",
    "dataset": "t2t_mm.keras_api.dataset",
    "decode": "t2t_mm.decoding.decode",
    "evaluate": "t2t_mm.evaluation.evaluate",
    "experiment": "t2t_mm.experiments.experiment",
    "export": "t2t_mm.exporting.export",
    "generate": "t2t_mm.datagen.generate",
    "inspect": "t2t_mm.reports.inspection",
    "keras_model": "t2t_mm.keras_api.opening",
    "list_problems": "t2t_mm.reports.registered",
    "load_run": "t2t_mm.runs.loaded_run",
    "register_decay": "t2t_mm.registration",
    "register_metric": "t2t_mm.registration",
    "register_modality": "t2t_mm.registration",
    "register_model": "t2t_mm.registration",
    "register_net": "t2t_mm.registration",
    "register_optimizer": "t2t_mm.registration",
    "register_problem": "t2t_mm.problem",
    "register_schedule": "t2t_mm.registration",
    "report": "t2t_mm.reports.run_report.report",
    "train": "t2t_mm.training.train",
}

__all__ = [
    "DecodeSettings",
    "Download",
    "KerasModel",
    "LoadedRun",
    "Metric",
    "Modality",
    "Model",
    "Optimizer",
    "Problem",
    "Schedule",
    "TfdsProblem",
    "average",
    "dataset",
    "decode",
    "evaluate",
    "experiment",
    "export",
    "generate",
    "inspect",
    "keras_model",
    "list_problems",
    "load_run",
    "register_decay",
    "register_metric",
    "register_modality",
    "register_model",
    "register_net",
    "register_optimizer",
    "register_problem",
    "register_schedule",
    "report",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _check_keras()
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


def _check_keras() -> None:
    """Raises if this process has already imported Keras with another backend."""
    keras = sys.modules.get("keras")
    backend = keras.config.backend() if keras is not None else "tensorflow"
    if backend != "tensorflow":
        from t2t_mm import errors

        raise errors.ConfigError(
            "Keras runs on another backend in this process",
            received=backend,
            expected="tensorflow",
            hint="Import t2t_mm before keras, or set KERAS_BACKEND=tensorflow",
        )
