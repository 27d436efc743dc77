"""Sections that show the course of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from t2t_mm import errors
from t2t_mm.reports.run_report import blocks, charts, held_run, overview, training_log
from t2t_mm.runs import metrics_log

_WINDOWS = 25
"""The mean is over so many lines that there are about as many windows in a run."""

_BINS = 30
_GIB = 2**30
_LOSS = "log_perplexity"
_SHOWN = blocks.COLOURS
"""Series in one chart, at most."""


def learning(runs: Sequence[held_run.HeldRun]) -> blocks.Section | None:
    """Returns the curves of each problem: training beside validation, and its main metrics."""
    made: list[blocks.Block] = []
    spans: set[int] = set()
    for problem, task in overview.problems(runs).items():
        charted: list[blocks.Chart | None] = []
        series = []
        for number, run in enumerate(runs):
            # One run has a colour for each split; of several runs each has its own.
            is_one = len(runs) == 1
            train = run.log.of(metrics_log.TRAINING, problem).points(_LOSS)
            name = metrics_log.TRAINING if is_one else run.name
            spans.add(_window(train))
            series.append(charts.Line(name, train, number, "faint"))
            series.append(charts.Line(name, smoothed(train), number))
            for split in run.log.evaluated_splits(problem):
                points = run.log.of(split, problem).points(_LOSS)
                own = split if is_one else f"{run.name}, {split}"
                series.append(charts.Line(own, points, number + is_one, "points"))
        charted.append(charts.lines("Log-perplexity", series, unit="nats a token"))
        names = [name for name in task.metrics if name != _LOSS][:2]
        charted += [charts.lines(name, _evaluated(runs, problem, name)) for name in names]
        shown = [chart for chart in charted if chart is not None]
        if shown:
            made += [blocks.Heading(problem, overview.route(task)), *shown]
    if not made:
        return None
    return blocks.Section(
        "curves",
        "Learning curves",
        made,
        "Thin lines are training as it was logged; thick ones their mean over "
        f"{_span(spans)} lines of the log, as many before as after. Dashes with points are "
        "evaluations, as measured. Log-perplexity is without label smoothing.",
    )


def _evaluated(runs: Sequence[held_run.HeldRun], problem: str, metric: str) -> list[charts.Line]:
    series = []
    for number, run in enumerate(runs):
        for split in run.log.evaluated_splits(problem):
            points = run.log.of(split, problem).points(metric)
            if len(points.steps) > 1 or len(runs) > 1:
                name = split if len(runs) == 1 else f"{run.name}, {split}"
                series.append(charts.Line(name, points, number + (len(runs) == 1), "points"))
    return series


def mixture(runs: Sequence[held_run.HeldRun]) -> blocks.Section | None:
    """Returns how steps and examples were shared out among problems."""
    made: list[blocks.Block] = []
    for run in runs:
        if not run.log.totals:
            continue
        if len(runs) > 1:
            made.append(blocks.Heading(run.name))
        made.append(_shares(run))
        chart = _share_chart(run)
        if chart is not None and len(run.log.totals) > 1:
            made.append(chart)
    if not made:
        return None
    return blocks.Section(
        "mixture",
        "Shares of problems",
        made,
        "Each step trains one problem. An epoch is as many examples as the training split has.",
    )


def _shares(run: held_run.HeldRun) -> blocks.Table:
    totals = run.log.totals
    steps = sum(total.steps for total in totals.values()) or math.nan
    examples = sum(total.examples for total in totals.values())
    rows = []
    for name, total in sorted(totals.items(), key=lambda item: -item[1].steps):
        task = run.opened.tasks.get(name)
        size = run.examples(task).get(task.splits[0], 0) if task else 0
        share = total.steps / steps
        rows.append(
            [
                blocks.text(name),
                blocks.number(total.steps),
                blocks.Cell(f"{share:.1%}", is_number=True, bar=share),
                blocks.number(total.examples),
                blocks.number(100 * total.examples / examples, 1, suffix=" %"),
                blocks.number(total.examples / size if size else None, 2),
            ]
        )
    columns = ("problem", "steps", "of steps", "examples", "of examples", "epochs")
    return blocks.Table("Steps, examples and epochs", columns, rows)


def _share_chart(run: held_run.HeldRun) -> blocks.Chart | None:
    edges = np.linspace(0, run.log.last_step, _BINS + 1)
    taken = {}
    for name in _problems(run):
        steps, counts = run.log.of(metrics_log.TRAINING, name).points("cumulative_steps")
        if len(steps):
            at = np.interp(edges, [0, *steps], [0, *counts])
            taken[name] = np.diff(at)
    whole = sum(taken.values()) if taken else None
    if whole is None:
        return None
    shares = {name: own / np.maximum(whole, 1e-9) for name, own in taken.items()}
    if len(shares) > _SHOWN:
        return None  # colours would repeat; the table tells it
    return charts.areas("Share of steps", edges, shares)


def optimisation(runs: Sequence[held_run.HeldRun]) -> blocks.Section | None:
    """Returns gradient norms, learning rate, speed and memory."""
    made: list[blocks.Block] = []
    for run in runs:
        every = _problems(run)
        problems, left = every[:_SHOWN], len(every[_SHOWN:])
        norms = [
            charts.Line(name, smoothed(run.log.of(metrics_log.TRAINING, name).points("norm")), n)
            for n, name in enumerate(problems)
        ]
        whole = run.log.of(metrics_log.TRAINING, "")
        memory = {
            name: whole.points(key)
            for name, key in (("resident", "memory_bytes"), ("peak", "peak_memory_bytes"))
        }
        note = f"{left} further problems are not shown" if left else ""
        charted = [
            charts.lines("Gradient norm, smoothed", norms, logarithmic=True, note=note),
            charts.lines("Learning rate", [charts.Line("", whole.points("learning_rate"))]),
            charts.lines(
                "Speed",
                [
                    charts.Line("", whole.points("steps_per_s"), 0, "faint"),
                    charts.Line("", smoothed(whole.points("steps_per_s"))),
                ],
                unit="steps a second",
                from_zero=True,
            ),
            charts.lines(
                "Memory of the process",
                [
                    charts.Line(name, training_log.Points(p.steps, p.values / _GIB), n)
                    for n, (name, p) in enumerate(memory.items())
                ],
                unit="GiB",
                from_zero=True,
            ),
        ]
        shown = [chart for chart in charted if chart is not None]
        if shown and len(runs) > 1:
            made.append(blocks.Heading(run.name))
        made += shown
        pace = _pace(run)
        if pace is not None:
            made.append(pace)
    if not made:
        return None
    return blocks.Section("optimisation", "Gradients, speed and memory", made)


def _problems(run: held_run.HeldRun) -> list[str]:
    """Returns the problems that were trained, in the order of the run: so are their colours."""
    return [name for name in run.opened.tasks if name in run.log.totals]


def _pace(run: held_run.HeldRun) -> blocks.Table | None:
    """Returns the throughput of each problem, the median over the lines of the log."""
    rows = []
    for name in _problems(run):
        series = run.log.of(metrics_log.TRAINING, name)
        last = series.kept()[-1][1]
        units = [key for key in last if key.endswith("_per_s")]
        said = [
            f"{np.median(values):,.0f} {unit.removesuffix('_per_s').replace('_', ' ')}"
            for unit in units
            if len(values := series.points(unit).values)
        ]
        rows.append([blocks.text(name), blocks.text(", ".join(said))])
    if not rows:
        return None
    return blocks.Table("Throughput", ("problem", "a second, the median"), rows)


def smoothed(points: training_log.Points) -> training_log.Points:
    """Returns the mean over a window around each point; at the ends of what there is of it."""
    half = _window(points) // 2
    if not half:
        return points
    sums = np.concatenate([[0.0], np.cumsum(points.values)])
    places = np.arange(len(points.values))
    low, high = np.maximum(places - half, 0), np.minimum(places + half + 1, len(places))
    return training_log.Points(points.steps, (sums[high] - sums[low]) / (high - low))


def _span(windows: set[int]) -> str:
    low, high = min(windows), max(windows)
    return f"{low}" if low == high else f"{low} to {high}"


def _window(points: training_log.Points) -> int:
    """Returns over how many points the mean is: an odd number."""
    count = len(points.steps)
    return 2 * max(count // (2 * _WINDOWS), 1) + 1 if count >= _WINDOWS // 2 else 1


def damage(runs: Sequence[held_run.HeldRun]) -> list[str]:
    """Returns what of the logs could not be read, or is not there."""
    said = []
    for run in runs:
        place = run.opened.folder.metrics_path
        if not run.log.series and not run.opened.folder.averaged:
            said.append(f"{place} holds no metrics: there are no curves of {run.name}.")
        if run.log.damaged_lines:
            lines = errors.first_few(run.log.damaged)
            said.append(
                f"{place}: {run.log.damaged_lines:,} damaged lines are left out (line {lines})."
            )
    return said
