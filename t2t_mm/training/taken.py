"""A step that was taken, with all that it was taken with."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from t2t_mm.training import feed
from t2t_mm.training import step as steps


@dataclasses.dataclass(frozen=True)
class Part:
    """What a step does with one problem, whose results may still be on their way.

    Attributes:
      problem: that it trains.
      seconds: that it took to give it to the device.
      counts: of its batch.
      metrics: what the step function returned; `finite` of them is of this problem.
      batch: one for each replica.
      seed: int32 `[2]`.
    """

    problem: str
    seconds: float
    counts: feed.Counts
    metrics: steps.Metrics
    batch: Any
    seed: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Taken:
    """A step whose results may still be on their way from the device.

    Attributes:
      step: its number, the first being 1.
      parts: one for each problem that it trained.
      finite: 1, or 0 where the update was not finite.
      learning_rate: of the step.
    """

    step: int
    parts: tuple[Part, ...]
    finite: tf.Tensor
    learning_rate: float

    @property
    def to_blame(self) -> Part:
        """The first part that is not finite; where none is, but their sum, the first of all."""
        bad = [part for part in self.parts if not float(part.metrics[steps.FINITE])]
        return (bad or list(self.parts))[0]

    def __str__(self) -> str:
        names = ", ".join(part.problem for part in self.parts)
        losses = ", ".join(f"{float(part.metrics['loss']):.4g}" for part in self.parts)
        norm = float(self.parts[0].metrics["norm"])
        return (
            f"step {self.step:,}, of {names}, is not finite: loss {losses}, gradients of "
            f"norm {norm:.4g}, learning rate {self.learning_rate:.4g}"
        )
