"""A trained model at a glance: its values beside baselines, and some of its answers."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import baselines
from t2t_mm.evaluation import table as values_lib
from t2t_mm.modality import view as view_lib

Answer = Mapping[str, Any]
"""What mm-decoder writes of one example: inputs, outputs, score, reference, references."""

_REFERENCES_SHOWN = 3

_ALONE_WIDTH, _PICTURE_WIDTH = 24, 16
"""Of a picture alone, and of one of several side by side, in cells."""

_HEAD_WIDTH, _FRAME_WIDTH = 9, 3
"""Of the column of "label", the table's borders included; of what is around another's text."""


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
        answered = answers.get(task.name, ())
        examples = _first(task, split, len(answered))
        draw = None
        seen = [name for name, declared in task.inputs.items() if declared.view().is_picture]
        if seen and console.is_terminal and console.color_system:
            draw = functools.partial(_draw, task.inputs[seen[0]].view(), examples, seen[0])
        if seen and len(task.inputs) == 1 and not task.targets.autoregressive:
            console.print(labelled_pictures(answered, draw, names=names, columns=console.width))
        else:
            told = with_summaries(task, answered, examples)
            console.print(written(told, draw(_ALONE_WIDTH) if draw else ()))
    simple = {task.name: baselines.measure(task, split) for task in tasks}
    values_lib.show_values(results, simple, title="What it has learnt", console=console)


def _draw(
    view: view_lib.View, examples: Sequence[Mapping[str, bytes]], name: str, columns: int
) -> list[Any]:
    return [view.drawing(example[name], columns=columns, colour=True) for example in examples]


def written(answers: Sequence[Answer], pictures: Sequence[Any] = ()) -> Any:
    """Returns a rich table of inputs, references and what the model wrote.

    Args:
      answers: with text, or several inputs by name.
      pictures: drawings to stand over the answers they belong to; none to leave them out.
    """
    from rich import table, text

    shown = table.Table(show_header=False, title="What it writes", title_justify="left")
    shown.add_column(style="dim")
    shown.add_column(overflow="fold")
    for answer, picture in itertools.zip_longest(answers, pictures[: len(answers)]):
        if picture is not None:
            shown.add_row("", picture)
        inputs = answer["inputs"]
        named = inputs if isinstance(inputs, Mapping) else {"source": inputs}
        for name, value in named.items():
            shown.add_row(name, text.Text(str(value)))
        references = list(dict.fromkeys(answer.get("references", [answer["reference"]])))
        for reference in references[:_REFERENCES_SHOWN]:
            shown.add_row("reference", text.Text(reference))
        right = answer["outputs"] in references
        shown.add_row("model", text.Text(answer["outputs"], style="green" if right else "yellow"))
        shown.add_section()
    return shown


def with_summaries(
    task: task_lib.Task, answers: Sequence[Answer], examples: Sequence[Mapping[str, bytes]]
) -> list[Answer]:
    """Returns the answers with a summary of what cannot be printed behind its record's name.

    Text is there as it is, and pictures are drawn.

    Args:
      task: whose inputs they answer.
      answers: to the examples, in their order.
      examples: the records, a value a feature.
    """
    views = {name: declared.view() for name, declared in task.inputs.items()}
    shown: list[Answer] = []
    for answer, example in zip(answers, examples, strict=False):
        inputs = answer["inputs"]
        named = dict(inputs) if isinstance(inputs, Mapping) else dict.fromkeys(task.inputs, inputs)
        for name, view in views.items():
            if not (view.is_picture or task.inputs[name].is_text):
                named[name] = f"{named[name]}: {view.summary(example[name])}"
        single = len(task.inputs) == 1
        shown.append({**answer, "inputs": next(iter(named.values())) if single else named})
    return shown


def labelled_pictures(
    answers: Sequence[Answer],
    draw: Callable[[int], Sequence[Any]] | None,
    *,
    names: Mapping[str, str],
    columns: int,
) -> Any:
    """Returns pictures (where the terminal has colours) over their labels and predictions.

    As many stand side by side as the terminal has room for, the others below them.

    Args:
      answers: with class names as reference and outputs.
      draw: gives the pictures in the order of `answers`, so many columns wide; None where
        they cannot be shown.
      names: what to call a class, where its name is but a code.
      columns: of the terminal.
    """
    from rich import cells, table, text

    labels = [names.get(answer["reference"], answer["reference"]) for answer in answers]
    said = [names.get(answer["outputs"], answer["outputs"]) for answer in answers]
    captions = [*labels, *said]
    room = columns - _HEAD_WIDTH
    widest = max(map(cells.cell_len, captions), default=1)
    if len(answers) * (widest + _FRAME_WIDTH) > room:  # so captions are wrapped between words
        words = [word for caption in captions for word in caption.split()]
        widest = max(map(cells.cell_len, words), default=1)
    width = max(1, min(max(widest, _PICTURE_WIDTH if draw else 1), room - _FRAME_WIDTH))
    abreast = max(1, room // (width + _FRAME_WIDTH))
    shown = table.Table(show_header=False, title="What it sees", title_justify="left")
    shown.add_column(style="dim")
    for _ in range(min(abreast, len(answers))):
        shown.add_column(justify="center", width=width, overflow="fold")
    right = [a["outputs"] in a.get("references", [a["reference"]]) for a in answers]
    marks = ["green" if one else "yellow" for one in right]
    pictures = draw(min(_PICTURE_WIDTH, width)) if draw else ()
    for start in range(0, len(answers), abreast):
        part = slice(start, start + abreast)
        if pictures:
            shown.add_row("", *pictures[part])
        shown.add_row("label", *map(text.Text, labels[part]))
        marked = zip(said[part], marks[part], strict=True)
        shown.add_row("model", *(text.Text(word, style=mark) for word, mark in marked))
        shown.add_section()
    return shown


def _first(task: task_lib.Task, split: str, count: int) -> list[dict[str, bytes]]:
    found = (e for file in task.manifest().files(split) for e in records.read_examples(file))
    return list(itertools.islice(found, count))
