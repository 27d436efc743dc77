"""The section on robustness: curves of metrics over the strength of damage, and one number."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from t2t_mm import errors
from t2t_mm.evaluation import base
from t2t_mm.evaluation.robustness import kept
from t2t_mm.files import atomic
from t2t_mm.modality import corruption
from t2t_mm.process import extras
from t2t_mm.reports.run_report import blocks, charts, held_run, page, training_log
from t2t_mm.runs import run_folder
from t2t_mm.schemas import robustness as schema

PAGE = "curves.html"
"""In the run's `robustness/`."""

_LEAD = (
    "The metric of examples that are damaged in one way, by strength; at 0 without damage. "
    "The mean is over kinds and strengths; attacks, which search for damage by gradients, have "
    "their own."
)
Found = Mapping[str, schema.Robustness]


def section(runs: Sequence[held_run.HeldRun]) -> blocks.Section | None:
    """Returns the curves of all runs that keep some; None without any."""
    found = {run.name: kept.read(run.opened.folder) for run in runs}
    return _section({name: own for name, own in found.items() if own}, many=len(runs) > 1)


def write_page(folder: run_folder.RunFolder, *, say: Callable[[str], None]) -> pathlib.Path | None:
    """Writes what a run keeps of its robustness as a page of its own, and returns the file.

    Args:
      folder: of the run.
      say: is told where the page is, or that packages for it are missing: None is returned then.

    Raises:
      DataError: for a file of the run that is damaged.
    """
    try:
        extras.require("jinja2", "vl_convert", extra="report", what="The figure of robustness")
    except errors.ConfigError as missing:
        say(str(missing))
        return None
    shown = _section({folder.path.name: kept.read(folder)}, many=False)
    path = folder.robustness / PAGE
    title = f"Robustness of {folder.path.name}"
    atomic.write_text(path, page.render(title, [shown] if shown else []))
    say(f"the curves of robustness are drawn in {path}")
    return path


def _section(found: Mapping[str, Found], *, many: bool) -> blocks.Section | None:
    made: list[blocks.Block] = []
    for name, own in found.items():
        for problem, measured in own.items():
            where = f"{measured['examples']:,} examples of {measured['split']}"
            note = f"{where}, step {measured['step']:,}"
            made.append(blocks.Heading(problem, f"{name}, {note}" if many else note))
            made += _charts(measured)
            made.append(_table(measured))
    if not made:
        return None
    return blocks.Section("robustness", "Robustness", made, _LEAD)


def _charts(measured: schema.Robustness) -> list[blocks.Chart]:
    """Returns a chart for each family of kinds, of the main metric."""
    metric = next(iter(measured["clean"]))
    clean = measured["clean"][metric]
    strengths = np.array([0, *corruption.STRENGTHS], float)
    found = []
    for family in dict.fromkeys(measured["families"].values()):
        series: list[charts.Line] = []
        for kind, curve in measured["kinds"].items():
            if measured["families"].get(kind) != family:
                continue
            values = [clean, *(curve.get(str(n), {}).get(metric) for n in corruption.STRENGTHS)]
            course = np.array([np.nan if value is None else value for value in values], float)
            is_known = np.isfinite(course)
            points = training_log.Points(strengths[is_known], course[is_known])
            series.append(charts.Line(kind, points, len(series)))
        chart = charts.lines(family, series, unit=metric, along="strength", from_zero=True)
        if chart is not None:
            found.append(chart)
    return found


def _table(measured: schema.Robustness) -> blocks.Table:
    """Returns the means of all metrics, and those of each kind for the main one."""
    rows = []
    for metric, clean in measured["clean"].items():
        cells = [blocks.text(metric), _cell(metric, clean)]
        for prefix in ("", "attack_"):
            score, relative = measured[f"{prefix}score"], measured[f"{prefix}relative"]  # type: ignore[literal-required]
            cells += [_cell(metric, score.get(metric)), blocks.number(relative.get(metric), 3)]
        rows.append(cells)
    columns = ("metric", "clean", "corrupted", "times clean", "attacked", "times clean")
    return blocks.Table("Means over kinds and strengths", columns, rows)


def _cell(metric: str, value: float | None) -> blocks.Cell:
    if value is None:
        return blocks.number(None)
    return blocks.Cell(base.shown(metric, value), is_number=True)
