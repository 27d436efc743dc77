"""The report of an experiment: its tables and plots on one page, in the form of a run's report."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

from t2t_mm import errors
from t2t_mm.evaluation import base
from t2t_mm.experiments import cells as cells_lib
from t2t_mm.experiments import checked as checked_lib
from t2t_mm.experiments import plots, tables
from t2t_mm.experiments import results as results_lib
from t2t_mm.files import atomic
from t2t_mm.reports.run_report import blocks, overview, page

_MEANS = (
    "A value is the mean over seeds; below it the standard deviation over seeds (n - 1) and their "
    "number. An arrow says whether higher or lower is better."
)
_DIFFERENCES = (
    "The first run less the second, of the same seeds. Over seeds: the 95 % interval of Student's "
    "t, which tells how far other seeds would differ. Over examples: the paired bootstrap of the "
    "examples that all runs have in common, which tells how far other examples would. Better or "
    "worse is what no interval that there is leaves open."
)


def write(
    checked: checked_lib.Checked,
    results: results_lib.Results,
    made: Mapping[str, tables.Table],
    unread: Sequence[str] = (),
) -> str:
    """Writes the report, and returns its path.

    Args:
      checked: the experiment.
      results: of its runs.
      made: its tables by name.
      unread: what could not be read of the runs.
    """
    sections = [
        _summary(checked, results),
        _means(results, made["means"]),
        _differences(made["differences"]),
        _transfer(made.get("transfer")),
        _published(made.get("published")),
        _trials(made.get("trials")),
        plots.learning(checked.folder, results),
        _all_metrics(made["means"]),
        _runs(checked, made["runs"]),
    ]
    notes = _notes(results, unread)
    title = f"Experiment {checked.name}"
    text = page.render(title, [s for s in sections if s is not None and s.blocks], notes=notes)
    atomic.write_text(checked.folder.report_path, text)
    return str(checked.folder.report_path)


def _summary(checked: checked_lib.Checked, results: results_lib.Results) -> blocks.Section:
    outcomes = list(results.outcomes.values())
    done = [found for found in outcomes if found.status == "done"]
    facts = [
        ("runs done", f"{len(done)} of {len(outcomes)}"),
        ("problems", ", ".join(checked.problems)),
        ("seeds", ", ".join(map(str, checked.settings.seeds))),
        ("time in steps", overview.duration(math.fsum(found.seconds for found in outcomes))),
        ("machine", "; ".join(dict.fromkeys(found.machine for found in done)) or "not known yet"),
    ]
    return blocks.Section("summary", "Summary", [blocks.Facts(facts)])


def _notes(results: results_lib.Results, unread: Sequence[str]) -> list[str]:
    """Returns what a reader must know first: runs that are not done, and intervals that lack."""
    bad = [
        f"{found.name}, seed {found.seed}: {found.status}{f': {found.why}' if found.why else ''}"
        for found in results.outcomes.values()
        if found.status not in ("done", "pruned")
    ]
    notes = [f"Runs that are not done: {errors.first_few(bad, between='; ')}"] if bad else []
    if unread:
        left = f" (and {len(unread) - 1:,} more)" if len(unread) > 1 else ""
        notes.append(f"There are no intervals over some examples: {unread[0]}{left}")
    return notes


def _means(results: results_lib.Results, found: tables.Table) -> blocks.Section:
    """Returns the main metric of every problem: a row each, a column for each kind of run."""
    rows, columns = [], list(dict.fromkeys(row["run"] for row in found.rows))
    for problem in results.problems:
        main = next(iter(results.metrics(problem)), None)
        if main is None:
            continue
        own = {row["run"]: row for row in _of(found, problem, main)}
        cells = [blocks.text(problem), overview.metric_cell(main)]
        rows.append([*cells, *(cells_lib.mean(own.get(column), main) for column in columns)])
    table = blocks.Table(
        "Main metric of each problem", ("problem", "metric", *columns), rows, is_wide=True
    )
    return blocks.Section("means", "Results", [table] if rows else [], _MEANS)


def _all_metrics(found: tables.Table) -> blocks.Section:
    made: list[blocks.Block] = []
    for problem in dict.fromkeys(row["problem"] for row in found.rows):
        own = [row for row in found.rows if row["problem"] == problem]
        metrics = list(dict.fromkeys(row["metric"] for row in own))
        rows = []
        for arm in dict.fromkeys(row["run"] for row in own):
            by_metric = {row["metric"]: row for row in own if row["run"] == arm}
            any_row = next(iter(by_metric.values()))
            rows.append(
                [
                    blocks.text(arm),
                    *(cells_lib.mean(by_metric.get(metric), metric) for metric in metrics),
                    blocks.number(any_row["own_steps"]),
                    blocks.number(any_row["examples"]),
                    blocks.number(any_row["seconds"]),
                ]
            )
        columns = ("run", *metrics, "own steps", "examples", "seconds of the run")
        made.append(blocks.Table(problem, columns, rows, is_wide=True))
    return blocks.Section("metrics", "All metrics, and what they took", made, _MEANS)


def _differences(found: tables.Table) -> blocks.Section | None:
    if not found.rows:
        return None
    made: list[blocks.Block] = []
    main = _main_rows(found)
    if (chart := plots.forest("Main metric, as a fraction of the second run's", main)) is not None:
        made.append(chart)
    for problem in dict.fromkeys(row["problem"] for row in found.rows):
        rows = [
            [
                blocks.text(f"{row['run']} less {row['less']}"),
                overview.metric_cell(row["metric"]),
                cells_lib.signed(row["metric"], row["difference"], row["verdict"]),
                cells_lib.interval(row, "seeds"),
                cells_lib.interval(row, "examples"),
            ]
            for row in found.rows
            if row["problem"] == problem
        ]
        columns = ("runs", "metric", "difference", "over seeds", "over examples")
        made.append(blocks.Table(problem, columns, rows, is_wide=True))
    return blocks.Section("differences", "Differences", made, _DIFFERENCES)


def _transfer(found: tables.Table | None) -> blocks.Section | None:
    if found is None:
        return None
    columns = found.columns[2:]
    rows = []
    for row in found.rows:
        cells = [blocks.text(row["problem"], below=row["metric"])]
        known = [abs(v) for other in columns if (v := row.get(other)) is not None]
        largest = max(known, default=0.0)
        for other in columns:
            value = row.get(other)
            cell = blocks.number(None)
            if value is not None:
                cell = cells_lib.signed(row["metric"], value, "")
                shade = abs(value) / largest if largest else 0.0
                tone: Literal["good", "bad"] = "good" if value > 0 else "bad"
                below = row[f"{other} verdict"]
                cell = dataclasses.replace(cell, shade=shade, tone=tone, below=below)
            cells.append(cell)
        rows.append(cells)
    table = blocks.Table(
        "Gain by company",
        ("problem", *columns),
        rows,
        "above 0: better than alone, whether higher or lower values are better",
        is_wide=True,
    )
    lead = "What a problem (row) gains in its main metric by being trained with another (column)."
    return blocks.Section("transfer", "Transfer", [table], lead)


def _published(found: tables.Table | None) -> blocks.Section | None:
    if found is None:
        return None
    rows = [
        [
            blocks.text(row["problem"]),
            overview.metric_cell(row["metric"]),
            blocks.Cell(base.shown(row["metric"], row["published"]), is_number=True),
            cells_lib.mean(row if row["mean"] is not None else None, row["metric"]),
            blocks.text(row["source"]),
        ]
        for row in found.rows
    ]
    columns = ("problem", "metric", "published", "here", "source")
    lead = (
        "On paper: a published figure is of other data, unless the corpus is the very same; a dash "
        "stands where nothing was measured here."
    )
    table = blocks.Table("Published figures", columns, rows, is_wide=True)
    return blocks.Section("published", "Against published figures", [table], lead)


def _trials(found: tables.Table | None) -> blocks.Section | None:
    if found is None or not found.rows:
        return None
    made: list[blocks.Block] = []
    chart = plots.trials(found)
    if chart is not None:
        made.append(chart)
    rows = [
        [
            blocks.text(row["run"] or f"{row['trial']}", below=row["status"]),
            blocks.number(row["gain"], 4),
            blocks.number(row["step"]),
            *(blocks.text(_parameter(row[n])) for n in found.columns[5:]),
        ]
        for row in sorted(
            found.rows, key=lambda row: math.inf if row["gain"] is None else -row["gain"]
        )
    ]
    columns = ("trial", "mean gain", "step", *found.columns[5:])
    made.append(blocks.Table("Trials, the best first", columns, rows, is_wide=True))
    lead = (
        "Each trial is one run of the problems that are tuned on. The objective is the mean over "
        "them of the relative gain over the untuned run; what the best set gains elsewhere, and "
        "with other seeds, stands among the differences."
    )
    return blocks.Section("tuning", "Tuning", made, lead)


def _parameter(value: float | str | None) -> str:
    """Returns a hyperparameter of a trial, which a trial that never began has not."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _runs(checked: checked_lib.Checked, found: tables.Table) -> blocks.Section:
    rows = [
        [
            blocks.text(row["name"], below=f"seed {row['seed']}"),
            blocks.text(row["status"], below=row["why"]),
            blocks.number(row["step"]),
            blocks.number(row["seconds"], 1),
            blocks.text(row["machine"]),
        ]
        for row in found.rows
    ]
    columns = ("run", "status", "step", "seconds in steps", "machine")
    made: list[blocks.Block] = [blocks.Table("Runs", columns, rows, is_wide=True)]
    typed = [row[name] for row in found.rows for name in ("command", "measured_by") if row[name]]
    made.append(blocks.Code("Commands of all runs", "\n".join(typed)))
    for variation, values in checked.values.items():
        text = "\n".join(f"{key} = {value}" for key, value in sorted(values.items()))
        made.append(blocks.Code(f"What is configured: {variation}", text))
    return blocks.Section("environment", "Runs and commands", made)


def _of(found: tables.Table, problem: str, metric: str) -> list[tables.Row]:
    return [r for r in found.rows if r["problem"] == problem and r["metric"] == metric]


def _main_rows(found: tables.Table) -> list[tables.Row]:
    """Returns the rows of the first metric of each problem."""
    main: dict[str, str] = {}
    for row in found.rows:
        main.setdefault(row["problem"], row["metric"])
    return [row for row in found.rows if row["metric"] == main[row["problem"]]]
