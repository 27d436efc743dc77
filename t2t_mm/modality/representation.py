"""What passes between the modality nets and the body of a model."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Representation(NamedTuple):
    """A sequence of vectors, whatever it came from.

    Attributes:
      x: `[B, S, D]`.
      mask: `[B, S]`, 1 for real positions; None where all are real.
      grid: height and width of what came from a 2-D input, else None: `h * w = S`, or less
        where other inputs stand beside it.
      start: int32 `[B]`, where the grid begins; None where it is all there is.
    """

    x: tf.Tensor
    mask: tf.Tensor | None = None
    grid: tuple[int, int] | None = None
    start: tf.Tensor | None = None


class Loss(NamedTuple):
    """A target net's verdict on one batch; all scalars are float32.

    Attributes:
      loss: nats a target token (or class), label smoothing included.
      log_perplexity: the same without smoothing.
      accuracy: share of tokens (or classes) that the largest logit names.
      tokens: how many target tokens (or classes) there are.
    """

    loss: tf.Tensor
    log_perplexity: tf.Tensor
    accuracy: tf.Tensor
    tokens: tf.Tensor
