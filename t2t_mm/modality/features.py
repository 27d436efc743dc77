"""The contract of features: raw record values to what a model takes.

Features are made inside the TensorFlow graph by functions without variables, so
the training pipeline, the decoder and an export all call the very same code.
Every function takes a whole batch: one text at a time is ten times slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import tensorflow as tf

from t2t_mm import registry
from t2t_mm.modality import base

if TYPE_CHECKING:
    from t2t_mm.data import task as task_lib


class Features:
    """Turns the raw values of one modality into model features.

    Args:
      declaration: the modality, as the problem declares it.
      task: the problem bound to its data (vocabularies, class names).
    """

    ragged: ClassVar[bool] = False
    """Do examples differ in length, so that a batch is padded?"""

    def __init__(self, declaration: Any, task: task_lib.Task) -> None:
        self.declaration = declaration
        self.task = task

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.Tensor | tf.RaggedTensor:
        """Returns the features of a batch.

        Args:
          raw: string `[B]`, the values as records hold them.
          training: whether to augment.
          seed: int64 `[2]`, of all that is drawn; needed where `training` draws.
        """
        raise NotImplementedError(f"{type(self).__name__}.featurize")

    def fixed_length(self) -> int:
        """Returns the positions that every example takes; only where not `ragged`."""
        raise NotImplementedError(f"{type(self).__name__}.fixed_length")


def build(declaration: base.Modality, task: task_lib.Task) -> Features:
    """Returns the features of `declaration`, of the class that it names."""
    return registry.load(declaration.features_class)(declaration, task)
