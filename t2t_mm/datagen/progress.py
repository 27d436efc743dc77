"""Progress of data generation: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from t2t_mm.process import command_output

_LINE_SECONDS = 10.0


class Progress:
    """Receives the progress of data generation; this base class ignores it."""

    def start(self, what: str, total: int | None = None, *, unit: str = "examples") -> None:
        """A task begins, with `total` units if known: examples, or bytes."""

    def update(self, done: int) -> None:
        """`done` units of the task are done."""

    def finish(self, done: int) -> None:
        """The task has succeeded."""

    def say(self, text: str) -> None:
        """A message for the user."""

    def close(self) -> None:
        """All work has ended, successfully or not."""


class Lines(Progress):
    """A line on standard error for each task, and every ten seconds."""

    def __init__(self) -> None:
        self._what = self._unit = ""
        self._began = self._told = 0.0

    def start(self, what: str, total: int | None = None, *, unit: str = "examples") -> None:
        self._what, self._unit = what, unit
        self._began = self._told = time.monotonic()

    def update(self, done: int) -> None:
        if time.monotonic() - self._told >= _LINE_SECONDS:
            self._told = time.monotonic()
            self.say(f"{self._what}: {self._amount(done)} after {self._told - self._began:.0f} s")

    def finish(self, done: int) -> None:
        count = f"{self._amount(done)}, " if done else ""
        self.say(f"{self._what}: {count}{time.monotonic() - self._began:.1f} s")

    def _amount(self, done: int) -> str:
        return f"{done / 1e6:,.1f} MB" if self._unit == "bytes" else f"{done:,} {self._unit}"

    def say(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


class Bar(Lines):
    """A moving bar on the terminal at standard error."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Any = None

    def start(self, what: str, total: int | None = None, *, unit: str = "examples") -> None:
        from rich import console, progress

        super().start(what, total, unit=unit)
        self.close()
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=None),  # what is left beside the words
            progress.TextColumn("{task.fields[count]}"),
            progress.TimeElapsedColumn(),
            console=console.Console(stderr=True),
            transient=True,
        )
        self._bar.add_task(what, total=total, count="")
        self._bar.start()

    def update(self, done: int) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, count=self._amount(done))

    def finish(self, done: int) -> None:
        self.close()
        super().finish(done)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def for_terminal() -> Progress:
    """Returns a bar if standard error is a terminal that can redraw it, else lines."""
    return Bar() if command_output.can_redraw(sys.stderr) else Lines()
