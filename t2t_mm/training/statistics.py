"""Running statistics of a training, by problem, between lines of the log. No TensorFlow."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from t2t_mm.data import task as tasks
from t2t_mm.training import console


@dataclasses.dataclass
class _Sums:
    """Of one problem: sums of its metrics in float64, which JSON keeps bit for bit."""

    steps: int = 0
    metrics: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    examples: int = 0
    amounts: dict[str, float] = dataclasses.field(default_factory=dict)
    lengths: dict[str, int] = dataclasses.field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Returns the sums as JSON values."""
        metrics = {name: value.tolist() for name, value in self.metrics.items()}
        return {**vars(self), "metrics": metrics}

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> _Sums:
        """Returns what `describe` gave."""
        metrics = {n: np.asarray(v, np.float64) for n, v in described["metrics"].items()}
        return cls(**{**described, "metrics": metrics})

    def means(self) -> dict[str, Any]:
        """Returns mean values; the experts' load as shares of all positions."""
        means: dict[str, Any] = {}
        for name, value in self.metrics.items():
            mean = value / self.steps
            if mean.ndim:  # [layers, E]: shares of a layer's positions
                means[name] = (mean / np.maximum(mean.sum(-1, keepdims=True), 1.0)).tolist()
            else:
                means[name] = float(mean)
        return means


