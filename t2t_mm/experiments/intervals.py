"""Means over seeds, their spread, and intervals of Student's t."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

_CONFIDENCE = 0.95


class Spread(NamedTuple):
    """Values over seeds.

    Attributes:
      mean: of them.
      sd: their standard deviation (with n - 1); NaN of one value.
      low, high: the 95 % interval of the mean; NaN of one value.
      size: n.
    """

    mean: float
    sd: float
    low: float
    high: float
    size: int


def spread(values: Sequence[float]) -> Spread:
    """Returns mean, standard deviation and interval of the mean: `mean -+ t sd / sqrt(n)`.

    Raises:
      ValueError: of no value.
    """
    if not values:
        raise ValueError("no values to take the mean of")
    mean = statistics.fmean(values)
    count = len(values)
    if count == 1:
        return Spread(mean, math.nan, math.nan, math.nan, 1)
    sd = statistics.stdev(values)
    half = t_quantile(count - 1) * sd / math.sqrt(count)
    return Spread(mean, sd, mean - half, mean + half, count)


def t_quantile(freedom: int) -> float:
    """Returns the t that holds 95 % of Student's distribution between -t and t.

    Args:
      freedom: degrees of freedom, 1 or more.
    """
    low, high = 0.0, 16.0  # 12.706 at one degree of freedom
    for _ in range(60):
        middle = (low + high) / 2
        if _within(middle, freedom) < _CONFIDENCE:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _within(t: float, freedom: int) -> float:
    """Returns P(|T| <= t): Abramowitz and Stegun 1964, 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    is_odd = freedom % 2
    term = cosine if is_odd else 1.0
    total = term if freedom > 1 else 0.0
    for n in range(2 + is_odd, freedom - 1, 2):
        term *= cosine**2 * (n - 1) / n
        total += term
    return 2 / math.pi * (angle + sine * total) if is_odd else sine * total
