"""Plots of an experiment: differences with their intervals, and learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import results as results_lib
from t2t_mm.experiments import tables
from t2t_mm.reports.run_report import blocks, charts, training_log
from t2t_mm.runs import metrics_log, run_folder

_ROW = 22
_SHOWN = 60


def forest(title: str, rows: Sequence[tables.Row]) -> blocks.Chart | None:
    """Returns differences as points with their intervals, a line each; None without any.

    Args:
      title: of the chart.
      rows: of the table of differences. Values are divided by the mean of the second run, so
        that all metrics have one scale, and lie to the right of 0 where they are for the better.
    """
    values = []
    for row in rows[:_SHOWN]:
        if not row["less_mean"]:
            continue
        scale = (1 if tables.is_better_up(row["metric"]) else -1) / abs(row["less_mean"])
        label = f"{row['problem']}: {row['run']} less {row['less']}"
        value = {"label": label, "x": row["difference"] * scale}
        for over in ("seeds", "examples"):
            ends = [row[f"{over}_low"] * scale, row[f"{over}_high"] * scale]
            if all(map(math.isfinite, ends)):
                value |= {f"{over}_low": min(ends), f"{over}_high": max(ends)}
        values.append(value)
    if not values:
        return None
    y: dict[str, Any] = {"field": "label", "type": "nominal", "sort": None, "title": None}
    y["axis"] = {"labelLimit": 420, "domain": False}
    ends = [abs(v) for value in values for name, v in value.items() if name != "label"]
    widest = min(1.0, max(ends)) or 1.0  # what goes beyond the double is drawn at the edge
    point = {
        "mark": {"type": "point", "filled": True, "size": 36, "fill": "var(--ink)"},
        "encoding": {"x": _x("x", widest), "y": y},
    }
    zero = {
        "data": {"values": [{"x": 0}]},
        "mark": {"type": "rule", "stroke": "var(--quiet)"},
        "encoding": {"x": _x("x", widest)},
    }
    own = [_rule("examples", 0, y, widest), _rule("seeds", 1, y, widest), point]
    specification = {
        "width": 560,
        "autosize": "pad",
        # Names of runs are long, and a browser's letters may be wider than those measured here.
        "padding": {"left": 8 + 1.2 * max(len(str(v["label"])) for v in values), "right": 6},
        "height": _ROW * len(values) + 30,
        "layer": [zero, *({"data": {"values": values}, **layer} for layer in own)],
    }
    legend = [("95 % over seeds", 1, ""), ("95 % over examples", 0, "")]
    note = "to the right of 0: better"
    return blocks.Chart(title, charts.svg(specification, title), legend, note, is_wide=True)


def learning(
    folder: folder_lib.ExperimentFolder, results: results_lib.Results
) -> blocks.Section | None:
    """Returns learning curves: a chart each problem, a line each run."""
    made: list[blocks.Block] = []
    logs = {
        run.key: training_log.TrainingLog.read(run_folder.RunFolder(folder.run(run)).metrics_path)
        for run in results.runs
    }
    for problem in results.problems:
        series = []
        for number, arm in enumerate(results.arms(problem)):
            for run in results.done[problem, arm].values():
                points = logs[run.key].of(metrics_log.TRAINING, problem)
                steps, values = points.points("loss")
                own = points.points("cumulative_steps").values
                steps = own if len(own) == len(steps) else steps
                line = training_log.Points(steps, values)
                series.append(charts.Line(arm, line, number))
        chart = charts.lines(problem, series, logarithmic=True, note="over the problem's own steps")
        if chart is not None:
            made.append(chart)
    if not made:
        return None
    return blocks.Section(
        "curves", "Loss in training", made, "A line for each seed; runs of a kind in one colour."
    )


def trials(found: tables.Table) -> blocks.Chart | None:
    """Returns the objective of trials, and the best one so far; None without any."""
    ended = [(row["trial"], row["gain"]) for row in found.rows if row["gain"] is not None]
    if not ended:
        return None
    numbers, gains = np.array(ended, np.float64).T
    points = training_log.Points(numbers, gains)
    best = training_log.Points(numbers, np.maximum.accumulate(gains))
    series = [charts.Line("trial", points, 0, "points"), charts.Line("best so far", best, 1)]
    return charts.lines("Mean gain by trial", series, note="the axis counts trials, not steps")


def _x(field: str, widest: float) -> dict[str, Any]:
    axis = {"format": "+~%", "tickCount": 5}
    scale = {"domain": [-widest, widest], "clamp": True, "nice": False}
    own = {"field": field, "type": "quantitative", "title": None}
    return {**own, "axis": axis, "scale": scale}


def _rule(over: str, number: int, y: dict[str, Any], widest: float) -> dict[str, Any]:
    mark = {"type": "rule", "stroke": charts.colour(number), "strokeWidth": 5 - 3 * number}
    encoding = {"x": _x(f"{over}_low", widest), "x2": {"field": f"{over}_high"}, "y": y}
    return {"mark": mark, "encoding": encoding}
