"""Bootstrap: how far a metric would differ on other examples of the same kind.

A resample draws as many examples as there are, with replacement, and the metric is computed of
their summed `Metric.statistics`. The interval holds the middle 95 % of the resamples. Draws and
interval are sacreBLEU's (Koehn 2004; its seed too), so the interval of BLEU is the one that
sacreBLEU tells. Two models on the same examples are compared by the same draws: the interval of
their difference is narrower than their own intervals say, for what is hard is hard for both.

What is not told by it: how far another training, with another seed, would differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from t2t_mm.evaluation import base

RESAMPLES = 1000
SEED = 12345
"""sacreBLEU's own."""

_CELLS = 4_000_000
"""Drawn places in memory at a time."""


class Interval(NamedTuple):
    """The middle 95 % of the resamples of a value.

    Attributes:
      low, high: its ends.
      mean: of the resamples.
    """

    low: float
    high: float
    mean: float

    @property
    def half_width(self) -> float:
        """Half the distance of the ends, the figure after sacreBLEU's plus-minus sign."""
        return (self.high - self.low) / 2


def interval(metric: base.Metric, statistics: np.ndarray) -> Interval | None:
    """Returns the interval of a metric; None of fewer than two examples.

    Args:
      metric: whose `value` is taken.
      statistics: float [N, K], of `Metric.statistics`.
    """
    if len(statistics) < 2:
        return None
    return _middle(np.concatenate([metric.value(sums) for sums in _resampled(statistics)]))


def difference(metric: base.Metric, ours: np.ndarray, theirs: np.ndarray) -> Interval | None:
    """Returns the interval of our value less theirs; None of fewer than two examples.

    Args:
      metric: whose `value` is taken.
      ours: float [N, K], of `Metric.statistics`.
      theirs: the same of another model, for the same examples in the same order.

    Raises:
      ValueError: for numbers of examples that differ.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} examples cannot be paired with {len(theirs)}")
    if len(ours) < 2:
        return None
    pairs = zip(_resampled(ours), _resampled(theirs), strict=True)
    return _middle(
        np.concatenate([metric.value(own) - metric.value(other) for own, other in pairs])
    )


def _resampled(statistics: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the sums of resamples, float [R, K] of `RESAMPLES` in all, the same at every call."""
    generator = np.random.default_rng(SEED)
    count = len(statistics)
    left = RESAMPLES
    while left:
        rows = min(left, max(1, _CELLS // count))
        left -= rows
        # In parts the draws are the same as at once.
        drawn = generator.choice(count, size=(rows, count), replace=True)
        times = np.stack([np.bincount(row, minlength=count) for row in drawn])  # [R, N]
        yield times @ statistics


def _middle(values: np.ndarray) -> Interval | None:
    """Returns the interval of the values that are numbers, as sacreBLEU takes its ends."""
    ordered = np.sort(values[np.isfinite(values)])
    if not len(ordered):
        return None
    cut = len(ordered) // 40  # 2.5 % at each end
    low, high = ordered[cut], ordered[-cut - 1]
    return Interval(float(low), float(high), float(ordered.mean()))
