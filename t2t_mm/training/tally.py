"""Running sums of a training, by problem, between two lines of the log."""

from __future__ import annotations

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
    sound_s: float = 0.0


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
        sound_s: float = 0.0,
    ) -> None:
        """Takes one step of a problem.

        Args:
          name: of the problem.
          metrics: of the step.
          seconds: that it took.
          examples: of its batch.
          sound_s: seconds of sound in it.
        """
        sums = self._sums[name]
        sums.metrics.append(metrics)
        sums.seconds += seconds
        sums.examples += examples
        sums.sound_s += sound_s
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
        for name, sums in self._sums.items():
            if not sums.metrics:
                continue
            mean = _means(sums.metrics)
            tokens = mean["tokens"] * len(sums.metrics)
            mean["share"] = len(sums.metrics) / taken
            mean["tokens_per_s"] = tokens / (sums.seconds * stretch)
            mean["examples_per_s"] = sums.examples / (sums.seconds * stretch)
            if sums.sound_s:
                mean["sound_seconds_per_s"] = sums.sound_s / (sums.seconds * stretch)
            means[name] = mean
            self.losses[name] = mean["loss"]
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
                rate, unit = _pace(task, mean)
                row = console.Row(
                    task.name,
                    loss=mean["loss"],
                    share=mean["share"],
                    rate=rate,
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


def _pace(task: tasks.Task, mean: Mapping[str, Any]) -> tuple[float, str]:
    """Returns the rate by which to follow a problem, and the unit of what is counted."""
    if "sound_seconds_per_s" in mean:
        return mean["sound_seconds_per_s"], "sound seconds"
    if task.targets.autoregressive:
        return mean["tokens_per_s"], "tokens"
    kinds = {modality.kind for modality in task.inputs.values()}
    return mean["examples_per_s"], "pictures" if kinds == {"image"} else "examples"
