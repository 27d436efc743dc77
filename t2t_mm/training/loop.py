"""The training loop: steps, and what is due after each.

Each step trains one problem, or several, sampled by (seed, step). A checkpoint holds all state
needed to resume exactly: weights, moments, step, iterators, the best value so far, and the
running statistics for the next line of the log. All randomness is a function of seed and step.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from typing import Any

from t2t_mm import errors
from t2t_mm.files import mirrors
from t2t_mm.modality.pretrained import nets
from t2t_mm.runs import lost, metrics_log, origin, starts
from t2t_mm.training import (
    console,
    divergence,
    driver,
    going_on,
    guards,
    outcomes,
    reporter,
    session,
    strategy,
    summary,
    transfer,
)
from t2t_mm.training import start as start_lib
from t2t_mm.training import warm_start as weights


class _LeftError(Exception):
    """An evaluation was left in the middle."""


class Training:
    """One call of `train`, once everything is made: what `keras.Model.fit` and its callbacks do.

    Args:
      made: its parts.
      screen: for people.
      start: the checkpoint with whose weights a run without checkpoints begins, if any.
    """

    def __init__(
        self, made: session.Session, screen: console.Console, start: origin.Origin | None
    ) -> None:
        self.made = made
        self.folder = made.folder
        self.screen = screen
        self.start = start
        self.driver = driver.Driver(made, screen)
        self.vote = strategy.Vote(made.strategy)
        self.outcomes = outcomes.Outcomes(made, screen, self.vote)
        self.statistics = self.outcomes.statistics
        self.reporter = reporter.Reporter(made, screen, self.statistics)
        self.step = self.first_step = 0
        self.saved_step = -1
        self.start_s = 0.0
        self.transfer: transfer.Transfer | None = None
        self.evaluated: dict[str, dict[str, float]] = {}

    def run(self) -> dict[str, Any]:
        """Trains until a limit is reached, evaluates, and returns the answer."""
        self._begin()
        summary.show_mixture(self.made, self.screen.line, columns=self.screen.columns)
        self.start_s = time.perf_counter()
        with contextlib.ExitStack() as stack:
            if self.made.is_chief:
                self.folder.write_config()
                self.folder.write_nets(nets.records(self.made.model.nets))
                starts.add(self.folder.starts_path, start_lib.describe(self.made, self.step))
                log = metrics_log.MetricsLog(self.folder.metrics_path, self.folder.tensorboard)
                self.reporter.begin(stack.enter_context(log))
                self._rewind()
            interrupt = stack.enter_context(guards.Interrupt())
            self._fit(interrupt)
            seconds, active_s = self._seconds(), self.statistics.active_s
            self._end(interrupt)
        return self._answer(seconds, active_s)

    def _begin(self) -> None:
        """Restores the newest checkpoint, or begins a run, with another's weights if asked for."""
        made = self.made
        if made.checkpoints.steps():
            self.screen.line(f"Restoring a checkpoint of {made.checkpoints.folder}.")
        with self.statistics.paused():
            restored = made.checkpoints.restore()
        if restored:
            self.step = self.saved_step = restored[0]
            self._restore(restored[1])
            self._tell_of_restored()
        elif self.start is not None:
            name = made.settings.model
            self.transfer = weights.begin(name, made.model, self.start, self.screen.line)
        if made.mean is not None and not restored:
            made.mean.begin()
        self.first_step = self.step
        if made.is_chief:
            self.folder.create(
                model=made.settings.model, schedule=made.settings.schedule, tasks=made.tasks
            )
            lost.mark(self.folder, self.step)

    def _tell_of_restored(self) -> None:
        gone = lost.newer(self.folder, self.step)
        if gone:
            self.screen.line(gone)
        self.screen.line(f"Going on from step {self.step}.")
        most = self.made.settings.train_steps
        if self.step >= most:
            self.screen.line(
                f"No step is left to train: the run is at step {self.step:,}, and "
                f"--train_steps is {most:,}. A larger one goes on."
            )
            return
        if self.made.optimizer.schedule is not None:
            return
        changed = going_on.rate_change(
            self.folder, self.made.optimizer_settings, step=self.step, train_steps=most
        )
        if changed:
            self.screen.line(changed)

    def _fit(self, interrupt: guards.Interrupt) -> None:
        """Takes steps until a limit is reached, and does what is due after each."""
        settings = self.made.settings
        if self.made.not_finite.policy == "go_back":
            self._save()  # so that there is something to go back to
        while not self.vote.any(self._should_stop() or interrupt.is_requested):
            self._take_step()
            if self._must_read() and not self.outcomes.read(self.folder):
                self._go_back()
                continue
            if self.made.mixture.looks_at(self.step):
                self.made.mixture.progress.show()
            if self.step % settings.log_every == 0:
                self._report()
            if settings.eval_every and self.step % settings.eval_every == 0:
                self._evaluate(interrupt)
            if self.step % settings.save_every == 0:
                self._save()
        if not self.outcomes.read(self.folder):
            self._go_back()

    def _end(self, interrupt: guards.Interrupt) -> None:
        """Says why the training has ended, saves it, and evaluates what has not been yet.

        Raises:
          KeyboardInterrupt: it was interrupted.
        """
        settings = self.made.settings
        is_interrupted = self.vote.any(interrupt.is_requested)
        if self.made.selection.is_over and not is_interrupted:
            self.screen.line(self.made.selection.ending())
        is_whole = self.step >= settings.train_steps or self.made.selection.is_over
        if settings.train_seconds and not (is_whole or is_interrupted):
            self.screen.line(self.reporter.time_is_over(self.step))
        if not is_interrupted and self.step % settings.log_every:
            self._report(is_last=True)
        self._save()
        if not (self.evaluated or is_interrupted):
            self._evaluate(interrupt)
        if is_interrupted or interrupt.is_requested:
            raise KeyboardInterrupt(
                f"interrupted: step {self.step} is saved; the same command goes on from there"
            )
        self.reporter.end(self.step, self._seconds(), self.folder.path)

    def _answer(self, seconds: float, active_s: float) -> dict[str, Any]:
        """Returns what `train` does.

        Args:
          seconds: from the first step of this call to the last.
          active_s: of these, those that were spent on steps.
        """
        taken = self.step - self.first_step
        return {
            "output_dir": str(self.folder.path),
            "step": self.step,
            "seconds": round(seconds, 3),
            "steps_per_s": round(taken / active_s, 4) if taken else 0.0,
            "problems": {
                name: {"steps": count, "loss": self.statistics.losses.get(name)}
                for name, count in self.statistics.steps.items()
            },
            "eval": self.evaluated,
            **{n: int(count) for n, count in self.outcomes.left_out.metrics().items()},
            **({"warm_start": self.transfer.describe()} if self.transfer else {}),
        }

    def _seconds(self) -> float:
        """Returns how long this call has trained so far."""
        return time.perf_counter() - self.start_s

    def _should_stop(self) -> bool:
        """Is a limit reached: of steps, of seconds, of patience?"""
        settings = self.made.settings
        is_late = settings.train_seconds and self._seconds() > settings.train_seconds
        is_done = self.step >= settings.train_steps
        return bool(is_done or is_late or self.made.selection.is_over)

    def _take_step(self) -> None:
        """Trains a batch of each problem that this step draws."""
        self.outcomes.add(self.driver.take(self.step))
        self.step += 1
        self.evaluated = {}

    def _must_read(self) -> bool:
        """Are results due, or too many unread?"""
        settings = self.made.settings
        every = [settings.log_every, settings.save_every, settings.eval_every]
        is_due = any(n and self.step % n == 0 for n in (*every, settings.train_steps))
        return is_due or self.outcomes.are_due or self.made.mixture.looks_at(self.step)

    def _go_back(self) -> None:
        """Restores the last checkpoint, all but the places in the data: others come next."""
        made = self.made
        with self.statistics.paused():
            restored = made.checkpoints.restore(objects=made.learnt)
        if restored is None:
            raise errors.CheckpointError(
                f"There is no checkpoint in {made.checkpoints.folder} to go back to",
                hint="Something else has removed it: give another --output_dir",
            )
        self.step = self.saved_step = restored[0]
        self._restore(restored[1], is_return=True)
        self._rewind()
        self.screen.line(f"Going on from step {self.step}, with the examples that come next.")

    def _rewind(self) -> None:
        """Takes out of the log what is going to be written again."""
        if self.reporter.log is not None:
            self.reporter.log.rewind(
                self.step,
                with_training=self.step % self.made.settings.log_every == 0,
                with_evaluation=bool(self.evaluated),
            )

    def _report(self, *, is_last: bool = False) -> None:
        """Writes the means since the last report to the log and the screen."""
        limit = self.made.settings.train_seconds
        left = limit - self._seconds() if limit else None
        counted = self.outcomes.left_out.metrics()
        self.reporter.steps(self.step, counted=counted, seconds_left=left, is_last=is_last)

    def _evaluate(self, interrupt: guards.Interrupt) -> None:
        """Measures every problem, and keeps the checkpoint if it is the best so far.

        An interrupt ends it at the next batch, and leaves things as they were.
        """
        with self.statistics.paused(), contextlib.suppress(_LeftError):
            self._measure(interrupt)

    def _measure(self, interrupt: guards.Interrupt) -> None:
        def heed(_: int = 0) -> None:
            if self.vote.any(interrupt.is_requested):  # or others would wait for its share
                raise _LeftError

        heed()
        made = self.made
        with made.evaluated_weights():
            self.evaluated = self.reporter.evaluate(self.step, heed)
        is_best = made.selection.see(self.step, self.evaluated)
        self.saved_step = -1  # what is to be kept of this step has changed
        self._save()
        if is_best:
            made.checkpoints.mark_best(self.step)
        poor = divergence.worse_than_chance(made.tasks, self.evaluated)
        if poor:
            kept = "is kept as the best so far, but is" if is_best else "is"
            self.screen.line(f"Warning: step {self.step} {kept} no better than a guess: {poor}.")

    def _save(self) -> None:
        """Saves a checkpoint of this step, unless there is one."""
        if self.saved_step == self.step:
            return
        values = [value for results in self.evaluated.values() for value in results.values()]
        state = {
            **self.outcomes.state(),
            "selection": self.made.selection.state(),
            # JSON has no number for the others; then the step is evaluated again.
            "evaluated": self.evaluated if all(map(math.isfinite, values)) else {},
        }
        with self.statistics.paused():
            self.made.checkpoints.save(self.step, state)
            if self.made.is_chief:
                lost.mark(self.folder, self.step)
            if self.reporter.log is not None:
                self.reporter.log.flush()
            if self.made.is_chief:
                mirrors.push(self.folder.path)
        self.saved_step = self.step

    def _restore(self, state: Mapping[str, Any], *, is_return: bool = False) -> None:
        """Takes back what `_save` gave.

        Raises:
          CheckpointError: it is not whole.
        """
        missing = [name for name in ("problem_steps", "selection") if name not in state]
        if missing:
            raise errors.CheckpointError(
                f"The checkpoint of step {self.step} in {self.made.checkpoints.folder} holds no "
                f"state of a training: extra.{missing[0]} of its sidecar is missing",
                hint="Restore the file from a copy, or begin with its weights: --warm_start",
            )
        self.made.selection.restore(state["selection"])
        self.evaluated = state.get("evaluated", {})
        for task in self.made.tasks:
            self.reporter.evaluated(task, self.evaluated.get(task.name, {}))
        self.outcomes.restore(state, is_return=is_return)
