"""Gradient attacks: the change of an input, within a ball, that raises the loss the most.

FGSM (Goodfellow et al. 2015) takes one step to the edge of the ball, along the sign of the
gradient or, in the ball of an L2 norm, along the gradient. PGD (Madry et al. 2018) takes `STEPS`
steps of 2.5 / `STEPS` of the radius from a random point, each projected into the ball, and keeps
the point of the greatest loss, that of FGSM included. The loss is that of training with the true
targets, without smoothing and auxiliary losses, of each example.

An attack changes what the features of its modality say (`Features.values`): pixels, samples of
a sound. Where they say nothing it changes what the net makes of the features, such as embedded
tokens (Miyato et al. 2017), by a share of the norm of the whole example. The radii are
`Modality.attack`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.data import batches as batches_lib
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import functions, predict
from t2t_mm.modality import corruption, representation
from t2t_mm.modality import features as features_lib
from t2t_mm.settings import batching as batching_lib

STEPS = 10
_STEP = 2.5
_TINY = 1e-12


class Climb:
    """The losses of a batch, and how they rise with a change of one input; traced once.

    Args:
      model: with `loss` and `class_logits`, of `models.base`.
      task: the problem.
      name: of the input.
      batching: sizes, which features depend on.
    """

    def __init__(
        self, model: Any, task: task_lib.Task, name: str, batching: batching_lib.Batching
    ) -> None:
        self.model, self.task, self.name = model, task, name
        self.ball: corruption.Attack = task.inputs[name].attack()
        self.features = batches_lib.build_features(task, batching, [name])[name]
        self._command = tf.constant(model.command_row(task.name))
        self._traced: Any = None

    def start(self, batch: Mapping[str, Any]) -> features_lib.Values:
        """Returns what is changed: the values of a batch, or what the net makes of them."""
        values = self.features.values(batch["raw_inputs"][self.name])
        if values is not None:
            return values
        part = self.model.embed_input(self.task.name, self.name, batch["inputs"][self.name])
        x = tf.cast(part.x, tf.float32)
        real = tf.ones(tf.shape(x)[:2]) if part.mask is None else part.mask
        return features_lib.Values(x, real[:, :, None])

    def spec(self, spec: functions.Spec) -> dict[str, Any]:
        """Returns the spec of changed inputs, of that of inputs."""
        changed = dict(spec)
        if not self.features.has_values:
            changed[self.name] = representation.Perturbed(
                spec[self.name], tf.TensorSpec([None, None, self.model.config.width], tf.float32)
            )
        return changed

    def changed(
        self, inputs: Mapping[str, Any], values: features_lib.Values, change: tf.Tensor
    ) -> dict[str, Any]:
        """Returns the inputs with a change of the values, in or outside a graph."""
        own: Any
        if self.features.has_values:
            own = self.features.of_values(values._replace(x=values.x + change))
        else:
            own = representation.Perturbed(inputs[self.name], change)
        return {**inputs, self.name: own}

    def __call__(
        self, batch: Mapping[str, Any], values: features_lib.Values, change: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the loss of each example, [B], and its gradient, of the form of `change`."""
        given = (dict(batch["inputs"]), values, change, batch[task_lib.TARGETS], self._command)
        if self._traced is None:
            self._traced = tf.function(self._run, reduce_retracing=True, autograph=False)
        losses, gradient = self._traced(*given)
        return losses, gradient

    def _run(
        self,
        inputs: dict[str, Any],
        values: features_lib.Values,
        change: tf.Tensor,
        targets: tf.Tensor,
        command: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        changed = self.changed(inputs, values, change)
        losses = _losses(self.model, self.task, changed, targets, command)
        (gradient,) = tf.gradients(losses, [change])
        return losses, tf.zeros_like(change) if gradient is None else gradient * values.real


class Attack:
    """Attacks the inputs of batches; an `evaluator.Change`.

    Args:
      climb: of the input.
      strength: from 1 to 5.
      steps: 1 for FGSM, more for PGD.
      seed: of PGD's first points.
    """

    def __init__(self, climb: Climb, *, strength: int, steps: int, seed: int = 0) -> None:
        self._climb, self._steps, self._seed = climb, steps, seed
        self._radius = climb.ball.radii[strength - 1]
        self._strength = strength

    def spec(self, spec: functions.Spec) -> dict[str, Any]:
        return self._climb.spec(spec)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the attacked inputs of a batch."""
        values = self._climb.start(batch)
        change = self.change(batch, values)
        attacked = self._climb.changed(batch["inputs"], values, change)
        name, dtype = self._climb.name, getattr(batch["inputs"][self._climb.name], "dtype", None)
        if self._climb.features.has_values and dtype is not None and dtype.is_integer:
            attacked[name] = tf.cast(tf.round(attacked[name]), dtype)
        return attacked

    def change(self, batch: Mapping[str, Any], values: features_lib.Values) -> tf.Tensor:
        """Returns the change that raises the loss the most, of the form of `values.x`."""
        radius = self._radii(values)
        _, gradient = self._climb(batch, values, tf.zeros_like(values.x))
        best = self._projected(values, radius * self._direction(gradient), radius)
        if self._steps == 1:
            return best
        losses, _ = self._climb(batch, values, best)
        size = _STEP / self._steps * radius
        if self._is_whole(batch):
            size = tf.maximum(size, 1.0)
        change = self._projected(values, radius * self._random(batch, values), radius)
        for _ in range(self._steps):
            change = self._rounded(batch, change)
            now, gradient = self._climb(batch, values, change)
            best, losses = _better(best, losses, change, now)
            change = change + size * self._direction(gradient)
            change = self._projected(values, change, radius)
        change = self._rounded(batch, change)
        now, _ = self._climb(batch, values, change)
        return _better(best, losses, change, now)[0]

    def _is_whole(self, batch: Mapping[str, Any]) -> bool:
        """Returns whether the features are whole numbers, as pixels are."""
        features = batch["inputs"][self._climb.name]
        return self._climb.features.has_values and bool(features.dtype.is_integer)

    def _rounded(self, batch: Mapping[str, Any], change: tf.Tensor) -> tf.Tensor:
        return tf.round(change) if self._is_whole(batch) else change

    def _radii(self, values: features_lib.Values) -> tf.Tensor:
        """Returns the radius of each example's ball, [B, 1, ...]."""
        if self._climb.ball.norm == "linf":
            return tf.fill(_ones(values.x), float(self._radius))
        return self._radius * _norm(values.x * values.real)

    def _direction(self, gradient: tf.Tensor) -> tf.Tensor:
        """Returns the step of norm 1 along which the loss rises the most."""
        if self._climb.ball.norm == "linf":
            return tf.sign(gradient)
        # Scaled first: the square of a small gradient is 0 in float32.
        axes = list(range(1, gradient.shape.rank))
        largest = tf.reduce_max(tf.abs(gradient), axes, keepdims=True)
        scaled = gradient / tf.maximum(largest, 1e-30)
        return scaled / tf.maximum(_norm(scaled), _TINY)

    def _projected(
        self, values: features_lib.Values, change: tf.Tensor, radius: tf.Tensor
    ) -> tf.Tensor:
        """Returns the nearest change in the ball, with all values within their limits."""
        if self._climb.ball.norm == "linf":
            change = tf.clip_by_value(change, -radius, radius)
        else:
            change *= tf.minimum(1.0, radius / tf.maximum(_norm(change), _TINY))
        low, high = self._climb.ball.low, self._climb.ball.high
        if low is not None:
            change = tf.maximum(values.x + change, low) - values.x
        if high is not None:
            change = tf.minimum(values.x + change, high) - values.x
        return change * values.real

    def _random(self, batch: Mapping[str, Any], values: features_lib.Values) -> tf.Tensor:
        """Returns a random change of each example within a ball of radius 1.

        It depends on seed, key and strength, and not on the rest of the batch.
        """
        shape = values.x.shape.as_list()[1:]
        draws = []
        for key in predict.texts(batch[task_lib.KEY]):
            rng = corruption.generator(self._seed, key, "pgd", self._strength)
            draws.append(rng.uniform(-1, 1, shape).astype(np.float32))
        change = tf.constant(np.stack(draws)) * values.real
        if self._climb.ball.norm == "linf":
            return change
        return change / tf.maximum(_norm(change), _TINY)


def _losses(
    model: Any, task: task_lib.Task, inputs: dict[str, Any], targets: tf.Tensor, command: tf.Tensor
) -> tf.Tensor:
    """Returns the loss of each example, in nats, [B]; 0 for a class that is not known."""
    traced = model.traced_as(task.name)
    if task.targets.autoregressive:
        batch = {"inputs": inputs, "targets": targets}
        _, means = model.loss(traced, batch, training=False, command=command)
        if "by_row" in means:
            return means["by_row"][:, 0]
        rows = tf.shape(targets)[0]
        return tf.fill(
            [rows], means["log_perplexity"] * means["tokens"] / tf.cast(rows, tf.float32)
        )
    logits = tf.cast(model.class_logits(traced, inputs, command), tf.float32)
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(targets, 0), logits)
    return tf.where(targets >= 0, nats, 0.0)


def _better(
    best: tf.Tensor, losses: tf.Tensor, change: tf.Tensor, now: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns, of each example, the change of the greater loss, and that loss."""
    is_better = tf.reshape(now > losses, _ones(best))
    return tf.where(is_better, change, best), tf.maximum(now, losses)


def _norm(x: tf.Tensor) -> tf.Tensor:
    """Returns the L2 norm of each example, [B, 1, ...]."""
    axes = list(range(1, x.shape.rank))
    return tf.sqrt(tf.reduce_sum(tf.square(x), axes, keepdims=True))


def _ones(x: tf.Tensor) -> tf.Tensor:
    """Returns the shape [B, 1, ...] of a number for each example of `x`."""
    return tf.concat([tf.shape(x)[:1], tf.ones([x.shape.rank - 1], tf.int32)], 0)
