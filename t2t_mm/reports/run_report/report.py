"""`t2t_mm.report`: one HTML file that tells what runs were and what came of them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.files import atomic, paths
from t2t_mm.process import extras
from t2t_mm.reports.run_report import (
    blocks,
    curves,
    examples,
    experts,
    held_run,
    overview,
    page,
    results,
    robustness,
)

_MIB = 2**20
_MARGIN = 0.97
"""Of the size that is allowed, what pictures and sounds are planned to fill."""


def report(
    runs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    html: str | os.PathLike[str] | None = None,
    max_mb: float = 5.0,
    data_dir: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Writes a report of one run, or of several side by side, as one HTML file.

    It shows what the run folders hold: `metrics.jsonl`, and the decoded outputs that
    `t2t_mm.evaluate` keeps of whole splits. Nothing is decoded. With the generated data at hand
    it also shows baselines, pictures and sounds.

    Example:
        t2t_mm.report("runs/ende")["report"]
        t2t_mm.report(["runs/one", "runs/two"], html="both.html")

    Args:
      runs: output folders of trainings; the others are compared with the first.
      html: the file to write; `report.html` in the folder of the first run when left out. One
        that is there is replaced.
      max_mb: the size of the file at most, in MiB: pictures and sounds are made to fit.
      data_dir: of generated data, if it is not where the trainings read it.

    Returns:
      `report` (the file), `sections` (their names, in order), `bytes` (of the file), `notes`
      (what is missing or damaged, and how to get it).

    Raises:
      ConfigError: there is no run, a package is missing, or the page cannot be as small.
      DataError: the file cannot be written.
    """
    folders = [runs] if isinstance(runs, str | os.PathLike) else list(runs)
    if not folders:
        raise errors.ConfigError("No run to report on", expected="one output folder or more")
    extras.require("jinja2", "vl_convert", extra="report", what="A report of runs")
    held = held_run.open_runs(folders, data_dir=data_dir)
    path = held[0].opened.folder.report_path if html is None else paths.expanded(html)
    if path.is_dir():
        raise errors.ConfigError(f"The report cannot be written to {path}: it is a folder")
    title = "Report of " + errors.first_few([run.name for run in held])
    damage = curves.damage(held)
    most = max_mb * _MIB
    text, sections = _written(held, title, damage, most)
    size = len(text.encode("utf-8"))
    if size > most:
        raise errors.ConfigError(
            f"The report takes {size / _MIB:.2f} MiB without pictures and sounds",
            received=f"--max_mb={max_mb:g}",
            expected=f"--max_mb={math.ceil(100 * size / _MIB) / 100:g} or more",
        )
    atomic.write_text(path, text)
    return {
        "report": str(path),
        "sections": [section.name for section in sections],
        "bytes": size,
        "notes": [*damage, *results.missing(held)],
    }


def _written(
    held: Sequence[held_run.HeldRun], title: str, notes: Sequence[str], most: float
) -> tuple[str, list[blocks.Section]]:
    """Returns the page and its sections, with as large pictures and sounds as it may have."""
    before = [
        overview.summary(held),
        overview.data(held),
        curves.learning(held),
        curves.mixture(held),
        results.metrics(held),
    ]
    after = [
        results.breakdowns(held),
        robustness.section(held),
        experts.section(held),
        curves.optimisation(held),
        overview.environment(held),
    ]

    def whole(most_bytes: float) -> tuple[str, list[blocks.Section]]:
        shown = examples.section(held, most_bytes=most_bytes)
        sections = [section for section in (*before, shown, *after) if section is not None]
        return page.render(title, sections, notes=notes), sections

    bare = len(whole(0)[0].encode("utf-8"))
    text, sections = whole(max(0.0, most * _MARGIN - bare))
    return (text, sections) if len(text.encode("utf-8")) <= most else whole(0)
