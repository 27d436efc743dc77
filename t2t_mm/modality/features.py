"""The contract of features: raw record values to model inputs.

Features are computed in the TensorFlow graph by functions without variables, so the
training pipeline, the decoder and an export share the code. Every function takes a whole
batch: one text at a time is ten times slower.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import tensorflow as tf

from t2t_mm import registry
from t2t_mm.modality import base

if TYPE_CHECKING:
    from t2t_mm.settings import augmentation as augmentation_lib
    from t2t_mm.settings import batching as batching_lib


class Values(NamedTuple):
    """The numbers behind the features of a batch, which a gradient attack changes.

    Attributes:
      x: float32 `[B, ...]`.
      real: float32, of the rank of `x` and broadcast to it: 1, and 0 for padding.
    """

    x: tf.Tensor
    real: tf.Tensor


class Features:
    """Turns the raw values of one modality into model features.

    Args:
      declaration: the modality, as the problem declares it.
      task: the problem bound to its data (vocabularies, class names).
    """

    ragged: ClassVar[bool] = False
    """Do examples differ in length, so that a batch is padded?"""

    heavy: ClassVar[bool] = False
    """Are ragged features too large to compute for a whole pool of examples at once?

    If so, `lengths` gives their lengths beforehand, and `featurize` computes and pads one
    batch at a time. If not, `featurize` returns ragged rows.
    """

    has_values: ClassVar[bool] = False
    """Are there numbers from which features follow smoothly (`values`)?"""

    length_multiple: int = 1
    """Heavy features are padded to a multiple of this, in positions; the others by `data.pools`."""

    augmentation: augmentation_lib.AugmentSettings | None = None
    """Damage to draw in training, where the modality has `augmentations`."""

    def __init__(self, declaration: Any, task: base.Task) -> None:
        self.declaration = declaration
        self.task = task

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.Tensor | tf.RaggedTensor:
        """Returns the features of a batch.

        Args:
          raw: string `[B]`, the values of records.
          training: whether to augment, and to damage as `augmentation` says.
          seed: int64 `[2]`, of the augmentation.
        """
        raise NotImplementedError(f"{type(self).__name__}.featurize")

    def values(self, raw: tf.Tensor) -> Values | None:
        """Returns the numbers behind the features, such as pixels; None if not `has_values`.

        Args:
          raw: string `[B]`, the values of records.
        """
        del raw
        return None

    def of_values(self, values: Values) -> tf.Tensor:
        """Returns the features of numbers that may be changed, so that gradients pass.

        Those of unchanged `values` are those of `featurize`, in float32.
        """
        raise NotImplementedError(f"{type(self).__name__}.of_values")

    def graph_key(self) -> Hashable | None:
        """Returns all that the graphs of `featurize` and `lengths` depend on; None if not known.

        Problems whose features have equal keys share one graph, so that nothing else of the task
        may enter it. Not inherited: the subclass of features with a key may depend on more.
        """
        return None

    def resources(self) -> tuple[Any, ...]:
        """Returns what an export has to keep for `featurize`, such as a tokenizer: trackables."""
        return ()

    def fixed_length(self) -> int:
        """Returns the positions of every example; only if not `ragged`."""
        raise NotImplementedError(f"{type(self).__name__}.fixed_length")

    def lengths(self, raw: tf.Tensor) -> tf.Tensor:
        """Returns the positions of each example, int32 `[B]`; only if `heavy`.

        Positions are those of the body, after the strides of the net, so they are
        comparable between modalities.
        """
        raise NotImplementedError(f"{type(self).__name__}.lengths")

    def is_cut(self, features: tf.RaggedTensor) -> tf.Tensor:
        """Returns which rows were truncated, bool `[B]`; only for ragged rows.

        Args:
          features: from `featurize`.
        """
        return tf.zeros([features.nrows()], tf.bool)

    def most_positions(self, batching: batching_lib.Batching) -> int:
        """Returns the limit that this input sets on the padded positions of a batch."""
        return batching.batch_tokens


def build(
    declaration: base.Modality,
    task: base.Task,
    *,
    length_multiple: int = 1,
) -> Features:
    """Builds the features of `declaration`, an instance of its `features_class`."""
    features: Features = registry.load(declaration.features_class)(declaration, task)
    features.length_multiple = length_multiple
    return features


def round_up(lengths: tf.Tensor, multiple: int) -> tf.Tensor:
    """Returns `lengths`, each rounded up to a multiple of `multiple`."""
    return -(-lengths // multiple) * multiple
