"""Selection of the best checkpoint, and early stopping."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import errors, registry
from t2t_mm.data import task as tasks
from t2t_mm.evaluation import of_task
from t2t_mm.settings import training

Results = Mapping[str, Mapping[str, float]]
MEAN = "log_perplexity"


@dataclasses.dataclass
class Selection:
    """Tracks one metric over the evaluations of a run.

    Args:
      problem: whose metric; empty for the mean log-perplexity over problems.
      metric: its name.
      higher_is_better: the direction.
      patience: evaluations without a better value before training ends; 0 for never.
      every: steps between the evaluations that patience counts; 0 counts any. One of the same
        step again, or off that beat (where a call ended), may be the best but is not waited for.
    """

    problem: str
    metric: str
    higher_is_better: bool
    patience: int
    every: int = 0
    best_value: float | None = None
    best_step: int = 0
    waited: int = 0
    seen_step: int = 0

    @classmethod
    def make(cls, settings: training.TrainSettings, tasks: Sequence[tasks.Task]) -> Selection:
        """Reads `TrainSettings.best_metric`.

        Raises:
          ConfigError: it names a problem or metric that this run does not have.
        """
        if not settings.best_metric:
            return cls("", MEAN, False, settings.patience, settings.eval_every)
        problem, _, metric = settings.best_metric.partition("/")
        known = {task.name: task for task in tasks}
        if problem not in known:
            raise errors.ConfigError(
                f"TrainSettings.best_metric names {problem!r}, which is not trained",
                expected=f"one of {', '.join(known)}",
                hint=errors.did_you_mean(problem, known),
            )
        own = of_task.names(known[problem])
        if metric not in own:
            raise errors.ConfigError(
                f"TrainSettings.best_metric names {metric!r}, which {problem} does not have",
                expected=f"one of {', '.join(own)}",
                hint=errors.did_you_mean(metric, own),
            )
        higher = bool(registry.metrics.get(metric).higher_is_better)
        return cls(problem, metric, higher, settings.patience, settings.eval_every)

    @property
    def is_over(self) -> bool:
        """Has the metric not become better for as long as was allowed?"""
        return bool(self.patience) and self.waited >= self.patience

    def see(self, step: int, results: Results) -> bool:
        """Takes an evaluation; returns whether it is the best so far."""
        if self.problem:
            value = results[self.problem][self.metric]
        else:
            value = sum(r[self.metric] for r in results.values()) / len(results)
        is_again, self.seen_step = step <= self.seen_step, max(step, self.seen_step)
        if math.isfinite(value) and self._is_better(value):
            self.best_value, self.best_step, self.waited = value, step, 0
            return True
        if not is_again and (self.every == 0 or step % self.every == 0):
            self.waited += 1
        return False

    def ending(self) -> str:
        """Returns why patience has ended a training, and what would go on with it."""
        of = f"{self.metric} of {self.problem}" if self.problem else f"mean {self.metric}"
        best = "no finite value yet"
        if self.best_value is not None:
            best = f"best {self.best_value:.4g} at step {self.best_step}"
        return (
            f"Ended early: no better {of} in {self.waited} evaluations ({best}); a larger "
            "TrainSettings.patience, or 0, goes on."
        )

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps; `why` puts it into words."""
        return {
            "of": f"{self.problem}/{self.metric}",
            "value": self.best_value,
            "step": self.best_step,
            "waited": self.waited,
            "seen": self.seen_step,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state` gave; values of another metric say nothing of this one."""
        if state["of"] != f"{self.problem}/{self.metric}":
            return
        self.best_value, self.best_step = state["value"], state["step"]
        self.waited = state["waited"]
        self.seen_step = state.get("seen", 0)  # checkpoints of before did not say

    def _is_better(self, value: float) -> bool:
        if self.best_value is None:
            return True
        return value > self.best_value if self.higher_is_better else value < self.best_value
