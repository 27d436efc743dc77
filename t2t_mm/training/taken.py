"""A step that was taken, with all that it was taken with."""

from __future__ import annotations

import dataclasses

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
    """

    step: int
    problem: str
    seconds: float
    counts: feed.Counts
    metrics: steps.Metrics
