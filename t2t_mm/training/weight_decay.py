"""Decoupled weight decay: which variables it shrinks, and by how much a step."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from t2t_mm.settings import training

_EMBEDDINGS = ("embedding", "commands", "input_marks", "own")
"""Names of variables, or how they begin, with a vector for each token, command or input."""


def rates(variables: Sequence[keras.Variable], settings: training.OptimizerSettings) -> list[float]:
    """Returns what share of each variable a step takes away, for a learning rate of 1.

    Matrices and kernels decay. Biases, the gains and offsets of norms, and all else that is a
    vector does not: those have no scale to be held down. Embeddings do if the settings say so.

    Args:
      variables: of the optimizer.
      settings: of the optimizer.
    """
    return [settings.weight_decay * _is_decayed(variable, settings) for variable in variables]


def _is_decayed(variable: keras.Variable, settings: training.OptimizerSettings) -> bool:
    if sum(size > 1 for size in variable.shape) < 2:
        return False
    is_embedding = variable.name.startswith(_EMBEDDINGS)
    return settings.decay_embeddings or not is_embedding
