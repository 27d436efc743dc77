"""Intervals over examples: of the decoded outputs that the runs keep."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from t2t_mm import errors, registry
from t2t_mm.evaluation import base, bootstrap, evaluate, of_task
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import plan
from t2t_mm.reports.run_report import kept_decodes
from t2t_mm.runs import opened_run


class Counted(NamedTuple):
    """What each example adds to a metric, see `Metric.statistics`.

    Attributes:
      metric: whose it is.
      keys: of the examples.
      statistics: float [N, K].
    """

    metric: base.Metric
    keys: Sequence[str]
    statistics: np.ndarray


class Examples:
    """The examples of an experiment's runs, read as they are asked for.

    Args:
      folder: of the experiment.
      split: that was measured; empty for that of evaluation.

    Attributes:
      notes: what could not be read, and why.
    """

    def __init__(self, folder: folder_lib.ExperimentFolder, split: str = "") -> None:
        self.notes: list[str] = []
        self._folder = folder
        self._split = split
        self._opened = functools.lru_cache(maxsize=64)(self._open)
        self._counted = functools.lru_cache(maxsize=4096)(self._count)

    def difference(
        self,
        ours: Sequence[plan.PlannedRun],
        theirs: Sequence[plan.PlannedRun],
        problem: str,
        metric: str,
    ) -> bootstrap.Interval | None:
        """Returns the interval of our metric less theirs, over examples.

        What an example adds is summed over seeds first, so that the interval tells how far the
        mean over these seeds would differ on other examples.

        Args:
          ours: a run of each seed.
          theirs: the same seeds.
          problem: that both were trained on.
          metric: its name.

        Returns:
          None where a metric is no function of sums, or runs keep no decodes of common examples.
        """
        mine = [self._counted(run, problem).get(metric) for run in ours]
        its = [self._counted(run, problem).get(metric) for run in theirs]
        every = [found for found in (*mine, *its) if found is not None]
        if not every or len(every) < len(mine) + len(its):
            return None
        others = [set(found.keys) for found in every[1:]]
        common = [key for key in every[0].keys if all(key in keys for keys in others)]
        if not common:
            return None
        sums = [_sum(every[: len(mine)], common), _sum(every[len(mine) :], common)]
        return bootstrap.difference(every[0].metric, *sums)

    def _count(self, run: plan.PlannedRun, problem: str) -> dict[str, Counted]:
        try:
            opened = self._opened(run)
            task = opened.task(problem)
            # Another split or checkpoint may have been measured by hand since.
            split, step = self._split or evaluate.eval_split(task), self._folder.outcome(run).step
            kept = kept_decodes.find(opened.folder, task, split, step=step)
        except errors.UserError as error:
            self.notes.append(f"{run.key} keeps no examples of {problem} that can be read: {error}")
            return {}
        if kept is None:
            return {}
        keys = [kept.key(row) for row in range(len(kept))]
        found = {}
        for name in of_task.names(task):
            metric: base.Metric = registry.metrics.get(name)(task)
            statistics = metric.statistics(kept.decodes)
            if statistics is not None:
                found[metric.name] = Counted(metric, keys, statistics)
        return found

    def _open(self, run: plan.PlannedRun) -> opened_run.OpenedRun:
        return opened_run.open_run(self._folder.run(run))


def _sum(found: Sequence[Counted], keys: Sequence[str]) -> np.ndarray:
    """Returns the statistics of examples, summed over seeds: [N, K]."""
    parts = []
    for own in found:
        rows = {key: row for row, key in enumerate(own.keys)}
        parts.append(own.statistics[[rows[key] for key in keys]])
    return np.sum(parts, axis=0)
