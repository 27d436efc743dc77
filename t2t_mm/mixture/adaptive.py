"""The schedule `adaptive`, which gives more to problems whose loss has risen from its best."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from t2t_mm import config
from t2t_mm.config import ranges
from t2t_mm.mixture import progress, schedules

_WHOLE = ranges.rule("a whole number of 1 or more", lambda n: n >= 1 and n == int(n))

_LEAST = 1e-3
"""Nats: a best loss below this counts as this, so that no ratio is of nothing."""


@config.register
@dataclasses.dataclass(frozen=True)
class Adaptive(schedules.Schedule):
    """Rates as of `temperature`, times how far each problem is behind its own best.

    The factor of a problem is (running loss / its lowest running loss) to a power, from 1 to
    `most`. A problem that the others make forget, or that is seen too seldom, comes more often
    until it is back; one that learns, or has learnt all it can, has a factor of 1. (After Jean,
    Firat and Johnson 2019, arXiv 1909.06434, who compare with models of one task.)

    Args:
      temperature: of the rates that are multiplied; see `Temperature`.
      power: of the ratio; 0 changes nothing.
      most: the largest factor.
      every: steps between two looks at the losses.
    """

    shares_of = "examples"

    temperature: Annotated[float, ranges.numbers(1e-3)] = 2.0
    power: Annotated[float, ranges.numbers(0, 100)] = 4.0
    most: Annotated[float, ranges.numbers(1, 1e6)] = 4.0
    every: Annotated[float, _WHOLE] = 50.0

    def __post_init__(self) -> None:
        ranges.check(self)

    def __call__(self, step: int, sizes: Sequence[int], names: Sequence[str] = ()) -> np.ndarray:
        return schedules.Temperature(self.temperature)(step, sizes, names)

    def looks_every(self) -> int:
        return int(self.every)

    def adapted(
        self,
        step: int,
        sizes: Sequence[int],
        names: Sequence[str],
        losses: Sequence[progress.Loss | None],
    ) -> np.ndarray:
        factors = [1.0 if loss is None else self._factor(loss) for loss in losses]
        shares = self(step, sizes, names) * np.array(factors)
        return shares / shares.sum()

    def _factor(self, loss: progress.Loss) -> float:
        ratio = max(loss.running, _LEAST) / max(loss.best, _LEAST)
        # In logarithms, for a power of a large ratio may be infinite.
        return float(np.exp(np.clip(self.power * np.log(ratio), 0.0, np.log(self.most))))
