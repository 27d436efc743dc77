"""What a run's kept decodes are worth: values with intervals, breakdowns, baselines."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from t2t_mm import errors, registry
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import base, baselines, bootstrap, breakdown, of_task
from t2t_mm.reports.run_report import kept_decodes


@dataclasses.dataclass(frozen=True)
class Value:
    """A metric of one problem.

    Attributes:
      metric: that gives it; None of a further value, such as the recall beside F1.
      value: of all examples.
      interval: by the bootstrap; None where the metric has no statistics.
      statistics: float [N, K], of each example; see `Metric.statistics`.
    """

    value: float
    metric: base.Metric | None = None
    interval: bootstrap.Interval | None = None
    statistics: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Measured:
    """The metrics of one problem.

    Attributes:
      kept: the decodes that they are of.
      values: by name, the main metric first.
      notes: needed to compare the values, by metric.
      breakdowns: of all metrics.
      baseline: None where there is none, or no data.
      failed: metrics that could not be computed, and why.
    """

    kept: kept_decodes.KeptDecodes
    values: dict[str, Value]
    notes: dict[str, str]
    breakdowns: list[breakdown.Breakdown]
    baseline: baselines.Baseline | None
    failed: dict[str, str]

    @property
    def main(self) -> tuple[str, Value] | None:
        """The first metric of which each example has a value, and its name."""
        for name, value in self.values.items():
            if value.metric is not None and value.statistics is not None:
                return name, value
        return None


def measure(task: task_lib.Task, kept: kept_decodes.KeptDecodes) -> Measured:
    """Computes the metrics of kept decodes, with intervals and breakdowns.

    Args:
      task: the problem.
      kept: its decodes.
    """
    values: dict[str, Value] = {}
    notes: dict[str, str] = {}
    tables: list[breakdown.Breakdown] = []
    failed: dict[str, str] = {}
    for name in of_task.names(task):
        try:
            metric: base.Metric = registry.metrics.get(name)(task)
            statistics = metric.statistics(kept.decodes)
            if metric.needs == "decodes":
                metric.update(kept.decodes)
                results = metric.result()
                notes |= metric.notes()
            elif statistics is not None:
                results = {metric.name: float(metric.value(statistics.sum(0)))}
            else:
                continue  # an evaluation alone can tell it
            for own, result in results.items():
                values[own] = Value(float(result))
            if statistics is not None and metric.name in values:
                interval = bootstrap.interval(metric, statistics)
                value = values[metric.name].value
                values[metric.name] = Value(value, metric, interval, statistics)
            tables += metric.breakdowns(kept.decodes)
        except errors.UserError as error:
            failed[name] = str(error)
    return Measured(kept, values, notes, tables, _baseline(task, kept.split), failed)


def difference(ours: Measured, theirs: Measured, name: str) -> tuple[float, Any] | None:
    """Returns our value less theirs, and its interval over the examples that both have.

    Args:
      ours: of one run.
      theirs: of another one.
      name: of a metric.

    Returns:
      None where they cannot be paired: other splits, no examples in common, no statistics.
    """
    own, other = ours.values.get(name), theirs.values.get(name)
    if own is None or other is None or ours.kept.split != theirs.kept.split:
        return None
    if own.metric is None or own.statistics is None or other.statistics is None:
        return None
    rows, other_rows = ours.kept.rows(), theirs.kept.rows()
    common = [key for key in rows if key in other_rows]
    if not common:
        return None
    mine = own.statistics[[rows[key] for key in common]]
    its = other.statistics[[other_rows[key] for key in common]]
    found = bootstrap.difference(own.metric, mine, its)
    value = float(own.metric.value(mine.sum(0)) - own.metric.value(its.sum(0)))
    return value, found


def _baseline(task: task_lib.Task, split: str) -> baselines.Baseline | None:
    if not task.has_data():
        return None
    try:
        return baselines.measure(task, split)
    except errors.UserError:
        return None  # records of another kind, or damaged: the report is of the run
