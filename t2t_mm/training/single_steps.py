"""The steps of a training of one problem each, traced once for problems with the same nets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from t2t_mm.models import base
from t2t_mm.training import ema, finite
from t2t_mm.training import gradients as gradients_lib
from t2t_mm.training import optimizer as optimizer_lib
from t2t_mm.training import step as step_lib


class Steps:
    """The steps of a training, compiled as they are first taken.

    Problems with the same nets and shapes, such as all directions of translation, share
    one compiled function: a trace of a deep model takes many seconds.

    Args:
      model: with all its variables.
      optimizer: over the model's trainable variables.
      strategy: that made both.
      warn: is told of a model whose steps cannot be taken again exactly.
      gate: admits updates, made in the strategy's scope; by default those of all steps that
        are finite.
      loss_weights: by problem, by which gradients are multiplied; where all are 1, which is the
        default, no step is traced with a weight.
      mean: of the weights, if one is kept.
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
        weights = dict(loss_weights or {})
        self._weights = weights if any(weight != 1.0 for weight in weights.values()) else {}
        self._model, self._optimizer, self._strategy = model, optimizer, strategy
        self._warn, self._mean = warn, mean
        self._admit = gate.admit if gate else tf.identity
        self._functions: dict[tuple[str, str], step_lib.StepFunction] = {}
        self._of_task: dict[str, tuple[step_lib.StepFunction, tuple[tf.Tensor, ...]]] = {}

    def take(
        self,
        task_name: str,
        spec: Mapping[str, Any],
        batch: Any,
        *,
        seed: tf.Tensor,
        learning_rate: float,
    ) -> step_lib.Metrics:
        """Trains one batch of a problem; see `step.make`.

        Args:
          task_name: of the problem.
          spec: of its batches, the same at every call.
          batch: one for each replica.
          seed: int32 `[2]`, of this step's randomness.
          learning_rate: of the step.
        """
        if task_name not in self._of_task:
            self._of_task[task_name] = self._prepare(task_name, spec)
        function, of_task = self._of_task[task_name]
        with gradients_lib.in_order():
            return function(batch, seed, tf.constant(learning_rate, tf.float32), *of_task)

    def is_ready(self, task_name: str) -> bool:
        """Returns whether a step of this problem needs no tracing any more."""
        if task_name in self._of_task:
            return True
        traced = self._model.traced_as(task_name)
        return any(name == traced for name, _ in self._functions)

    @property
    def traced(self) -> int:
        """How many functions there are."""
        return len(self._functions)

    def _prepare(
        self, task_name: str, spec: Mapping[str, Any]
    ) -> tuple[step_lib.StepFunction, tuple[tf.Tensor, ...]]:
        """Returns the function of a problem, and its last arguments: command and weight."""
        traced = self._model.traced_as(task_name)
        key = (traced, str(spec))
        if key not in self._functions:
            self._functions[key] = step_lib.make(
                self._model,
                self._optimizer,
                self._strategy,
                traced,
                spec,
                self._warn,
                admit=self._admit,
                is_weighted=bool(self._weights),
                mean=self._mean,
            )
        of_task = [tf.constant(self._model.command_row(task_name))]
        if self._weights:
            of_task.append(tf.constant(self._weights.get(task_name, 1.0), tf.float32))
        return self._functions[key], tuple(of_task)
