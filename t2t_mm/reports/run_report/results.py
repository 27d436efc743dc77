"""Sections of what the kept decodes are worth: metrics, differences, breakdowns."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence

from t2t_mm import registry
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import base, bootstrap
from t2t_mm.reports import histogram
from t2t_mm.reports.run_report import blocks, held_run, measured, overview

_INTERVALS = (
    f"Below a value is the interval that holds 95 % of {bootstrap.RESAMPLES:,} resamples of its "
    "examples (bootstrap): how far it would differ on other examples of the kind, not for another "
    "seed of the training. BLEU's is sacreBLEU's own. An arrow says whether higher or lower is "
    "better."
)
_PAIRED = (
    " A difference is to the first run, on the examples that both have, with the interval of the "
    "paired bootstrap; where that leaves out 0, it is marked as better or worse."
)


def metrics(runs: Sequence[held_run.HeldRun]) -> blocks.Section:
    """Returns all metrics of all problems beside baselines and the other runs."""
    made: list[blocks.Block] = []
    counted: dict[str, None] = {}
    failed: list[blocks.Block] = []
    for problem in overview.problems(runs):
        found = {run.name: run.measured[problem] for run in runs if problem in run.measured}
        if found:
            made.append(_table(problem, runs, found))
            failed += _failures(found)
        for own in found.values():
            counted |= dict.fromkeys(f"{problem}, {name}: {n}" for name, n in own.notes.items())
    if counted:
        made.append(blocks.Code("How the values were counted", "\n".join(counted)))
    made += failed
    made += [_way(run, without) for run in runs if (without := _without(run))]
    lead = _INTERVALS + (_PAIRED if len(runs) > 1 else "")
    return blocks.Section("metrics", "Metrics", made, lead)


def _told(found: dict[str, measured.Measured]) -> str:
    """Returns what was decoded: the split, its examples, the step, the search."""
    said = {}
    for name, own in found.items():
        kept = own.kept
        said[name] = f"{kept.split}, {len(kept):,} examples, step {kept.step:,}"
        said[name] += f", {kept.search}" if kept.search else ""
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{name}: {words}" for name, words in said.items())


def _table(
    problem: str, runs: Sequence[held_run.HeldRun], found: dict[str, measured.Measured]
) -> blocks.Table:
    names = dict.fromkeys(name for own in found.values() for name in own.values)
    baseline = next((own.baseline for own in found.values() if own.baseline), None)
    first = found.get(runs[0].name)
    rows = []
    for name in names:
        cells = [overview.metric_cell(name)]
        for run in runs:
            own = found.get(run.name)
            cells.append(overview.value_cell(name, own.values.get(name) if own else None))
        for run in runs[1:]:
            own = found.get(run.name)
            cells.append(_difference(own, first, name))
        if baseline is not None and name in baseline.values:
            shown = base.shown(name, baseline.values[name])
            cells.append(blocks.Cell(shown, is_number=True, below=baseline.name_of(name)))
        else:
            cells.append(blocks.number(None))
        rows.append(cells)
    columns = [
        "metric",
        *(run.name if len(runs) > 1 else "value" for run in runs),
        *(f"{run.name} less {runs[0].name}" for run in runs[1:]),
        "baseline",
    ]
    return blocks.Table(problem, columns, rows, _told(found), is_wide=len(runs) > 1)


def _difference(
    ours: measured.Measured | None, theirs: measured.Measured | None, name: str
) -> blocks.Cell:
    """Returns the difference of two runs, marked where its interval leaves out 0."""
    found = measured.difference(ours, theirs, name) if ours and theirs else None
    if found is None:
        return blocks.number(None)
    value, interval = found
    shown = base.shown(name, value)
    cell = blocks.Cell(shown if shown.startswith("-") else f"+{shown}", is_number=True)
    if interval is None:
        return cell
    low, high = (base.shown(name, end) for end in interval[:2])
    cell = dataclasses.replace(cell, below=f"{low} to {high}")
    if interval.low <= 0 <= interval.high:
        return cell
    is_better = (value > 0) == registry.metrics.get(name).higher_is_better
    return dataclasses.replace(
        cell,
        text=f"{cell.text} {'better' if is_better else 'worse'}",
        tone="good" if is_better else "bad",
    )


def _failures(found: dict[str, measured.Measured]) -> list[blocks.Block]:
    made: list[blocks.Block] = []
    for own in found.values():
        for name, why in own.failed.items():
            made.append(blocks.Note(f"{name} could not be computed: {why}"))
        if own.kept.damaged:
            said = f"{own.kept.path}: damaged lines are left out, {own.kept.damaged:,} of them."
            made.append(blocks.Note(said))
    return made


def _way(run: held_run.HeldRun, problems: Sequence[str]) -> blocks.Note:
    """Returns how to get what is missing."""
    return blocks.Note(
        f"{run.name} keeps no decoded split of {', '.join(problems)}: there are no metrics with "
        "intervals, no examples and no breakdowns of these. This decodes and keeps them:",
        command(run, problems),
    )


def _without(run: held_run.HeldRun) -> list[str]:
    """Returns the problems of a run without decodes."""
    return [name for name in run.opened.tasks if name not in run.measured]


def command(run: held_run.HeldRun, problems: Sequence[str]) -> str:
    """Returns the command after which there are decodes of some problems."""
    return shlex.join(["mm-eval", f"--output_dir={run.path}", f"--problems={','.join(problems)}"])


def missing(runs: Sequence[held_run.HeldRun]) -> list[str]:
    """Returns, for each run with problems that have no decodes, the command that makes them."""
    return [
        f"There is no decoded split of {', '.join(without)} in {run.name}; to get it: "
        f"{command(run, without)}"
        for run in runs
        if (without := _without(run))
    ]


def breakdowns(runs: Sequence[held_run.HeldRun]) -> blocks.Section | None:
    """Returns lengths of outputs and references, and what each metric tells of its value."""
    made: list[blocks.Block] = []
    for problem, task in overview.problems(runs).items():
        own: list[blocks.Block] = []
        for run in runs:
            found = run.measured.get(problem)
            if found is None:
                continue
            of_run = f", {run.name}" if len(runs) > 1 else ""
            tables = [_lengths(task, found), *map(blocks.table_of, found.breakdowns)]
            for table in filter(None, tables):
                title = f"{table.title}{of_run}"
                own.append(
                    blocks.Table(title, table.columns, table.rows, table.note, table.is_wide)
                )
        if own:
            made += [blocks.Heading(problem, overview.route(task)), *own]
    if not made:
        return None
    return blocks.Section("breakdowns", "Where the errors are", made)


def _lengths(task: task_lib.Task, found: measured.Measured) -> blocks.Table | None:
    """Returns how long outputs and references are, in bins that both share."""
    view = task.targets.view(task.vocabularies)
    if view.is_class or not found.kept.decodes.outputs:
        return None
    decodes = found.kept.decodes
    outputs = [view.size(text.encode("utf-8", "replace")) for text in decodes.outputs]
    wanted = [view.size(own[0].encode("utf-8", "replace")) for own in decodes.references]
    bins = histogram.Histogram.of(outputs + wanted, unit=view.unit, most_bins=8).bins
    rows = []
    for own in bins:
        stop = float("inf") if own.stop is None else own.stop
        counts = [sum(own.start <= size < stop for size in sizes) for sizes in (wanted, outputs)]
        largest = max(len(outputs), 1)
        rows.append(
            [
                blocks.text(own.label),
                *(blocks.Cell(f"{n:,}", is_number=True, bar=n / largest) for n in counts),
            ]
        )
    mean = sum(outputs) / max(sum(wanted), 1)
    note = f"the outputs are {mean:.2f} times as long as the references"
    return blocks.Table("Lengths", (view.unit, "references", "outputs"), rows, note)
