"""The section of decoded examples: the best and the worst, with pictures and sounds."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from t2t_mm import errors
from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import base
from t2t_mm.reports.run_report import blocks, held_run, measured, overview

EACH = 3
"""Examples of each rank."""

_LARGEST_MEDIUM = 400_000
"""Bytes of a picture or sound on the page, at most."""

_REFERENCES = 3
_LONGEST = 1_200

Raw = Mapping[str, bytes]


@dataclasses.dataclass(frozen=True)
class _Chosen:
    """An example to be shown: its rank, its row in the first run's decodes, and its value."""

    rank: str
    row: int
    value: float


def section(runs: Sequence[held_run.HeldRun], *, most_bytes: float) -> blocks.Section | None:
    """Returns the best and worst examples of each problem.

    Args:
      runs: the first one with decodes of a problem chooses the examples; the others show what
        they wrote for the same ones.
      most_bytes: of pictures and sounds together, about.
    """
    plans = []
    for problem, task in overview.problems(runs).items():
        first = next((run for run in runs if problem in run.measured), None)
        if first is not None and first.measured[problem].main is not None:
            chosen = _choose(first.measured[problem])
            owner = first.opened.tasks[problem]
            raw = _records(owner, first.measured[problem], [each.row for each in chosen])
            plans.append((problem, task, first.measured[problem], chosen, raw))
    media = sum(
        len(raw) * sum(not m.is_text for m in task.inputs.values()) for _, task, *_, raw in plans
    )
    share = int(min(_LARGEST_MEDIUM, most_bytes / max(media, 1)))
    made: list[blocks.Block] = []
    for problem, task, found, chosen, raw in plans:
        main = found.main
        if main is None:
            continue
        made.append(
            blocks.Heading(problem, f"{overview.route(task)}; {found.kept.split}, by {main[0]}")
        )
        if not raw and any(not m.is_text for m in task.inputs.values()):
            made.append(
                blocks.Note(
                    f"The records of {problem} are not at hand: pictures and sounds are missing. "
                    "Give --data_dir where they lie."
                )
            )
        for each in chosen:
            fields = [
                *_inputs(task, found, each.row, raw.get(each.row), share),
                *_answers(runs, problem, found, each.row),
                *_references(found, each.row),
            ]
            value = f"{main[0]} {base.shown(main[0], each.value)}"
            made.append(blocks.Example(each.rank, value, found.kept.key(each.row), fields))
    if not made:
        return None
    return blocks.Section(
        "examples",
        "Examples",
        made,
        "The best and the worst by the main metric of each example; of equally good ones those "
        "that the model was surest of.",
    )


def _choose(found: measured.Measured) -> list[_Chosen]:
    """Returns the best examples, then the worst ones, none twice."""
    if found.main is None:
        return []
    _, main = found.main
    if main.metric is None or main.statistics is None:
        return []
    values = main.metric.value(main.statistics)
    sign = 1.0 if main.metric.higher_is_better else -1.0
    scores = np.asarray(found.kept.scores)
    told = np.flatnonzero(np.isfinite(values))
    best = told[np.lexsort((-scores[told], -sign * values[told]))]
    worst = told[np.lexsort((-scores[told], sign * values[told]))]
    chosen: dict[int, _Chosen] = {}
    for rank, order in (("best", best), ("worst", worst)):
        left = [row for row in order.tolist() if row not in chosen]
        last = values[left[:EACH][-1:]]
        ahead = [row for row in left[:EACH] if values[row] != last]
        equal = [row for row in left if values[row] == last]
        first: dict[str, int] = {}  # of equally good ones other outputs: a model may repeat itself
        for row in equal:
            first.setdefault(found.kept.decodes.outputs[row], row)
        for row in list(dict.fromkeys([*ahead, *first.values(), *equal]))[:EACH]:
            chosen[row] = _Chosen(rank, row, float(values[row]))
    return list(chosen.values())


def _records(
    task: task_lib.Task, found: measured.Measured, rows: Sequence[int]
) -> dict[int, dict[str, bytes]]:
    """Returns the raw inputs of some rows, as far as the records are at hand and the same."""
    wanted = {found.kept.places[row]: row for row in rows}
    raw: dict[int, dict[str, bytes]] = {}
    if not wanted or not task.has_data() or not task.inputs:
        return raw
    last = max(wanted)
    try:
        place = 0
        for file in task.manifest().files(found.kept.split):
            for record in records.read_values(file):
                if place in wanted and _is_same(record, found, wanted[place]):
                    raw[wanted[place]] = {name: record[name][0] for name in task.inputs}
                place += 1
                if place > last:
                    return raw
    except (errors.UserError, KeyError, OSError):
        return {}  # damaged, or of another version: the decodes are shown without them
    return raw


def _is_same(record: Mapping[str, Sequence[bytes]], found: measured.Measured, row: int) -> bool:
    decodes = found.kept.decodes
    if decodes.keys:
        return bool(record[task_lib.KEY][0].decode("utf-8", "replace") == decodes.keys[row])
    return record[task_lib.TARGETS][0].decode("utf-8", "replace") == decodes.references[row][0]


def _inputs(
    task: task_lib.Task, found: measured.Measured, row: int, raw: Raw | None, share: int
) -> list[tuple[str, blocks.Html]]:
    if raw is None:
        held = found.kept.inputs[row]
        values = held if isinstance(held, dict) else {next(iter(task.inputs), "input"): held}
        return [(str(name), _escaped(value)) for name, value in values.items() if value]
    return [
        (name, _shown(declared.view(task.vocabularies), raw[name], share, declared.is_text))
        for name, declared in task.inputs.items()
    ]


def _shown(view: Any, data: bytes, share: int, is_text: bool) -> blocks.Html:
    if is_text:
        return _escaped(view.describe(data))
    try:
        return blocks.Html(view.compact(data, most_bytes=share))
    except errors.UserError as error:
        return _escaped(str(error))


def _answers(
    runs: Sequence[held_run.HeldRun], problem: str, found: measured.Measured, row: int
) -> list[tuple[str, blocks.Html]]:
    if len(runs) == 1:
        return [("output", _escaped(found.kept.decodes.outputs[row]))]
    fields = []
    for run in runs:
        own = run.measured.get(problem)
        if own is not None and own.kept.split == found.kept.split:
            place = own.kept.rows().get(found.kept.key(row))
            if place is not None:
                output = own.kept.decodes.outputs[place]
                fields.append((f"output of {run.name}", _escaped(output)))
    return fields


def _references(found: measured.Measured, row: int) -> list[tuple[str, blocks.Html]]:
    own = found.kept.decodes.references[row]
    shown = list(dict.fromkeys(own))[:_REFERENCES]
    return [("reference" if not n else "or", _escaped(text)) for n, text in enumerate(shown)]


def _escaped(value: Any) -> blocks.Html:
    shown = errors.shortened(str(value), _LONGEST) if value else "(nothing)"
    return blocks.Html(html.escape(shown))
