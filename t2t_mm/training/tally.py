"""Running sums of a training, by problem, between two lines of the log."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.data import task as tasks
from t2t_mm.training import console


@dataclasses.dataclass
class _Sums:
    metrics: list[Mapping[str, tf.Tensor]] = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    examples: int = 0
    amounts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)


class Tally:
    """Gathers the metrics of steps and gives means and rates.

    Args:
      tasks: the problems trained.
      steps: how many steps each has had so far, by name.
    """

    def __init__(self, tasks: Sequence[tasks.Task], steps: Mapping[str, int]) -> None:
        self.tasks = tasks
        self.steps = {task.name: int(steps.get(task.name, 0)) for task in tasks}
        self.losses: dict[str, float] = {}
        self.evaluated: dict[str, tuple[str, float]] = {}
        self._shown: dict[str, console.Row] = {}
        # By what the pace of each is told: its first input of a unit of its own, or its targets.
        self._units: dict[str, str] = {}
        self._sums = {task.name: _Sums() for task in tasks}
        self._start = time.perf_counter()
        self._paused_s = 0.0

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the time within the block out of the rates: an evaluation, a checkpoint."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._paused_s += time.perf_counter() - begin

    def add(
        self,
        name: str,
        metrics: Mapping[str, tf.Tensor],
        *,
        seconds: float,
        examples: int,
        amounts: Mapping[str, float],
    ) -> None:
        """Takes one step of a problem.

        Args:
          name: of the problem.
          metrics: of the step.
          seconds: that it took.
          examples: of its batch.
          amounts: what its inputs hold, by unit.
        """
        sums = self._sums[name]
        sums.metrics.append(metrics)
        sums.seconds += seconds
        sums.examples += examples
        sums.amounts.update(amounts)
        self.steps[name] += 1

    def flush(self) -> tuple[dict[str, dict[str, Any]], float]:
        """Returns the means by problem since the last call, and the steps a second.

        Problems without a step since then are left out.
        """
        means: dict[str, dict[str, Any]] = {}
        taken = sum(len(sums.metrics) for sums in self._sums.values())
        elapsed = time.perf_counter() - self._start - self._paused_s
        # On a device that works behind our back, a step's own time is that of giving it
        # the work; so problems share the whole time in proportion.
        stretch = elapsed / max(sum(sums.seconds for sums in self._sums.values()), 1e-9)
        for task in self.tasks:
            sums = self._sums[task.name]
            if not sums.metrics:
                continue
            mean = _means(sums.metrics)
            mean["share"] = len(sums.metrics) / taken
            amounts = {"examples": sums.examples, **sums.amounts}
            if task.targets.unit:
                amounts[task.targets.unit] = mean["tokens"] * len(sums.metrics)
            for unit, amount in amounts.items():
                mean[_rate_name(unit)] = amount / (sums.seconds * stretch)
            means[task.name] = mean
            self.losses[task.name] = mean["loss"]
            self._units[task.name] = next(iter(sums.amounts), task.targets.unit or "examples")
        self._sums = {task.name: _Sums() for task in self.tasks}
        self._start, self._paused_s = time.perf_counter(), 0.0
        return means, taken / elapsed if taken else 0.0

    def rows(self, means: Mapping[str, Mapping[str, Any]]) -> list[console.Row]:
        """Returns the table's rows; a problem without new means keeps its last ones."""
        for task in self.tasks:
            mean = means.get(task.name)
            before = self._shown.get(task.name, console.Row(task.name))
            if mean is None:
                row = dataclasses.replace(before, share=0.0)
            else:
                unit = self._units[task.name]
                row = console.Row(
                    task.name,
                    loss=mean["loss"],
                    share=mean["share"],
                    rate=mean[_rate_name(unit)],
                    unit=unit,
                    expert_load=max(mean.get("expert_load", [()]), key=_peak),
                )
            metric = self.evaluated.get(task.name)
            self._shown[task.name] = dataclasses.replace(row, metric=metric)
        return list(self._shown.values())


def _means(metrics: Sequence[Mapping[str, tf.Tensor]]) -> dict[str, Any]:
    """Returns mean values; the experts' load as shares of all positions."""
    means: dict[str, Any] = {}
    for name in metrics[0]:
        stacked = np.stack([np.asarray(step[name]) for step in metrics])
        mean = stacked.mean(0)
        if mean.ndim:  # [layers, E]: shares of a layer's positions
            means[name] = (mean / np.maximum(mean.sum(-1, keepdims=True), 1.0)).tolist()
        else:
            means[name] = float(mean)
    return means


def _peak(load: Sequence[float]) -> float:
    return max(load, default=0.0)


def _rate_name(unit: str) -> str:
    """Returns the name of a rate in the log: "sound_seconds_per_s"."""
    return f"{unit.replace(' ', '_')}_per_s"
