"""What is kept of each start of a training: see `runs.starts`."""

from __future__ import annotations

import importlib.metadata
import pathlib
import platform
import sys
import time
from typing import Any

import tensorflow as tf

from t2t_mm import version
from t2t_mm.process import cores
from t2t_mm.training import session, strategy, summary

_PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-text", "sentencepiece")


def describe(made: session.Session, step: int) -> dict[str, Any]:
    """Returns the command, versions, machine and sizes of a training that begins, or goes on.

    Args:
      made: the training.
      step: that it begins at.
    """
    return {
        "step": step,
        "time": round(time.time(), 3),
        "command": [pathlib.PurePath(sys.argv[0]).name, *sys.argv[1:]],
        "folder": str(pathlib.Path.cwd()),
        "versions": {
            "t2t-mm": version.__version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "machine": {
            "system": platform.platform(),
            "cores": cores.count(),
            "devices": [device.name for device in tf.config.list_logical_devices()],
            "strategy": strategy.describe(made.strategy),
        },
        "precision": made.settings.precision,
        "seed": made.settings.seed,
        "parameters": summary.parameters(made),
        "examples": {
            task.name: {split: task.manifest().examples(split) for split in task.splits}
            for task in made.tasks
        },
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
