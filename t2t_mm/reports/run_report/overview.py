"""Sections that tell what was trained on what, by which commands, and where."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from typing import Any

from t2t_mm import errors, registry
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import base
from t2t_mm.reports.run_report import blocks, held_run


def summary(runs: Sequence[held_run.HeldRun]) -> blocks.Section:
    """Returns the runs at a glance: what they are, and the main metric of each problem."""
    made: list[blocks.Block] = []
    for run in runs:
        if len(runs) > 1:
            made.append(blocks.Heading(run.name, str(run.path)))
        made.append(blocks.Facts(_facts(run)))
    glance = _glance(runs)
    if glance is not None:
        made.append(glance)
    return blocks.Section("summary", "Summary", made)


def _facts(run: held_run.HeldRun) -> list[tuple[str, str]]:
    folder = run.opened.folder
    parameters = run.told("parameters")
    pairs = [("model", folder.model_name)]
    if isinstance(parameters, dict):
        pairs.append(("weights", short(sum(parameters.values()))))
    pairs += [("problems", f"{len(run.opened.tasks)}"), ("steps", f"{run.log.last_step:,}")]
    if run.log.active_s:
        pairs.append(("time in steps", duration(run.log.active_s)))
    pairs.append(("schedule", folder.schedule))
    if run.told("precision"):
        pairs.append(("precision", str(run.told("precision"))))
    if folder.averaged:
        pairs.append(("average of steps", errors.first_few(folder.averaged)))
    return pairs


def _glance(runs: Sequence[held_run.HeldRun]) -> blocks.Table | None:
    """Returns the main metric of every problem, a row each and a column a run."""
    rows = []
    for problem, task in problems(runs).items():
        cells = [blocks.text(problem, below=route(task))]
        names = [m.main[0] for run in runs if (m := run.measured.get(problem)) and m.main]
        if not names:
            continue
        name = names[0]
        cells.append(metric_cell(name))
        baseline = None
        for run in runs:
            found = run.measured.get(problem)
            value = found.values.get(name) if found else None
            cells.append(value_cell(name, value))
            if found and found.baseline and name in found.baseline.values:
                baseline = found.baseline
        if baseline is None:
            cells.append(blocks.number(None))
        else:
            shown = base.shown(name, baseline.values[name])
            cells.append(blocks.Cell(shown, is_number=True, below=baseline.name_of(name)))
        rows.append(cells)
    if not rows:
        return None
    columns = ("problem", "metric", *(run.name for run in runs), "baseline")
    return blocks.Table("Main metric of each problem", columns, rows)


def data(runs: Sequence[held_run.HeldRun]) -> blocks.Section:
    """Returns the problems with their modalities and splits, and the parts of the models."""
    made: list[blocks.Block] = []
    rows = []
    for name, task in problems(runs).items():
        run = next(run for run in runs if name in run.opened.tasks)
        sizes = run.examples(task)
        said = ", ".join(f"{split} {count:,}" for split, count in sizes.items())
        rows.append(
            [
                blocks.text(name, below=f"version {task.version}, {task.command}"),
                blocks.text(", ".join(f"{n}: {m.label()}" for n, m in task.inputs.items()) or "–"),  # noqa: RUF001
                blocks.text(task.targets.label()),
                blocks.text(said or "not known: the data is not at hand"),
                blocks.text(", ".join(task.metrics)),
            ]
        )
    columns = ("problem", "inputs", "targets", "examples", "metrics")
    made.append(blocks.Table("Problems", columns, rows))
    made += [_parts(run, runs) for run in runs if isinstance(run.told("parameters"), dict)]
    return blocks.Section(
        "data", "What was trained on what", made, "Sizes are examples of each generated split."
    )


def _parts(run: held_run.HeldRun, runs: Sequence[held_run.HeldRun]) -> blocks.Table:
    parts: dict[str, int] = run.told("parameters")
    total = sum(parts.values())
    largest = max(parts.values())
    rows = [
        [
            blocks.text(name),
            blocks.Cell(f"{size:,}", is_number=True, bar=size / largest),
            blocks.number(100 * size / total, 1, suffix=" %"),
        ]
        for name, size in parts.items()
    ]
    rows.append([blocks.text("all"), blocks.number(total), blocks.number(100, 1, suffix=" %")])
    of_run = f" of {run.name}" if len(runs) > 1 else ""
    return blocks.Table(f"Parts of the model{of_run}", ("part", "weights", "share"), rows)


def environment(runs: Sequence[held_run.HeldRun]) -> blocks.Section:
    """Returns commands, versions, machines and the folded configuration of each run."""
    made: list[blocks.Block] = []
    for run in runs:
        if len(runs) > 1:
            made.append(blocks.Heading(run.name))
        rows = [
            [
                blocks.number(start.get("step") if isinstance(start.get("step"), int) else None),
                blocks.text(_when(start.get("time"))),
                blocks.text(_command(start.get("command"))),
            ]
            for start in run.starts[-20:]
        ]
        if rows:
            made.append(
                blocks.Table("Starts of the training", ("from step", "at (UTC)", "command"), rows)
            )
            made.append(blocks.Facts(_machine(run)))
        else:
            made.append(
                blocks.Note(
                    "Command, versions and machine are not known: the run was trained before "
                    "they were kept, or is an average."
                )
            )
        text = run.opened.folder.config_path.read_text(encoding="utf-8", errors="replace")
        made.append(blocks.Code("config.gin: every parameter that was in effect", text))
    return blocks.Section("environment", "Commands and environment", made)


def _machine(run: held_run.HeldRun) -> list[tuple[str, str]]:
    versions, machine = run.told("versions"), run.told("machine")
    pairs = [(str(n), str(v)) for n, v in (versions or {}).items() if v]
    if isinstance(machine, dict):
        pairs += [(n, str(machine[n])) for n in ("system", "cores", "strategy") if n in machine]
    if run.told("seed") is not None:
        pairs.append(("seed", str(run.told("seed"))))
    return pairs


def problems(runs: Sequence[held_run.HeldRun]) -> dict[str, task_lib.Task]:
    """Returns the problems of all runs by name, in the order in which they are met."""
    found: dict[str, task_lib.Task] = {}
    for run in runs:
        for name, task in run.opened.tasks.items():
            found.setdefault(name, task)
    return found


def route(task: task_lib.Task) -> str:
    """Returns what a problem makes of what, as in "image to categorical"."""
    inputs = " and ".join(m.kind for m in task.inputs.values()) or "nothing"
    return f"{inputs} to {task.targets.kind}"


def value_cell(name: str, value: Any) -> blocks.Cell:
    """Returns the cell of a metric's value with its interval.

    Args:
      name: of the metric.
      value: `measured.Value`; None for a dash.
    """
    if value is None:
        return blocks.number(None)
    below = ""
    if value.interval is not None:
        low, high = (base.shown(name, end) for end in value.interval[:2])
        below = f"{low} to {high}"
    return blocks.Cell(base.shown(name, value.value), is_number=True, below=below)


def metric_cell(name: str) -> blocks.Cell:
    """Returns the cell of a metric's name, with an arrow the way in which it gets better."""
    if name not in registry.metrics:
        return blocks.text(name)
    is_up = registry.metrics.get(name).higher_is_better
    return blocks.text(f"{name} {'↑' if is_up else '↓'}")


def short(number: float) -> str:
    """Returns a large number in three digits, as in "12.3 million"."""
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """Returns a time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _when(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def _command(words: Any) -> str:
    return shlex.join(map(str, words)) if isinstance(words, list) else str(words or "")
