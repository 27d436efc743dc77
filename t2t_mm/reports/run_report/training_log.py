"""The log of a training, read for a report: bounded in memory, whatever its length.

Of each series (a split of a problem) some hundred lines are kept, evenly spread, and sums are
made over all lines. Unlike a training that goes on, a report leaves out lines that are damaged,
and tells how many.
"""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from t2t_mm.runs import metrics_log

KEPT = 600
"""Lines of a series, at most twice as many."""

_LONGEST_LINE = 2**22


class Points(NamedTuple):
    """A course of one figure: steps and values, float [N] each."""

    steps: np.ndarray
    values: np.ndarray


@dataclasses.dataclass
class Series:
    """Lines of one split of one problem: every line, or evenly spread ones.

    Attributes:
      every: of how many lines one is kept.
      lines: how many there were.
    """

    every: int = 1
    lines: int = 0
    _kept: list[tuple[int, dict[str, Any]]] = dataclasses.field(default_factory=list)
    _last: tuple[int, dict[str, Any]] | None = None

    def add(self, step: int, metrics: dict[str, Any]) -> None:
        """Takes a line."""
        self._last = (step, metrics)
        if self.lines % self.every == 0:
            self._kept.append(self._last)
        self.lines += 1
        if len(self._kept) > 2 * KEPT:
            self._kept = self._kept[::2]
            self.every *= 2

    def kept(self) -> list[tuple[int, dict[str, Any]]]:
        """Returns the lines that are kept, the last one among them: steps and metrics."""
        if self._last is None or self._kept[-1] is self._last:
            return self._kept
        return [*self._kept, self._last]

    def points(self, name: str) -> Points:
        """Returns the course of a figure, where it is a finite number."""
        found = [(s, v) for s, metrics in self.kept() if _is_number(v := metrics.get(name))]
        return Points(*np.array(found, np.float64).reshape(-1, 2).T)

    def last(self, name: str) -> Any:
        """Returns the last value of a figure; None without one."""
        return next((m[name] for _, m in reversed(self.kept()) if name in m), None)


@dataclasses.dataclass
class Totals:
    """Sums over all lines of training of one problem."""

    steps: float = 0
    examples: float = 0


class TrainingLog:
    """What `metrics.jsonl` holds.

    Attributes:
      series: by split and problem; the problem "" is the run as a whole.
      totals: by problem.
      damaged: the numbers of the first lines that could not be read.
      damaged_lines: how many there are.
      active_s: seconds in steps, without evaluations.
      last_step: of all lines.
    """

    def __init__(self) -> None:
        self.series: dict[tuple[str, str], Series] = {}
        self.totals: dict[str, Totals] = {}
        self.damaged: list[int] = []
        self.damaged_lines = 0
        self.active_s = 0.0
        self.last_step = 0
        self._window = (0, 0)  # the steps of the last line of training and of the one before

    @classmethod
    def read(cls, path: pathlib.Path) -> TrainingLog:
        """Reads a log; one that is not there is empty, and a torn last line is no damage."""
        log = cls()
        if not path.is_file():
            return log
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if not log._take(line) and line.endswith(b"\n"):
                    log.damaged_lines += 1
                    log.damaged = [*log.damaged, number][:5]
        return log

    def of(self, split: str, problem: str) -> Series:
        """Returns a series, which is empty where nothing was logged."""
        return self.series.get((split, problem), Series())

    def evaluated_splits(self, problem: str) -> list[str]:
        """Returns the splits that a problem was evaluated on while it was trained."""
        return [s for s, own in self.series if own == problem and s != metrics_log.TRAINING]

    def _take(self, line: bytes) -> bool:
        """Takes a line, and returns whether it is one of the log."""
        try:
            entry = json.loads(line)
            step, split, problem = entry["step"], entry["split"], entry["problem"]
            metrics = entry["metrics"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        kinds = ((step, int), (split, str), (problem, str), (metrics, dict))
        if not all(isinstance(value, kind) for value, kind in kinds):
            return False
        self.last_step = max(self.last_step, step)
        if split == metrics_log.TRAINING:
            self._count(step, problem, metrics)
        self.series.setdefault((split, problem), Series()).add(step, metrics)
        return True

    def _count(self, step: int, problem: str, metrics: dict[str, Any]) -> None:
        if step != self._window[0]:
            self._window = (step, self._window[0])
        taken = max(0, self._window[0] - self._window[1])
        if not problem:
            pace = metrics.get("steps_per_s")
            if _is_number(pace) and pace > 0:
                self.active_s += taken / pace
            return
        total = self.totals.setdefault(problem, Totals())
        share = metrics.get("share")
        # Logs of before have no counts, but shares.
        steps: Any = metrics.get("steps", share * taken if _is_number(share) else 0)
        total.steps += steps if _is_number(steps) else 0
        examples = metrics.get("examples")
        total.examples += examples if _is_number(examples) else math.nan
        metrics["cumulative_steps"] = total.steps


def _is_number(value: Any) -> TypeGuard[float]:
    is_plain = isinstance(value, int | float) and not isinstance(value, bool)
    return is_plain and math.isfinite(value)
