"""A step that was taken, with all that it was taken with."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from t2t_mm.training import feed
from t2t_mm.training import step as steps


@dataclasses.dataclass(frozen=True)
class Taken:
    """A step whose results may still be on their way from the device.

    Attributes:
      step: its number, the first being 1.
      problem: that it trained.
      seconds: that it took to give it to the device.
      counts: of its batch.
      metrics: what the step function returned.
      batch: one for each replica.
      seed: int32 `[2]`.
      learning_rate: of the step.
    """

    step: int
    problem: str
    seconds: float
    counts: feed.Counts
    metrics: steps.Metrics
    batch: Any
    seed: tf.Tensor
    learning_rate: float

    def __str__(self) -> str:
        loss, norm = float(self.metrics["loss"]), float(self.metrics["norm"])
        return (
            f"step {self.step:,}, of {self.problem}, is not finite: loss {loss:.4g}, gradients of "
            f"norm {norm:.4g}, learning rate {self.learning_rate:.4g}"
        )
