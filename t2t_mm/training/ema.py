"""The exponential mean of the weights over the steps of a training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from t2t_mm.runs import mean_weights


class MeanWeights(tf.Module):
    """A mean of each trainable variable: mean = decay * mean + (1 - decay) * variable.

    The first updates forget faster, so that the mean is not long one of the weights that a
    training began with: at the n-th update of a variable the decay is at most n / (n + 9), as of
    `tf.train.ExponentialMovingAverage` with `num_updates` = n - 1. Updates count by variable: a
    step that does not train one leaves its mean as it is.

    To be made in the scope of the strategy that made the model.

    Args:
      model: with all its variables.
      decay: of the mean, 0 to 1.
    """

    def __init__(self, model: Any, decay: float) -> None:
        super().__init__(name="ema")
        self._decay = decay
        self._model = model
        self._variables = [variable.value for variable in model.trainable_variables]
        self.means = [
            tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False, name="mean")
            for v in self._variables
        ]
        self.updates = tf.Variable(
            tf.zeros([len(self._variables)], tf.int64),
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            name="updates",
        )

    def objects(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps, by name."""
        return {
            mean_weights.MEAN: mean_weights.tree(self._model, self.means),
            mean_weights.UPDATES: self.updates,
        }

    def begin(self) -> None:
        """Takes the weights as they are, before the first step."""
        for mean, variable in zip(self.means, self._variables, strict=True):
            mean.assign(tf.identity(variable))

    def update(self, trained: Sequence[int], is_admitted: tf.Tensor) -> None:
        """Updates the means after a step; called in replica context, in a graph.

        Args:
          trained: places of the variables that the step trains.
          is_admitted: whether it has changed them, a bool scalar.
        """
        ones = tf.scatter_nd(
            [[i] for i in trained], tf.ones([len(trained)], tf.int32), [len(self._variables)]
        )
        self._update(trained, tf.logical_and(ones > 0, is_admitted))

    def update_where(self, touched: tf.Tensor, is_admitted: tf.Tensor) -> None:
        """As `update`, where only a run of the graph tells which variables are trained.

        Args:
          touched: bool `[V]`.
          is_admitted: a bool scalar.
        """
        self._update(range(len(self._variables)), tf.logical_and(touched, is_admitted))

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Gives the model its mean weights for the block, and then its own again."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _update(self, places: Sequence[int], moves: tf.Tensor) -> None:
        counts = tf.cast(self.updates.assign_add(tf.cast(moves, tf.int64)), tf.float32)
        decay = tf.minimum(self._decay, counts / (counts + 9.0))
        rates = tf.unstack(tf.where(moves, 1.0 - decay, 0.0), len(self._variables))

        def merge(strategy: tf.distribute.Strategy, *rates: tf.Tensor) -> None:
            for i, rate in zip(places, rates, strict=True):
                strategy.extended.update(
                    self.means[i], _move, args=(self._variables[i], rate), group=True
                )

        context = tf.distribute.get_replica_context()
        context.merge_call(merge, args=tuple(rates[i] for i in places))

    def _swap(self) -> None:
        for mean, variable in zip(self.means, self._variables, strict=True):
            kept = tf.identity(variable)
            variable.assign(tf.identity(mean))
            mean.assign(kept)


def _move(mean: tf.Variable, variable: tf.Variable, rate: tf.Tensor) -> None:
    mean.assign_add(rate * (variable - mean))
