"""The console of a training: a live table on a terminal, plain lines elsewhere.

It writes to standard error; standard output is for `--json`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import IO, Any

from t2t_mm.evaluation import base
from t2t_mm.process import command_output

_BARS = "▁▂▃▄▅▆▇█"
_MOST_BARS = 24


@dataclasses.dataclass(frozen=True)
class ProblemRow:
    """One problem, as it stands.

    Attributes:
      problem: its name.
      loss: running mean of the cross-entropy of a target token; None before its first step.
      metric: of the last evaluation, as (name, value); None before it.
      share: fraction of recent steps that trained this problem.
      throughput: units a second while training it, or over all time; None before its first
        step, which tells its unit.
      unit: "tokens" or "pictures", say.
      expert_load: [E] share of positions of each expert; empty without experts.
    """

    problem: str
    loss: float | None = None
    metric: tuple[str, float] | None = None
    share: float = 0.0
    throughput: float | None = None
    unit: str = "tokens"
    expert_load: Sequence[float] = ()


@dataclasses.dataclass(frozen=True)
class RunProgress:
    """Where the run stands.

    Attributes:
      step: steps done.
      total_steps: the step to reach.
      steps_per_s: steps a second, recently.
      seconds_left: estimate to the end; None while unknown.
      learning_rate: of the last step; None to leave it out.
    """

    step: int
    total_steps: int
    steps_per_s: float = 0.0
    seconds_left: float | None = None
    learning_rate: float | None = None


class Console:
    """Shows progress; a context manager, so that the terminal is left tidy.

    Args:
      stream: where to; standard error by default.
      is_live: a table that is redrawn; by default where the stream is a terminal
        that can do it and NO_COLOR is not set.
    """

    def __init__(self, stream: IO[str] | None = None, *, is_live: bool | None = None) -> None:
        self._stream = stream or sys.stderr
        self.is_live = command_output.can_redraw(self._stream) if is_live is None else is_live
        self._live: Any = None
        self._shown: tuple[RunProgress, Sequence[ProblemRow]] | None = None
        self._drawn: list[str] = []

    @property
    def columns(self) -> int | None:
        """The width of the terminal as it is now; None where the stream is none."""
        if not self.is_live:
            return None
        columns = 0
        with contextlib.suppress(OSError, ValueError):
            columns = os.get_terminal_size(self._stream.fileno()).columns
        return columns or shutil.get_terminal_size().columns  # some know of no size: 0

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def update(self, progress: RunProgress, rows: Sequence[ProblemRow]) -> None:
        """Shows the state of the run: redraws the table, or prints lines."""
        if self.is_live:
            self._redraw(progress, rows)
        else:
            for line in plain_lines(progress, rows):
                print(line, file=self._stream, flush=True)

    def line(self, text: str) -> None:
        """Prints a line, above the table if there is one."""
        if self._live is not None:
            self._follow()
            # Wrapped by the terminal: a path or command within it can be copied whole.
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Leaves the last table standing and gives the terminal back."""
        if self._live is not None:
            self._follow()
            self._live.stop()
            self._live = None

    def _follow(self) -> None:
        """Draws the table anew where the terminal has got another width since."""
        if self._shown is not None and self._live.console.width != self.columns:
            self._redraw(*self._shown)

    def _redraw(self, progress: RunProgress, rows: Sequence[ProblemRow]) -> None:
        from rich import console as rich_console
        from rich import live, text

        columns = self.columns or shutil.get_terminal_size().columns
        if self._live is None:
            terminal = rich_console.Console(file=self._stream, force_terminal=True)
            # Standard output is not ours to redirect: --json writes there.
            self._live = live.Live(
                console=terminal,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=self._stream is sys.stderr,
            )
            self._live.start()
        # A terminal that was made narrower has wrapped the lines, which rich does not know of.
        wrapped = sum((len(line) - 1) // columns for line in self._drawn if line)
        if wrapped:
            self._stream.write(f"\x1b[{wrapped}A\x1b[J")
        self._shown = progress, rows
        self._drawn = table_lines(progress, rows, columns=columns)
        self._live.console.width = columns
        # As Text: a problem's name is not to be read as markup.
        drawn = text.Text("\n".join(self._drawn), no_wrap=True, overflow="crop")
        self._live.update(drawn, refresh=True)


def plain_lines(progress: RunProgress, rows: Sequence[ProblemRow]) -> list[str]:
    """Returns the state as text: a line for the run and one for each problem."""
    lines = [headline(progress)]
    width = max((len(row.problem) for row in rows), default=0)
    for row in rows:
        parts = [f"  {row.problem:<{width}}", f"loss {_loss(row)}"]
        if row.metric is not None:
            parts.append(f"{row.metric[0]} {format_metric(*row.metric)}")
        parts.append(f"{row.share:.0%} of steps")
        if row.throughput is not None:
            parts.append(_pace(row))
        if len(row.expert_load):
            parts.append(f"experts {load_range(row.expert_load)}")
        lines.append("  ".join(parts))
    return lines


def headline(progress: RunProgress) -> str:
    """Returns one line on the run as a whole."""
    parts = [
        f"step {progress.step:,} of {progress.total_steps:,}",
        f"{progress.steps_per_s:.2f} steps/s",
    ]
    if progress.learning_rate is not None:
        parts.append(f"rate {progress.learning_rate:.2e}")
    if progress.seconds_left is not None:
        parts.append(f"{format_seconds(progress.seconds_left)} left")
    return ", ".join(parts)


def format_seconds(seconds: float) -> str:
    """Returns a time as a person would say it: "45 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_metric(name: str, value: float) -> str:
    """Returns a metric as a line of the log has it."""
    return base.shown(name, value, fewer=1)


def load_range(load: Sequence[float]) -> str:
    """Returns the least and most used expert's load, relative to an even one: "0.4-1.8"."""
    mean = sum(load) / len(load)
    if mean <= 0:
        return "-"
    return f"{min(load) / mean:.1f}-{max(load) / mean:.1f}"


def load_bars(load: Sequence[float]) -> str:
    """Returns a bar for each expert, or for groups of them when they are many."""
    size = -(-len(load) // _MOST_BARS)
    groups = [load[i : i + size] for i in range(0, len(load), size)]
    heights = [sum(group) / len(group) for group in groups]
    top = max(heights, default=0)
    if top <= 0:
        return "-"
    return "".join(_BARS[round(height / top * (len(_BARS) - 1))] for height in heights)


def table_lines(progress: RunProgress, rows: Sequence[ProblemRow], *, columns: int) -> list[str]:
    """Returns the state as a table that fits a terminal.

    On a narrow one the experts' bars are left out first; then each name has a line of its own,
    so that it stays whole.

    Args:
      progress: of the run.
      rows: of the problems.
      columns: of the terminal; no line is longer.
    """
    top = textwrap.wrap(headline(progress), columns)
    cells = [_cells(row) for row in rows]
    figures = ("loss", "metric", "share", "pace")
    layouts = [("name", *figures), figures, ("loss", "metric", "pace")]
    if any(len(row.expert_load) for row in rows):
        layouts = [(*layouts[0], "bars"), (*layouts[0], "range"), (*figures, "range"), *layouts]
    lines: list[str] = []
    for shown in layouts:
        lines = _aligned([{**_HEADS, "name": "problem"}, *cells], shown)
        if "name" not in shown:
            indented = [f"  {line}" for line in lines]
            pairs = zip(rows, indented[1:], strict=True)
            lines = [indented[0], *(part for row, line in pairs for part in (row.problem, line))]
        if max(map(len, lines)) <= columns:
            break
    return [*top, *(_clip(line, columns) for line in lines)]


_HEADS = {name: name for name in ("loss", "metric", "share", "pace")} | {
    "bars": "expert load",
    "range": "experts",
}


def _cells(row: ProblemRow) -> dict[str, str]:
    """Returns all that a row may show, by column."""
    load = row.expert_load
    reach = load_range(load) if len(load) else "-"
    return {
        "name": row.problem,
        "loss": _loss(row),
        "metric": f"{row.metric[0]} {format_metric(*row.metric)}" if row.metric else "-",
        "share": f"{row.share:.0%}",
        "pace": _pace(row),
        "bars": f"{load_bars(load)} {reach}" if len(load) else "-",
        "range": reach,
    }


def _aligned(rows: Sequence[dict[str, str]], shown: Sequence[str]) -> list[str]:
    """Returns a line for each row: figures to the right, words to the left."""
    widths = {name: max(len(row[name]) for row in rows) for name in shown}
    words = ("name", "bars")
    return [
        "  ".join(f"{row[n]:{'<' if n in words else '>'}{widths[n]}}" for n in shown).rstrip()
        for row in rows
    ]


def _clip(text: str, columns: int) -> str:
    return text if len(text) <= columns else text[: columns - 1] + "…"


def _pace(row: ProblemRow) -> str:
    return "-" if row.throughput is None else f"{row.throughput:,.0f} {row.unit}/s"


def _loss(row: ProblemRow) -> str:
    return "-" if row.loss is None else f"{row.loss:.3f}"
