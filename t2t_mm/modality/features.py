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
    from t2t_mm.settings import batching as batching_lib


class Features:
    """Turns the raw values of one modality into model features.

    Args:
      declaration: the modality, as the problem declares it.
      task: the problem bound to its data (vocabularies, class names).
    """

    ragged: ClassVar[bool] = False
    """Do examples differ in length, so that a batch is padded?"""

    heavy: ClassVar[bool] = False
    """Of what is ragged: are features too large to be made for a whole pool of examples?

    Then `lengths` says how long they will be, and `featurize` makes a batch of them at a
    time and pads it itself. Where not, `featurize` gives ragged rows.
    """

    length_multiple: int = 1
    """Padded lengths of what is heavy are multiples of this, in positions."""

    from_records: bool = False
    """Has the declaration's `encode` made all values, as it does those of records?

    If not, as in an export, they may come in any form that features take.
    """

    def __init__(self, declaration: Any, task: base.Task) -> None:
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

    def lengths(self, raw: tf.Tensor) -> tf.Tensor:
        """Returns positions that each example takes, int32 `[B]`; only where `heavy`.

        Positions are those that the body sees, after the strides of the net, so that
        they count alike in every modality.
        """
        raise NotImplementedError(f"{type(self).__name__}.lengths")

    def is_cut(self, features: tf.RaggedTensor) -> tf.Tensor:
        """Returns which rows are not whole, being too long, bool `[B]`; only of ragged rows.

        Args:
          features: what `featurize` gave.
        """
        return tf.zeros([features.nrows()], tf.bool)

    def most_positions(self, batching: batching_lib.Batching) -> int:
        """Returns how many padded positions a batch may hold as far as this input goes."""
        return batching.batch_tokens


def build(
    declaration: base.Modality,
    task: base.Task,
    *,
    length_multiple: int = 1,
    from_records: bool = False,
) -> Features:
    """Returns the features of `declaration`, of the class that it names."""
    made: Features = registry.load(declaration.features_class)(declaration, task)
    made.length_multiple, made.from_records = length_multiple, from_records
    return made


def round_up(lengths: tf.Tensor, multiple: int) -> tf.Tensor:
    """Returns `lengths`, each rounded up to a multiple of `multiple`."""
    return -(-lengths // multiple) * multiple
