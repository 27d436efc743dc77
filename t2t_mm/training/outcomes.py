"""Reads the results of steps from the device: statistics, divergence, skipped steps."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.runs import run_folder
from t2t_mm.training import (
    advice,
    console,
    crash,
    divergence,
    finite,
    session,
    statistics,
    step,
    strategy,
    taken,
)

_READ_EVERY = 16
"""Steps whose results may be unread, on a device that executes asynchronously."""


class Outcomes:
    """Reads what steps gave, in their order, and does what their numbers ask for.

    Args:
      made: the training.
      screen: gets warnings.
      vote: by which workers wait for each other.
    """

    def __init__(self, made: session.Session, screen: console.Console, vote: strategy.Vote) -> None:
        self.statistics = statistics.RunningStatistics(made.tasks, {})
        self.left_out = finite.Counts(made.not_finite)
        advise = functools.partial(
            advice.lower_rate,
            made.optimizer_settings,
            has_schedule=made.optimizer.schedule is not None,
        )
        self._divergence = divergence.Divergence(made.tasks, advise)
        looks = made.mixture.schedule.looks_every()
        self._progress = made.mixture.progress if looks else None
        self._made, self._screen, self._vote = made, screen, vote
        self._unread: list[taken.Taken] = []
        # Reading a number of an asynchronous device waits for all its work.
        self._read_every = _READ_EVERY if tf.config.list_physical_devices("GPU") else 1

    def add(self, done: taken.Taken) -> None:
        """Takes a step, to be read later."""
        self._unread.append(done)

    @property
    def are_due(self) -> bool:
        """Are as many steps unread as may be?"""
        return len(self._unread) >= self._read_every

    def read(self, folder: run_folder.RunFolder) -> bool:
        """Reads all steps that are unread.

        Args:
          folder: of the run, where a step that ends it leaves `crash/`.

        Returns:
          whether they stand; if not, the training is to go back.

        Raises:
          NotFiniteError: one was not finite, and that ends the training.
        """
        unread, self._unread = self._unread, []
        for done in unread:
            if np.asarray(done.finite):
                self._take(done)
                continue
            action = self.left_out.bad()
            if action is finite.Action.STOP:
                with self.statistics.paused():
                    raise crash.leave(done, self._made, folder, self._vote)
            is_skipped = action is finite.Action.SKIP
            what = "left out" if is_skipped else "going back to the last checkpoint"
            self._screen.line(f"Warning: {done}: {what} ({self.left_out.describe()}).")
            if not is_skipped:
                return False  # of the steps after it none has changed a weight
            for part in done.parts:
                self.statistics.skip(part.problem)
        return True

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps."""
        return {
            "problem_steps": self.statistics.steps,
            "tally": self.statistics.state(),
            "not_finite": self.left_out.state(),
            "divergence": self._divergence.state(),
            **({"progress": self._progress.state()} if self._progress else {}),
        }

    def restore(self, state: Mapping[str, Any], *, is_return: bool = False) -> None:
        """Takes back what `state` gave; checkpoints of before did not say all of it.

        Args:
          state: of the checkpoint.
          is_return: a training goes back to it, and keeps count of how often.
        """
        if "tally" in state:
            self.statistics.restore(state["tally"])
        self.statistics.steps.update(state["problem_steps"])
        self._divergence.restore(state.get("divergence", {}))
        if self._progress and "progress" in state:
            self._progress.restore(state["progress"])
        if is_return:
            self.left_out.good()
        elif "not_finite" in state:
            self.left_out.restore(state["not_finite"])
        self._made.gate.open(self.left_out.in_a_row, self.left_out.in_all)

    def _take(self, done: taken.Taken) -> None:
        """Takes a step that is finite."""
        self.left_out.good()
        for part in done.parts:
            metrics = {name: np.asarray(value) for name, value in part.metrics.items()}
            del metrics[step.FINITE]
            loss = float(metrics["loss"])
            if self._progress is not None:
                self._progress.see(part.problem, loss)
            warning = self._divergence.see(part.problem, done.step, loss, done.learning_rate)
            if warning is not None:
                self._screen.line(warning)
            self.statistics.add(
                part.problem,
                metrics,
                seconds=part.seconds,
                examples=part.counts.examples,
                amounts=part.counts.amounts,
                lengths=part.counts.lengths,
                is_first=part is done.parts[0],
            )
