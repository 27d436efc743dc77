"""A trained model at a glance: its values beside baselines, and some of its answers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import baselines
from t2t_mm.report import pictures

Answer = Mapping[str, Any]
"""What mm-decoder writes of one example: inputs, outputs, score, reference."""


def show(
    tasks: Sequence[task_lib.Task],
    split: str,
    results: Mapping[str, Mapping[str, float]],
    answers: Mapping[str, Sequence[Answer]],
    *,
    names: Mapping[str, str],
    console: Any,
) -> None:
    """Prints answers of a model to the first examples of a split, and all its values.

    Args:
      tasks: the problems and their data.
      split: on which all was measured.
      results: values by problem and metric, as `t2t_mm.evaluate` returns them.
      answers: by problem, to the first examples of the split.
      names: what to call a class, where its name is but a code.
      console: a rich console.
    """
    for task in tasks:
        given = answers.get(task.name, ())
        images = [name for name, declared in task.inputs.items() if declared.kind == "image"]
        if images:
            shown = [e[images[0]] for e in _first(task, split, len(given))]
            colour = bool(console.is_terminal and console.color_system)
            console.print(labelled_pictures(shown, given, names=names, colour=colour))
        else:
            console.print(translations(given))
    simple = {task.name: baselines.measure(task, split) for task in tasks}
    console.print(values(results, simple))


def values(
    results: Mapping[str, Mapping[str, float]],
    simple: Mapping[str, baselines.Baseline | None],
) -> Any:
    """Returns a rich table of each problem's metrics, of the model and of its baseline."""
    from rich import table

    shown = table.Table("problem", "metric", title="What it has learnt", title_justify="left")
    shown.add_column("trained model", justify="right", style="bold")
    shown.add_column("baseline", justify="right")
    shown.add_column("which is to")
    for problem, measured in results.items():
        baseline = simple.get(problem)
        first = problem
        for metric, value in measured.items():
            against = baseline.values.get(metric) if baseline else None
            said = baseline.name if baseline and against is not None else ""
            shown.add_row(first, metric, _number(metric, value), _number(metric, against), said)
            first = ""
        shown.add_section()
    return shown


def translations(answers: Sequence[Answer]) -> Any:
    """Returns a rich table of sources, references and what the model wrote."""
    from rich import table, text

    shown = table.Table(show_header=False, title="What it writes", title_justify="left")
    shown.add_column(style="dim")
    shown.add_column(overflow="fold")
    for answer in answers:
        right = answer["outputs"] == answer["reference"]
        shown.add_row("source", text.Text(str(answer["inputs"])))
        shown.add_row("reference", text.Text(answer["reference"]))
        shown.add_row("model", text.Text(answer["outputs"], style="green" if right else "yellow"))
        shown.add_section()
    return shown


def labelled_pictures(
    images: Sequence[bytes],
    answers: Sequence[Answer],
    *,
    names: Mapping[str, str],
    colour: bool,
) -> Any:
    """Returns pictures (where the terminal has colours) over their labels and predictions.

    Args:
      images: encoded, in the order of `answers`.
      answers: with class names as reference and outputs.
      names: what to call a class, where its name is but a code.
      colour: whether pictures can be shown.
    """
    from rich import table, text

    shown = table.Table(show_header=False, title="What it sees", title_justify="left")
    shown.add_column(style="dim")
    for _ in answers:
        shown.add_column(justify="center")
    if colour:
        shown.add_row("", *(pictures.half_blocks(image, columns=16) for image in images))
    wanted = [names.get(answer["reference"], answer["reference"]) for answer in answers]
    said = [names.get(answer["outputs"], answer["outputs"]) for answer in answers]
    shown.add_row("label", *wanted)
    marks = ["green" if one == other else "yellow" for one, other in zip(wanted, said, strict=True)]
    shown.add_row("model", *(text.Text(w, style=m) for w, m in zip(said, marks, strict=True)))
    return shown


def _first(task: task_lib.Task, split: str, count: int) -> list[dict[str, bytes]]:
    found = (e for file in task.manifest().files(split) for e in records.read_examples(file))
    return list(itertools.islice(found, count))


def _number(metric: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if metric == "bleu" else f"{value:.3f}"
