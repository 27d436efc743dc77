"""Steps of several problems: their gradients are summed, then clipped and applied once.

A function for each problem adds the gradients of a batch to sums that all share, each replica
its own, and one function more, the same for all, reduces, clips and applies the sums. So there
are as many traces as of steps of one problem, and one, whichever problems meet in a step; and
memory for one gradient of each weight more.

Weights that no problem of a step trains stay as they are, with their moments, and so do their
counts of updates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.models import base
from t2t_mm.training import ema, finite
from t2t_mm.training import gradients as gradients_lib
from t2t_mm.training import optimizer as optimizer_lib
from t2t_mm.training import step as step_lib

_ADMITTED = "admitted"


class JointSteps:
    """Steps of several problems, compiled as they are first taken.

    For each step, call `add` for every problem and then `update`.

    Args:
      model: with all its variables.
      optimizer: over the model's trainable variables.
      strategy: that made both.
      warn: is told of a model whose steps cannot be taken again exactly.
      gate: as of `single_steps.Steps`.
      loss_weights: by problem, by which gradients are multiplied; 1 for those left out.
      mean: of the weights, if one is kept.

    Raises:
      ConfigError: for an optimizer that cannot leave out some of its variables.
    """

    def __init__(
        self,
        model: base.Model,
        optimizer: optimizer_lib.Optimizer,
        strategy: tf.distribute.Strategy,
        warn: Callable[[str], None] | None = None,
        *,
        gate: finite.Gate | None = None,
        loss_weights: Mapping[str, float] | None = None,
        mean: ema.MeanWeights | None = None,
    ) -> None:
        if not optimizer.leaves_out:
            raise errors.ConfigError(
                f"The optimizer {type(optimizer).__name__} cannot train several problems in a step",
                expected="TrainSettings.problems_per_step = 1, or an optimizer that `leaves_out`",
            )
        self._model, self._optimizer, self._strategy = model, optimizer, strategy
        self._warn, self._mean = warn, mean
        self._admit = gate.admit if gate else tf.identity
        self._weights = dict(loss_weights or {})
        self._variables = [variable.value for variable in model.trainable_variables]
        with strategy.scope():
            self._sums = [_zeros(variable) for variable in self._variables]
        self._functions: dict[tuple[str, str], _Adding] = {}
        self._of_task: dict[str, tuple[_Adding, tf.Tensor]] = {}
        self._touched = np.zeros([len(self._variables)], bool)
        self._finite: list[tf.Tensor] = []
        self._moved: dict[int, tuple[keras.Variable, list[tf.Tensor]]] = {}
        signature = [tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.float32)]
        signature.append(tf.TensorSpec([len(self._variables)], tf.bool))
        self._apply = tf.function(
            self._apply_on_replicas, input_signature=signature, autograph=False
        )

    def add(
        self,
        task_name: str,
        spec: Mapping[str, Any],
        batch: Any,
        *,
        seed: tf.Tensor,
        count: int,
    ) -> step_lib.Metrics:
        """Adds the gradients of a batch of one problem.

        Args:
          task_name: of the problem.
          spec: of its batches, the same at every call.
          batch: one for each replica.
          seed: int32 `[2]`, of the randomness of this problem in this step.
          count: of the problems in this step, by which gradients are divided.

        Returns:
          the metrics of `step.make`, without `norm`; `finite` is of this problem.
        """
        if task_name not in self._of_task:
            self._of_task[task_name] = self._prepare(task_name, spec)
        adding, command = self._of_task[task_name]
        weight = tf.constant(self._weights.get(task_name, 1.0) / count, tf.float32)
        with gradients_lib.in_order():
            metrics, moved = adding.function(batch, seed, command, weight)
        self._touched |= adding.touched
        self._finite.append(metrics[step_lib.FINITE])
        for variable, value in zip(adding.moving, moved, strict=True):
            self._moved.setdefault(id(variable), (variable, []))[1].append(value)
        return metrics

    def update(self, learning_rate: float) -> step_lib.Metrics:
        """Updates the weights by what was added since the last update.

        Args:
          learning_rate: of the step.

        Returns:
          `norm`, of the mean of the problems' gradients, and `finite`: 1, or 0 where a loss or
          a gradient is not finite, of whatever problem and on whatever replica.
        """
        touched, self._touched = self._touched, np.zeros_like(self._touched)
        are_finite, self._finite = tf.reduce_min(tf.stack(self._finite)), []
        moved, self._moved = self._moved, {}
        rate = tf.constant(learning_rate, tf.float32)
        with gradients_lib.in_order():
            metrics = dict(self._apply(rate, are_finite, tf.constant(touched)))
        is_admitted = metrics.pop(_ADMITTED) > 0
        for variable, values in moved.values():
            mean = sum(values[1:], values[0]) / len(values)
            variable.value.assign(tf.where(is_admitted, mean, tf.identity(variable.value)))
        return metrics

    def is_ready(self, task_name: str) -> bool:
        """Returns whether this problem needs no tracing any more."""
        traced = self._model.traced_as(task_name)
        return task_name in self._of_task or any(name == traced for name, _ in self._functions)

    @property
    def traced(self) -> int:
        """How many functions there are, that of the update left out."""
        return len(self._functions)

    def _prepare(self, task_name: str, spec: Mapping[str, Any]) -> tuple[_Adding, tf.Tensor]:
        traced = self._model.traced_as(task_name)
        key = (traced, str(spec))
        if key not in self._functions:
            self._functions[key] = _Adding(self, traced, spec)
        return self._functions[key], tf.constant(self._model.command_row(task_name))

    def _apply_on_replicas(
        self, learning_rate: tf.Tensor, are_finite: tf.Tensor, touched: tf.Tensor
    ) -> step_lib.Metrics:
        per_replica = self._strategy.run(
            self._apply_on_replica, args=(learning_rate, are_finite, touched)
        )
        return {
            name: self._strategy.reduce("MEAN", value, axis=None)
            for name, value in per_replica.items()
        }

    def _apply_on_replica(
        self, learning_rate: tf.Tensor, are_finite: tf.Tensor, touched: tf.Tensor
    ) -> step_lib.Metrics:
        metrics: step_lib.Metrics = {}
        admitted: list[tf.Tensor] = []

        def admit(norm: tf.Tensor) -> tf.Tensor:
            is_finite = tf.logical_and(are_finite > 0, tf.math.is_finite(norm))
            admitted.append(tf.logical_and(self._admit(is_finite), is_finite))
            metrics[step_lib.FINITE] = tf.cast(is_finite, tf.float32)
            metrics[_ADMITTED] = tf.cast(admitted[0], tf.float32)
            return admitted[0]

        sums = [one.read_value() for one in self._sums]
        metrics["norm"] = self._optimizer.apply(sums, learning_rate, admit=admit, touched=touched)
        if self._mean is not None:
            self._mean.update_where(touched, admitted[0])
        for one in self._sums:
            one.assign(tf.zeros(one.shape, one.dtype))
        return metrics


class _Adding:
    """The compiled function that adds the gradients of one problem, and of those alike.

    Attributes:
      function: of (a batch for each replica, seed, row of the command, weight); returns the
        metrics, and the new values of `moving`, means over replicas.
      touched: bool `[V]`, the variables that it trains; known once it is traced.
      moving: variables that no gradient trains, such as moving averages; known likewise.
    """

    def __init__(self, steps: JointSteps, task_name: str, spec: Mapping[str, Any]) -> None:
        self.touched = np.zeros([len(steps._variables)], bool)
        self.moving: list[keras.Variable] = []
        self._steps, self._task_name, self._spec = steps, task_name, spec
        self._unwarned = [steps._warn] if steps._warn is not None else []
        if steps._strategy.num_replicas_in_sync > 1:
            self.function = tf.function(self._add, reduce_retracing=True, autograph=False)
            return
        scalars = [tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)]
        signature = [spec, tf.TensorSpec([2], tf.int32), *scalars]
        self.function = tf.function(self._add, input_signature=signature, autograph=False)
        # Each is traced once; TensorFlow would take them for one that is traced often.
        self.function._omit_frequent_tracing_warning = True

    def _add(self, batch: Any, *scalars: tf.Tensor) -> tuple[step_lib.Metrics, list[tf.Tensor]]:
        strategy = self._steps._strategy
        metrics, moved = strategy.run(self._on_replica, args=(batch, *scalars))
        reduced = {
            name: strategy.reduce("MEAN" if name == step_lib.FINITE else "SUM", value, axis=None)
            for name, value in metrics.items()
        }
        return reduced, [strategy.reduce("MEAN", value, axis=None) for value in moved]

    def _on_replica(
        self, batch: Any, seed: tf.Tensor, command: tf.Tensor, weight: tf.Tensor
    ) -> tuple[step_lib.Metrics, list[tf.Tensor]]:
        steps = self._steps
        loss, metrics, gradients, updates = step_lib.backward(
            steps._model,
            self._task_name,
            steps._variables,
            step_lib.with_open_shapes(batch, self._spec),
            seed,
            command,
            weight,
            self._unwarned,
        )
        self.moving = [variable for variable, _ in updates]
        self.touched = np.array([gradient is not None for gradient in gradients])
        given = [i for i, gradient in enumerate(gradients) if gradient is not None]
        dense = [tf.convert_to_tensor(gradients[i]) for i in given]
        is_finite = tf.logical_and(
            finite.on_all_replicas(loss), finite.on_all_replicas(tf.linalg.global_norm(dense))
        )
        metrics[step_lib.FINITE] = tf.cast(is_finite, tf.float32)
        for i, gradient in zip(given, dense, strict=True):
            steps._sums[i].assign_add(gradient)
        return metrics, [tf.convert_to_tensor(value) for _, value in updates]


def _zeros(variable: tf.Variable) -> tf.Variable:
    """Returns a sum for the gradients of a variable, of which each replica has its own."""
    return tf.Variable(
        tf.zeros(variable.shape, variable.dtype),
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
        name="sum",
    )
