"""What a training tells while it goes on: lines of the log, the table, and its last words."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Mapping

from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import evaluate, evaluator, of_task
from t2t_mm.files import mirrors
from t2t_mm.process import memory
from t2t_mm.runs import metrics_log
from t2t_mm.training import board, console, exchange, session, statistics

_WARNING = "warning: "
"""Begins a note of a metric that says more than how it was computed."""


class Reporter:
    """Writes to the log, where this process has one, and to the screen.

    Args:
      made: the training.
      screen: for people.
      counts: the sums of its steps.
    """

    def __init__(
        self, made: session.Session, screen: console.Console, counts: statistics.RunningStatistics
    ) -> None:
        self.log: metrics_log.MetricsLog | None = None
        self._board = board.Board(made)
        self._workers = exchange.of(made.strategy)
        self._made, self._screen, self._statistics = made, screen, counts
        self._pace = 0.0
        self._warned: set[str] = set()

    def begin(self, log: metrics_log.MetricsLog) -> None:
        """Takes the log that this process writes."""
        self.log = log
        self._board.events = log.events
        self._board.begin()

    def steps(
        self,
        step: int,
        *,
        counted: Mapping[str, float],
        seconds_left: float | None,
        is_last: bool = False,
    ) -> None:
        """Reports the means since the last report, if there was a step.

        Args:
          step: steps done.
          counted: further figures of the run as a whole, for the log.
          seconds_left: until a time limit; None without one.
          is_last: the training ends between two reports; the sums are kept for one that
            goes on from here.
        """
        means, pace = self._statistics.means() if is_last else self._statistics.flush()
        if not means and not counted:
            return
        self._pace = pace
        for name, mean in means.items():
            self.write(step, metrics_log.TRAINING, name, mean)
        used = {"memory_bytes": memory.resident_bytes(), "peak_memory_bytes": memory.peak_bytes()}
        learning_rate = self._learning_rate(step)
        self.write(
            step,
            metrics_log.TRAINING,
            "",
            {"steps_per_s": pace, "learning_rate": learning_rate, **counted, **used},
        )
        self._board.steps(step, means)
        left = max(0, self._made.settings.train_steps - step) / pace if pace else math.inf
        if seconds_left is not None:
            left = min(left, max(0.0, seconds_left))
        self._screen.update(
            self._progress(step, left if pace else None), self._statistics.rows(means)
        )

    def evaluate(self, step: int, heed: Callable[[int], None]) -> dict[str, dict[str, float]]:
        """Measures every problem, and reports and returns its metrics.

        Workers share each of them, and all return the same.

        Args:
          step: steps done.
          heed: called between batches, by all workers at the same ones; may raise, to end it.
        """
        made = self._made
        results: dict[str, dict[str, float]] = {}
        for task in made.tasks:
            split = evaluate.eval_split(task)
            self._screen.line(f"Step {step:,}: evaluating {task.name} on {split}.")
            result = evaluator.run(
                made.model,
                task,
                split,
                made.batching,
                made.decode_settings,
                max_examples=made.settings.eval_examples or None,
                progress=heed,
                workers=self._workers,
            )
            results[task.name] = result.values
            notes = {f"{metric}_signature": note for metric, note in result.notes.items()}
            self.write(step, split, task.name, {**result.values, **notes})
            self._board.evaluated(step, task, split, result)
            self._warn(task.name, result.notes)
            self.evaluated(task, result.values)
            shown = ", ".join(
                f"{n} {console.format_metric(n, v)}" for n, v in result.values.items()
            )
            self._screen.line(f"step {step}, {split} of {task.name}: {shown}")
        return results

    def evaluated(self, task: task_lib.Task, values: Mapping[str, float]) -> None:
        """Takes the metrics of a problem for the table."""
        own = task.metrics[0] if task.metrics else of_task.ALWAYS[0]
        if own in values:
            self._statistics.evaluated[task.name] = (own, values[own])

    def _warn(self, problem: str, notes: Mapping[str, str]) -> None:
        """Says once what makes a metric of a problem misleading."""
        for name, note in notes.items():
            said = f"Warning: {name} of {problem}: {note.removeprefix(_WARNING)}."
            if note.startswith(_WARNING) and said not in self._warned:
                self._warned.add(said)
                self._screen.line(said)

    def time_is_over(self, step: int) -> str:
        """Returns what is to be said of a training that its time limit has ended."""
        settings = self._made.settings
        return (
            f"The time limit of {console.format_seconds(settings.train_seconds)} "
            f"(TrainSettings.train_seconds) has ended the training at step {step:,} of "
            f"{settings.train_steps:,}: it has learnt less than in a whole training. "
            "The same command goes on from there."
        )

    def end(self, step: int, seconds: float, folder: str | os.PathLike[str]) -> None:
        """Shows the last table, where the run lies, and what to do next."""
        self._board.end()
        self._screen.update(self._progress(step, None), self._statistics.rows({}))
        where = mirrors.shown(folder)
        self._screen.line(
            f"Done: step {step:,} after {console.format_seconds(seconds)}. The run is in {where}."
        )
        task = self._made.tasks[0]
        run, split = f"--output_dir={where}", f"--split={evaluate.eval_split(task)}"
        decode = ["mm-decoder", run, f"--problem={task.name}", split, "--max_examples=10"]
        self._screen.line(f"Next: {shlex.join(['mm-eval', run])}")
        self._screen.line(f"  or: {shlex.join(decode)}")

    def write(self, step: int, split: str, problem: str, metrics: metrics_log.Metrics) -> None:
        """Writes a line of the log, where this process has one."""
        if self.log is not None:
            self.log.write(step, split, problem, metrics)

    def _learning_rate(self, step: int) -> float:
        """Returns the learning rate of the last step."""
        return self._made.learning_rate(max(0, step - 1))

    def _progress(self, step: int, left: float | None) -> console.RunProgress:
        total = self._made.settings.train_steps
        return console.RunProgress(step, total, self._pace, left, self._learning_rate(step))
