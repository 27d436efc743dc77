"""Adversarial training: a step also learns from inputs that are changed to raise its loss.

What the nets make of the inputs, such as embedded tokens, is moved along the gradient of the
loss (the fast gradient method: Goodfellow et al. 2015; Miyato et al. 2017 for embeddings), with
the same dropout, and the step's loss is the weighted mean of both. It takes two forward and two
backward passes, the first of these without the gradients of weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from t2t_mm.modality import representation
from t2t_mm.models import base, watching
from t2t_mm.settings import training
from t2t_mm.training import gradients as gradients_lib

_TINY = 1e-12


def of(model: base.Model, settings: training.AdversarialSettings) -> Any:
    """Returns what steps are to train: the model, or its adversarial losses.

    Args:
      model: with all its variables.
      settings: share and radius; without a share the model itself is returned.
    """
    return _Adversarial(model, settings) if settings.share else model


class _Adversarial:
    """A model whose training loss is partly that of changed inputs; all else is the model's."""

    def __init__(self, model: base.Model, settings: training.AdversarialSettings) -> None:
        self._model, self._settings = model, settings
        self._updates: list[tuple[keras.Variable, tf.Tensor]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def take_updates(self) -> list[tuple[keras.Variable, tf.Tensor]]:
        """Returns the updates of the plain loss: moving averages are of inputs as they are."""
        taken, self._updates = self._updates, []
        return taken

    def loss(
        self, task_name: str, batch: Mapping[str, Any], **given: Any
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the loss to be trained, and the metrics of the plain one, in a graph.

        Args:
          task_name: of the problem.
          batch: as of `Model.loss`.
          **given: the other arguments of `Model.loss`, for both losses.
        """
        with watching.watch() as embedded:
            plain, metrics = self._model.loss(task_name, batch, **given)
        self._updates = self._model.take_updates()
        if not embedded:  # a language model: nothing to change
            return plain, metrics
        found = gradients_lib.gradients(plain, [made.x for _, made in embedded])
        inputs = dict(batch["inputs"])
        for (name, made), gradient in zip(embedded, found, strict=True):
            if gradient is not None:
                change = _change(made, tf.convert_to_tensor(gradient), self._settings.radius)
                inputs[name] = representation.Perturbed(inputs[name], change)
        changed, _ = self._model.loss(task_name, {**batch, "inputs": inputs}, **given)
        self._model.take_updates()
        share = self._settings.share
        return (1.0 - share) * plain + share * changed, metrics


def _change(made: representation.Representation, gradient: tf.Tensor, radius: float) -> tf.Tensor:
    """Returns the change along the gradient, float32 `[B, S, D]`, constant to other gradients."""
    x, gradient = tf.cast(made.x, tf.float32), tf.cast(gradient, tf.float32)
    if made.mask is not None:
        real = tf.cast(made.mask, tf.float32)[:, :, None]
        x, gradient = x * real, gradient * real
    # Scaled first: the square of a small gradient is 0 in float32.
    largest = tf.reduce_max(tf.abs(gradient), [1, 2], keepdims=True)
    scaled = gradient / tf.maximum(largest, 1e-30)
    direction = scaled / tf.maximum(_norm(scaled), _TINY)
    return tf.stop_gradient(radius * _norm(x) * direction)


def _norm(x: tf.Tensor) -> tf.Tensor:
    """Returns the L2 norm of each example, `[B, 1, 1]`."""
    return tf.sqrt(tf.reduce_sum(tf.square(x), [1, 2], keepdims=True))
