"""The outcomes of an experiment's runs, by problem and kind of run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import plan


class Results:
    """The outcomes of runs that are done, by what the tables call them.

    Args:
      folder: of the experiment.
      runs: of the plan.
    """

    def __init__(
        self, folder: folder_lib.ExperimentFolder, runs: Sequence[plan.PlannedRun]
    ) -> None:
        self.runs = list(runs)
        self.outcomes = {run.key: folder.outcome(run) for run in runs}
        self.done: dict[tuple[str, str], dict[int, plan.PlannedRun]] = {}
        for run in runs:
            if self.outcomes[run.key].status == "done":
                for problem in run.problems:
                    self.done.setdefault((problem, plan.arm(run, problem)), {})[run.seed] = run

    @property
    def problems(self) -> list[str]:
        """All problems of the plan."""
        return list(dict.fromkeys(name for run in self.runs for name in run.problems))

    def arms(self, problem: str) -> list[str]:
        """Returns what a problem has results of."""
        return [name for own, name in self.done if own == problem]

    def metrics(self, problem: str) -> list[str]:
        """Returns the metrics of a problem, the main one first."""
        found = [self.outcomes[run.key].results.get(problem, {}) for run in self._of(problem)]
        return list(dict.fromkeys(name for own in found for name in own))

    def values(self, problem: str, arm: str, metric: str) -> dict[int, float]:
        """Returns the values of a metric by seed."""
        found = {
            seed: self.outcomes[run.key].value(problem, metric)
            for seed, run in self.done.get((problem, arm), {}).items()
        }
        return {seed: value for seed, value in sorted(found.items()) if value is not None}

    def mean(self, problem: str, arm: str, what: str) -> float:
        """Returns the mean over seeds of `step`, `seconds`, or the problem's steps or examples."""
        values = []
        for run in self.done.get((problem, arm), {}).values():
            value = getattr(self.outcomes[run.key], what)
            values.append(value.get(problem, math.nan) if isinstance(value, dict) else value)
        return statistics.fmean(values) if values else math.nan

    def _of(self, problem: str) -> list[plan.PlannedRun]:
        return [
            run for (own, _), runs in self.done.items() if own == problem for run in runs.values()
        ]
