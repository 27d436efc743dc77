"""Skips the updates of steps whose loss or gradients are not finite.

The check runs on the device, after gradients are summed over replicas, so that all replicas
and workers decide alike. Nothing waits for its result: the update itself changes nothing
(`optimizer.Adam`), and the host applies the policy once it has read the step's results.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import tensorflow as tf

from t2t_mm.settings import training


class Gate(tf.Module):
    """Admits updates; create it in the strategy's scope.

    After a step that ends the training, or makes it go back, it stays closed: the host reads
    the results only some steps later, and must find the weights unchanged.

    Args:
      settings: how many steps may be left out.
    """

    def __init__(self, settings: training.NotFiniteSettings) -> None:
        super().__init__(name="gate")
        may_skip = settings.policy == "skip"
        self._most = [settings.most_in_a_row, settings.most_in_all] if may_skip else [0, 0]
        # Steps left out in a row and in all, and 1 where it is closed.
        self._counts = tf.Variable(
            [0, 0, 0],
            dtype=tf.int64,
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            name="counts",
        )

    def admit(self, is_finite: tf.Tensor) -> tf.Tensor:
        """Returns whether the step may update, a bool scalar; called in replica context.

        Args:
          is_finite: bool scalar, the same on all replicas.
        """
        in_a_row, in_all, closed = tf.unstack(self._counts.read_value())
        left_out = tf.cast(tf.logical_not(is_finite), tf.int64)
        in_a_row, in_all = (in_a_row + 1) * left_out, in_all + left_out
        is_over = tf.logical_or(in_a_row > self._most[0], in_all > self._most[1])
        closes = left_out * tf.cast(is_over, tf.int64)
        self._counts.assign(tf.stack([in_a_row, in_all, tf.maximum(closed, closes)]))
        return tf.logical_and(is_finite, tf.equal(closed, 0))

    def open(self, in_a_row: int, in_all: int) -> None:
        """Goes on after so many steps that were left out."""
        self._counts.assign([in_a_row, in_all, 0])


def on_all_replicas(value: tf.Tensor) -> tf.Tensor:
    """Returns whether a scalar is finite on every replica; called in replica context."""
    context = tf.distribute.get_replica_context()
    is_finite = tf.math.is_finite(value)
    if context.num_replicas_in_sync == 1:
        return is_finite
    # A copy has the replica's device, without which nothing can be reduced.
    bad = tf.identity(tf.cast(tf.logical_not(is_finite), tf.float32))
    return tf.equal(context.all_reduce(tf.distribute.ReduceOp.SUM, bad), 0.0)


class Action(enum.Enum):
    """What is done about a step that is not finite."""

    STOP, SKIP, GO_BACK = range(3)


class Counts:
    """What the host knows of steps that were left out.

    Args:
      settings: the policy and its bounds.
    """

    def __init__(self, settings: training.NotFiniteSettings) -> None:
        self._settings = settings
        self.in_a_row = self.in_all = self.returns = 0

    def good(self) -> None:
        """Takes a step that is finite."""
        self.in_a_row = 0

    def bad(self) -> Action:
        """Takes a step that is not, and returns what to do."""
        self.in_a_row += 1
        self.in_all += 1
        chosen = self._settings
        is_within = self.in_a_row <= chosen.most_in_a_row and self.in_all <= chosen.most_in_all
        if chosen.policy == "skip" and is_within:
            return Action.SKIP
        if chosen.policy == "go_back" and self.returns < chosen.most_returns:
            self.returns += 1
            return Action.GO_BACK
        return Action.STOP

    def metrics(self) -> dict[str, float]:
        """Returns what a line of the log holds: nothing where all steps were finite."""
        counted = {"skipped_steps": self.in_all, "returns": self.returns}
        if self._settings.policy != "go_back":
            del counted["returns"]
        return {name: float(count) for name, count in counted.items()} if self.in_all else {}

    def describe(self) -> str:
        """Returns in words how near the bounds are."""
        chosen = self._settings
        if chosen.policy == "go_back":
            return f"{self.returns} of at most {chosen.most_returns} times in this run"
        row = f"{self.in_a_row} of at most {chosen.most_in_a_row} in a row"
        return f"{row}, {self.in_all} of at most {chosen.most_in_all} in all"

    def state(self) -> dict[str, int]:
        """Returns what a checkpoint keeps."""
        return {"in_a_row": self.in_a_row, "in_all": self.in_all, "returns": self.returns}

    def restore(self, state: Mapping[str, int]) -> None:
        """Takes back what `state` gave."""
        self.in_a_row, self.in_all = state["in_a_row"], state["in_all"]
        self.returns = state["returns"]
