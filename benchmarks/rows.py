"""Rows of the table: a figure of ours beside what it is compared with."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import statistics
from collections.abc import Iterable, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison.

    Args:
      benchmark: the module that measured.
      case: what was measured, in a few words.
      unit: of `ours` and `other`.
      ours: our figure, one for each round.
      other: the figure of the peer or floor, one for each round; none where a figure
        stands alone.
      versus: what `other` is.
      goal: what the ratio `ours / other` (or, alone, our figure) should be.
      at_least: whether `goal` is a lower bound; else an upper one.
      note: what must be known to read it.
      skipped: why there is nothing to show; everything else is empty then.
    """

    benchmark: str
    case: str
    unit: str = ""
    ours: tuple[float, ...] = ()
    other: tuple[float, ...] = ()
    versus: str = ""
    goal: float | None = None
    at_least: bool = True
    note: str = ""
    skipped: str = ""

    @property
    def our_median(self) -> float | None:
        """Our figure: the median of the rounds."""
        return statistics.median(self.ours) if self.ours else None

    @property
    def other_median(self) -> float | None:
        """The other's figure: the median of the rounds."""
        return statistics.median(self.other) if self.other else None

    @property
    def ratio(self) -> float | None:
        """Our median over the other's."""
        ours, other = self.our_median, self.other_median
        if ours is None or other is None or other == 0:
            return None
        return ours / other

    @property
    def spread(self) -> tuple[float, float] | None:
        """The least and greatest ratio of a round; None without two rounds of both."""
        pairs = [(a, b) for a, b in zip(self.ours, self.other, strict=False) if b]
        if len(pairs) < 2:
            return None
        ratios = [a / b for a, b in pairs]
        return min(ratios), max(ratios)

    @property
    def ratio_in_words(self) -> str:
        """The ratio, and its least and greatest where there are rounds: "1.01 (0.99-1.02)"."""
        spread = self.spread
        within = f" ({number(spread[0])}-{number(spread[1])})" if spread else ""
        return number(self.ratio) + within

    @property
    def is_reached(self) -> bool | None:
        """Whether the goal is met; None where there is no goal, or nothing was measured."""
        value = self.ratio if self.other else self.our_median
        if self.goal is None or value is None:
            return None
        return value >= self.goal if self.at_least else value <= self.goal

    def as_json(self) -> dict[str, Any]:
        """Returns the fields and what follows from them, as JSON values."""
        return {
            **dataclasses.asdict(self),
            "our_median": self.our_median,
            "other_median": self.other_median,
            "ratio": self.ratio,
            "spread": self.spread,
            "is_reached": self.is_reached,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Row:
        """Rebuilds a row from what `as_json` returned."""
        names = {field.name for field in dataclasses.fields(cls)}
        kept: dict[str, Any] = {name: value for name, value in values.items() if name in names}
        for name in ("ours", "other"):
            kept[name] = tuple(kept.get(name, ()))
        return cls(**kept)


def write(path: pathlib.Path, found: Iterable[Row]) -> None:
    """Writes rows, one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row.as_json())}\n" for row in found), encoding="utf-8")


def read(path: pathlib.Path) -> list[Row]:
    """Reads what `write` wrote; nothing where there is no file."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Row.from_json(json.loads(line)) for line in lines]


def markdown(found: Sequence[Row]) -> str:
    """Returns the table as Markdown, one line a row."""
    lines = [
        "| benchmark | case | ours | other | unit | against | ratio (rounds) | goal | reached |",
        "|---|---|---:|---:|---|---|---:|---:|---|",
    ]
    for row in found:
        if row.skipped:
            cells = [row.benchmark, row.case, "", "", "", f"not measured: {row.skipped}", "", ""]
            lines.append(f"| {' | '.join(cells)} | |")
            continue
        goal = "" if row.goal is None else f"{'>=' if row.at_least else '<='} {number(row.goal)}"
        case = f"{row.case} ({row.note})" if row.note else row.case
        reached = {None: "", True: "yes", False: "no"}[row.is_reached]
        cells = [
            row.benchmark,
            case,
            number(row.our_median),
            number(row.other_median),
            row.unit,
            row.versus,
            row.ratio_in_words,
            goal,
            reached,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    """Returns a figure with three digits that count, as people write it."""
    if value is None:
        return ""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}"