class RunningStatistics:
    """Accumulates the metrics of steps, and computes means and throughput.

    Its `state` is saved in checkpoints, so that a line of the log is the same, except for
    times, whether the training was interrupted or not.

    Args:
      tasks: the problems trained.
      steps: how many steps each has had so far, by name.
    """

    def __init__(self, tasks: Sequence[tasks.Task], steps: Mapping[str, int]) -> None:
        self.tasks = tasks
        self.steps = {task.name: int(steps.get(task.name, 0)) for task in tasks}
        self.losses: dict[str, float] = {}
        self.evaluated: dict[str, tuple[str, float]] = {}
        self._shown: dict[str, console.ProblemRow] = {}
        # By what the pace of each is told: its first input of a unit of its own, or its targets.
        self._units: dict[str, str] = {}
        self._sums = {task.name: _Sums() for task in tasks}
        self._taken = 0
        self._begin = time.perf_counter()
        self._paused_s = 0.0
        self._pause_begin = 0.0
        self._pauses = 0  # one within the other: an evaluation saves a checkpoint
        self._window_begin_s = 0.0

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the time within the block out of the throughput: an evaluation, a checkpoint.

        A pause within a pause is a part of it.
        """
        if not self._pauses:
            self._pause_begin = time.perf_counter()
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            if not self._pauses:
                self._paused_s += time.perf_counter() - self._pause_begin

    @property
    def active_s(self) -> float:
        """The seconds since this was made, pauses left out."""
        now = self._pause_begin if self._pauses else time.perf_counter()
        return now - self._begin - self._paused_s

    def add(
        self,
        name: str,
        metrics: Mapping[str, Any],
        *,
        seconds: float,
        examples: int,
        amounts: Mapping[str, float],
        lengths: Mapping[str, int] | None = None,
        is_first: bool = True,
    ) -> None:
        """Takes one step of a problem.

        Args:
          name: of the problem.
          metrics: of the step: numbers, or arrays of equal shape at every step.
          seconds: that it took.
          examples: of its batch.
          amounts: what its inputs hold, by unit.
          lengths: how many examples were too long, by the name of that count in the log.
          is_first: of the problems that the step trained; the others are parts of the same step.
        """
        self._taken += is_first
        sums = self._sums[name]
        sums.steps += 1
        for metric, value in metrics.items():
            sums.metrics[metric] = sums.metrics.get(metric, 0.0) + np.asarray(value, np.float64)
        sums.seconds += seconds
        sums.examples += examples
        for unit, amount in amounts.items():
            sums.amounts[unit] = sums.amounts.get(unit, 0.0) + amount
        for count, number in (lengths or {}).items():
            sums.lengths[count] = sums.lengths.get(count, 0) + number
        self.steps[name] += 1

    def skip(self, name: str) -> None:
        """Takes a step that a problem had, and that was left out."""
        self.steps[name] += 1

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps: the sums since the last line of the log."""
        return {
            "elapsed_s": self.active_s - self._window_begin_s,
            "losses": self.losses,
            "taken": self._taken,
            "sums": {name: sums.describe() for name, sums in self._sums.items() if sums.steps},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave, in this process or another."""
        self.losses = dict(state["losses"])
        self._sums = {task.name: _Sums() for task in self.tasks}
        self._sums |= {name: _Sums.of(held) for name, held in state["sums"].items()}
        # Checkpoints of before did not say: a step trained one problem.
        self._taken = state.get("taken", sum(sums.steps for sums in self._sums.values()))
        self._window_begin_s = self.active_s - state["elapsed_s"]

    def flush(self) -> tuple[dict[str, dict[str, Any]], float]:
        """Returns what `means` does, and begins new sums."""
        means = self.means()
        self._sums = {task.name: _Sums() for task in self.tasks}
        self._taken = 0
        self._window_begin_s = self.active_s
        return means

    def means(self) -> tuple[dict[str, dict[str, Any]], float]:
        """Returns the means by problem since the last `flush`, and the steps a second.

        Problems without a step since then are left out.
        """
        means: dict[str, dict[str, Any]] = {}
        taken = self._taken
        elapsed = max(self.active_s - self._window_begin_s, 1e-9)
        # On a device that executes asynchronously, a step's own time is that of giving it
        # the work; so problems share the whole time in proportion.
        stretch = elapsed / max(sum(sums.seconds for sums in self._sums.values()), 1e-9)
        for task in self.tasks:
            sums = self._sums[task.name]
            if not sums.steps:
                continue
            mean = sums.means()
            mean["share"] = sums.steps / taken
            mean |= {"steps": sums.steps, "examples": sums.examples}
            mean.update(sums.lengths)
            amounts = {"examples": sums.examples, **sums.amounts}
            if task.targets.unit:
                amounts[task.targets.unit] = mean["tokens"] * sums.steps
            for unit, amount in amounts.items():
                mean[_throughput_name(unit)] = amount / max(sums.seconds * stretch, 1e-9)
            means[task.name] = mean
            self.losses[task.name] = mean["loss"]
            self._units[task.name] = next(iter(sums.amounts), task.targets.unit or "examples")
        return means, taken / elapsed if taken else 0.0

    def rows(self, means: Mapping[str, Mapping[str, Any]]) -> list[console.ProblemRow]:
        """Returns the table's rows; a problem without new means keeps its last ones.

        Where there are none at all, as at the end, it keeps its last share too.
        """
        for task in self.tasks:
            mean = means.get(task.name)
            unseen = console.ProblemRow(task.name, loss=self.losses.get(task.name))
            before = self._shown.get(task.name, unseen)
            if mean is None:
                row = dataclasses.replace(before, share=0.0 if means else before.share)
            else:
                unit = self._units[task.name]
                row = console.ProblemRow(
                    task.name,
                    loss=mean["loss"],
                    share=mean["share"],
                    throughput=mean[_throughput_name(unit)],
                    unit=unit,
                    expert_load=max(mean.get("expert_load", [()]), key=_peak),
                )
            metric = self.evaluated.get(task.name)
            self._shown[task.name] = dataclasses.replace(row, metric=metric)
        return list(self._shown.values())


def _peak(load: Sequence[float]) -> float:
    return max(load, default=0.0)


def _throughput_name(unit: str) -> str:
    """Returns the name of a throughput in the log: "sound_seconds_per_s"."""
    return f"{unit.replace(' ', '_')}_per_s"
