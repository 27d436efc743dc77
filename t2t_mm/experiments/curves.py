"""Learning curves: the evaluations of a run while it trains, and their gain over another run's."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from t2t_mm.experiments import tables
from t2t_mm.reports.run_report import training_log
from t2t_mm.runs import run_folder

Curve = dict[int, dict[str, dict[str, float]]]
"""Values by step, problem and metric."""


def read(folder: run_folder.RunFolder, problems: Sequence[str]) -> Curve:
    """Returns the evaluations of a run, as far as it has come."""
    log = training_log.TrainingLog.read(folder.metrics_path)
    curve: Curve = {}
    for problem in problems:
        for split in log.evaluated_splits(problem):
            for step, metrics in log.of(split, problem).kept():
                numbers = {n: float(v) for n, v in metrics.items() if isinstance(v, int | float)}
                curve.setdefault(step, {})[problem] = numbers
    return curve


def gain(
    ours: dict[str, dict[str, float]], base: dict[str, dict[str, float]], metric: str
) -> float | None:
    """Returns the mean over problems of the relative gain in a metric; None if one lacks it.

    The gain is (value - base) / |base|, and its negative where lower values are better.

    Args:
      ours: values by problem and metric.
      base: the same of the run that is gained over.
      metric: its name.
    """
    gains = []
    for problem, values in base.items():
        value, before = ours.get(problem, {}).get(metric), values.get(metric)
        if value is None or before is None or not before or not math.isfinite(value + before):
            return None
        sign = 1 if tables.is_better_up(metric) else -1
        gains.append(sign * (value - before) / abs(before))
    return statistics.fmean(gains) if gains else None
