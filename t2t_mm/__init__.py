"""t2t-mm: one model for many tasks, from raw data to decoding.

Every command is a thin shell over one function of this module: `generate`,
`train`, `average`, `evaluate`, `decode`; `load_run` gives back a trained model
with its problems and vocabularies. All are imported on first use, so that
`import t2t_mm` does not import TensorFlow.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from t2t_mm.version import __version__ as __version__

if TYPE_CHECKING:
    from t2t_mm.data.generate import generate
    from t2t_mm.decoding.decode import decode
    from t2t_mm.evaluation.evaluate import evaluate
    from t2t_mm.loaded_run import load_run
    from t2t_mm.problem import Problem, register_problem
    from t2t_mm.tfds.declaration import TfdsProblem
    from t2t_mm.training.averaging import average
    from t2t_mm.training.loop import train

# Keras runs on several backends, and the shell or a settings file may name another, or the
# Keras of before; what else uses Keras in this process has chosen already.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_USE_LEGACY_KERAS"] = "0"
# TensorFlow leaves its faster kernels off on some processors; a training step gains a tenth.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# No function here may bear the name of a module of this package: importing the module
# would put it in the place of the function.
_PUBLIC = {
    "Problem": "t2t_mm.problem",
    "TfdsProblem": "t2t_mm.tfds.declaration",
    "average": "t2t_mm.training.averaging",
    "decode": "t2t_mm.decoding.decode",
    "evaluate": "t2t_mm.evaluation.evaluate",
    "generate": "t2t_mm.data.generate",
    "load_run": "t2t_mm.loaded_run",
    "register_problem": "t2t_mm.problem",
    "train": "t2t_mm.training.loop",
}

__all__ = [
    "Problem",
    "TfdsProblem",
    "average",
    "decode",
    "evaluate",
    "generate",
    "load_run",
    "register_problem",
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
    """Raises where this process has imported Keras for another backend already."""
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
