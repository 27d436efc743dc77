"""The tensors between modality nets and the body of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf


class Representation(NamedTuple):
    """A sequence of vectors with its mask, and its 2-D shape if it has one.

    Attributes:
      x: `[B, S, D]`.
      mask: `[B, S]`, 1 for real positions; None where all are real.
      grid: height and width of a 2-D input, else None: `h * w = S`, or less where the
        sequence holds other inputs too.
      start: int32 `[B]`, where the grid begins; None where it is the whole sequence.
      words: of an encoded input whose words the output follows, `models.following.Words`.
    """

    x: tf.Tensor
    mask: tf.Tensor | None = None
    grid: tuple[int, int] | None = None
    start: tf.Tensor | None = None
    words: Any = None


class Perturbed(NamedTuple):
    """Features with a change of what the net makes of them, as a gradient attack finds one.

    A model takes it in the place of features.

    Attributes:
      features: of the modality, `[B, ...]`.
      change: float32 `[B, S, D]`, added to the net's `Representation.x`.
    """

    features: tf.Tensor
    change: tf.Tensor


def unperturbed(inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Returns the features of inputs by name, without changes."""
    return {
        name: given.features if isinstance(given, Perturbed) else given
        for name, given in inputs.items()
    }


class Loss(NamedTuple):
    """Loss and metrics of a batch from a target net; float32 scalars but for the last.

    Attributes:
      loss: mean cross-entropy of target tokens (or classes) in nats, with label smoothing.
      log_perplexity: the same without label smoothing.
      accuracy: fraction of tokens (or classes) with the largest logit.
      tokens: number of target tokens (or classes).
      by_row: float32 `[B, 3]`, of each example its nats, hits and tokens, sums; None in training,
        where nobody asks for them.
    """

    loss: tf.Tensor
    log_perplexity: tf.Tensor
    accuracy: tf.Tensor
    tokens: tf.Tensor
    by_row: tf.Tensor | None = None
