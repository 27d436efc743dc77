"""Histograms: of lengths, for the terminal and as SVG."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Sequence
from typing import Any

_TAIL = 0.99
"""Values beyond this quantile share the last bin, if it would need many empty ones."""

_LEAST_BAR = 8

WIDTH, HEIGHT = 560, 200
_LEFT, _BOTTOM, _TOP = 48, 34, 14
_TICKS = 5
"""Lines across an SVG, at most; at round counts, so that 10,000 and more are whole thousands."""
_LABEL_SIGNS, _SIGN_WIDTH = 14, 6.2
"""Of a label under a bar: the most signs, and the mean width of one."""


@dataclasses.dataclass(frozen=True)
class Bin:
    """Values from `start` up to, not including, `stop` (None: no end).

    Where there are `decimals`, the numbers count the last of these places.
    """

    start: int
    stop: int | None
    count: int
    decimals: int = 0

    @property
    def label(self) -> str:
        start = _placed(self.start, self.decimals, group="")
        if self.stop is None:
            return f"{start}+"
        if self.stop == self.start + 1:
            return start
        return f"{start}-{_placed(self.stop - 1, self.decimals, group='')}"


@dataclasses.dataclass(frozen=True)
class Histogram:
    """Whole numbers, or numbers of few places, counted in bins of one round width.

    Attributes:
      unit: of the numbers, as in "tokens".
      decimals: places after the point; the numbers here count the last one, so that
        142 with 2 of them is 1.42.
      count: how many numbers.
      minimum, median, p95, maximum, mean: of them.
      bins: from the smallest on; empty bins in between are there.
    """

    unit: str
    decimals: int
    count: int
    minimum: int
    median: int
    p95: int
    maximum: int
    mean: float
    bins: tuple[Bin, ...]

    @classmethod
    def of(
        cls, values: Sequence[int], *, unit: str, decimals: int = 0, most_bins: int = 20
    ) -> Histogram:
        """Counts `values`, of which there is at least one."""
        ordered = sorted(values)
        last = len(ordered) - 1

        def quantile(share: float) -> int:
            return ordered[round(share * last)]

        low, high = ordered[0], ordered[-1]
        if high - quantile(_TAIL) > quantile(_TAIL) - low:
            high = quantile(_TAIL)
        width = _round_width((high - low + 1) / most_bins)
        start = low // width * width
        stops = list(range(start + width, high + width + 1, width)) or [start + width]
        counts = [0] * (len(stops) + 1)
        for value in ordered:
            counts[min((value - start) // width, len(stops))] += 1
        bins = [
            Bin(stop - width, stop, n, decimals) for stop, n in zip(stops, counts[:-1], strict=True)
        ]
        if counts[-1]:
            bins.append(Bin(stops[-1], None, counts[-1], decimals))
        elif bins[-1].count == 0 and len(bins) > 1:
            bins.pop()
        return cls(
            unit=unit,
            decimals=decimals,
            count=len(ordered),
            minimum=ordered[0],
            median=quantile(0.5),
            p95=quantile(0.95),
            maximum=ordered[-1],
            mean=sum(ordered) / len(ordered),
            bins=tuple(bins),
        )

    def describe(self) -> dict[str, Any]:
        """Returns the histogram as JSON values; a bin's `to` is the first value beyond it."""

        def number(value: int | None) -> float | None:
            return value / 10**self.decimals if self.decimals and value is not None else value

        return {
            "unit": self.unit,
            "examples": self.count,
            "min": number(self.minimum),
            "median": number(self.median),
            "p95": number(self.p95),
            "max": number(self.maximum),
            "mean": round(self.mean / 10**self.decimals, 3),
            "histogram": [
                {"from": number(b.start), "to": number(b.stop), "count": b.count} for b in self.bins
            ],
        }

    def summary(self) -> str:
        """Returns the numbers in a line."""
        low, high, median, p95 = (
            _placed(value, self.decimals)
            for value in (self.minimum, self.maximum, self.median, self.p95)
        )
        mean = f"{self.mean / 10**self.decimals:,.{self.decimals or 1}f}"
        return f"{low} to {high} {self.unit}, mean {mean}, median {median}, 95 % within {p95}"


def bars(counts: Sequence[tuple[str, int]], *, width: int = 40, columns: int = 0) -> list[str]:
    """Returns a line of text for each label and count, with a bar between them.

    Args:
      counts: of the labels, in the order shown.
      width: of the longest bar, in cells, at most.
      columns: for lines, if there is such a limit; only long labels go beyond it.
    """
    largest = max((count for _, count in counts), default=0) or 1
    labels = max((len(label) for label, _ in counts), default=0)
    if columns:
        width = max(_LEAST_BAR, min(width, columns - labels - len(f"{largest:,}") - 2))
    lines = []
    for label, count in counts:
        eighths = round(count / largest * width * 8)
        bar = "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")
        lines.append(f"{label:>{labels}} {bar or ('▏' if count else '')} {count:,}")
    return lines


def svg(counts: Sequence[tuple[str, int]], *, title: str) -> str:
    """Returns an SVG of upright bars, one for each label and count.

    Its colours are the page's: CSS gives `.bar`, `.axis` and text their own. Labels that would
    run into each other are left out, and stand in the titles of their bars alone.
    """
    largest = max((count for _, count in counts), default=0) or 1
    plot_width, plot_height = WIDTH - _LEFT - 8, HEIGHT - _BOTTOM - _TOP
    step = plot_width / max(len(counts), 1)
    floor = _TOP + plot_height
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">',
        f"<title>{html.escape(title)}</title>",
    ]
    every = _round_width(largest / _TICKS)
    for tick in range(every, largest + 1, every):
        y = floor - tick / largest * plot_height
        parts.append(
            f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">')
        parts.append(f"{_short(tick)}</text>")
    labels = [_clip(label, _LABEL_SIGNS) for label, _ in counts]
    widest = _SIGN_WIDTH * (1 + max(map(len, labels), default=0))
    every = max(1, math.ceil(len(counts) / 10), math.ceil(widest / step))
    for place, (label, count) in enumerate(counts):
        x, height = _LEFT + place * step, count / largest * plot_height
        parts.append(
            f'<rect class="bar" x="{x + step * 0.06:.1f}" y="{floor - height:.1f}" '
            f'width="{step * 0.88:.1f}" height="{height:.1f}" rx="1.5">'
            f"<title>{html.escape(label)}: {count:,}</title></rect>"
        )
        if place % every == 0:
            parts.append(f'<text x="{x + step / 2:.1f}" y="{floor + 16}" text-anchor="middle">')
            parts.append(f"{html.escape(labels[place])}</text>")
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - 8}" y1="{floor}" y2="{floor}"/>')
    return "".join([*parts, "</svg>"])


def _round_width(width: float) -> int:
    """Returns the least of 1, 2, 5, 10, 20, ... that is `width` or more."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= width:
                return factor * power
        power *= 10


def _placed(value: int, decimals: int, *, group: str = ",") -> str:
    return f"{value / 10**decimals:{group}.{decimals}f}"


def _short(tick: int) -> str:
    return f"{tick // 1000:,}k" if tick >= 10_000 else f"{tick:,}"


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
