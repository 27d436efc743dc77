"""Where a checkpoint keeps the exponential mean of a model's weights: beside them, by name.

`mean/body/...` is the mean of `model/body/...`. Variables that no gradient trains have none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import tensorflow as tf

from t2t_mm import config
from t2t_mm.runs import run_folder, trackables
from t2t_mm.settings import training

MEAN, UPDATES = "mean", "mean_updates"
"""Names of the objects of a checkpoint: the means, and how often each was updated."""

_ESCAPED = re.compile(r"\.\.|\.S")


def are_used(folder: run_folder.RunFolder) -> bool:
    """Returns whether evaluations and answers of a run use the mean of its weights.

    An average of checkpoints, or weights alone, were made from it, and hold no other.
    """
    with config.only(of_run=folder.bindings()):
        settings = config.build(training.TrainSettings)
    return bool(settings.ema) and settings.evaluate_ema and not folder.averaged


def tree(model: Any, values: Sequence[tf.Variable] | None = None) -> dict[str, Any]:
    """Returns what a checkpoint is to keep, or to be read into, under `MEAN`.

    Args:
      model: with all its variables; saved as "model".
      values: the mean of each trainable variable; the variables themselves where left out, which
        then take the mean when a checkpoint is read. Name that object before the model.
    """
    variables = trackables.Trackables({"model": model}).variables()
    names = {id(variable): name for name, variable in variables.items()}
    made: dict[str, Any] = {}
    for place, variable in enumerate(model.trainable_variables):
        *path, last = [_unescaped(part) for part in names[id(variable.value)].split("/")[1:]]
        node = made
        for part in path:
            node = node.setdefault(part, {})
        node[last] = variable.value if values is None else values[place]
    return made


def source(name: str, kept: Collection[str]) -> str:
    """Returns the name of the mean of a variable in a checkpoint, or its own where it has none.

    Args:
      name: of the variable, `model/...`.
      kept: names of all variables in the checkpoint.
    """
    mean = MEAN + name.removeprefix("model")
    return mean if mean in kept else name


def _unescaped(part: str) -> str:
    """Undoes what TensorFlow does to the names of attributes."""
    return _ESCAPED.sub(lambda match: "." if match[0] == ".." else "/", part)
