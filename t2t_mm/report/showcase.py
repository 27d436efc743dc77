"""A trained model at a glance: its values beside baselines, and some of its answers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import baselines
from t2t_mm.evaluation import table as values_lib
from t2t_mm.report import pictures, sounds

Answer = Mapping[str, Any]
"""What mm-decoder writes of one example: inputs, outputs, score, reference, references."""

_REFERENCES_SHOWN = 3

_PICTURE_WIDTH = 16
"""Of one of several side by side, in cells."""

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
        given = answers.get(task.name, ())
        images = [name for name, declared in task.inputs.items() if declared.kind == "image"]
        examples = _first(task, split, len(given))
        shown = [example[images[0]] for example in examples] if images else []
        colour = bool(console.is_terminal and console.color_system)
        if images and len(task.inputs) == 1 and not task.targets.autoregressive:
            drawn = labelled_pictures(
                shown, given, names=names, colour=colour, columns=console.width
            )
            console.print(drawn)
        else:
            heard = with_sounds(task, given, examples)
            console.print(written(heard, shown if colour else ()))
    simple = {task.name: baselines.measure(task, split) for task in tasks}
    values_lib.show_values(results, simple, title="What it has learnt", console=console)


def written(answers: Sequence[Answer], images: Sequence[bytes] = ()) -> Any:
    """Returns a rich table of inputs, references and what the model wrote.

    Args:
      answers: with text, or several inputs by name.
      images: encoded, to be drawn over the answers they belong to; none to leave them out.
    """
    from rich import table, text

    shown = table.Table(show_header=False, title="What it writes", title_justify="left")
    shown.add_column(style="dim")
    shown.add_column(overflow="fold")
    for answer, image in itertools.zip_longest(answers, images[: len(answers)]):
        if image is not None:
            shown.add_row("", pictures.half_blocks(image, columns=24))
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


def with_sounds(
    task: task_lib.Task, answers: Sequence[Answer], examples: Sequence[Mapping[str, bytes]]
) -> list[Answer]:
    """Returns the answers with what can be said of a sound behind the name of its record.

    Args:
      task: whose inputs they answer.
      answers: to the examples, in their order.
      examples: the records, a value a feature.
    """
    heard = [name for name, declared in task.inputs.items() if declared.kind == "audio"]
    shown: list[Answer] = []
    for answer, example in zip(answers, examples, strict=False):
        inputs = answer["inputs"]
        named = dict(inputs) if isinstance(inputs, Mapping) else dict.fromkeys(task.inputs, inputs)
        for name in heard:
            named[name] = f"{named[name]}: {sounds.about(example[name]).summary()}"
        single = len(task.inputs) == 1
        shown.append({**answer, "inputs": next(iter(named.values())) if single else named})
    return shown


def labelled_pictures(
    images: Sequence[bytes],
    answers: Sequence[Answer],
    *,
    names: Mapping[str, str],
    colour: bool,
    columns: int,
) -> Any:
    """Returns pictures (where the terminal has colours) over their labels and predictions.

    As many stand side by side as the terminal has room for, the others below them.

    Args:
      images: encoded, in the order of `answers`.
      answers: with class names as reference and outputs.
      names: what to call a class, where its name is but a code.
      colour: whether pictures can be shown.
      columns: of the terminal.
    """
    from rich import cells, table, text

    wanted = [names.get(answer["reference"], answer["reference"]) for answer in answers]
    said = [names.get(answer["outputs"], answer["outputs"]) for answer in answers]
    captions = [*wanted, *said]
    room = columns - _HEAD_WIDTH
    widest = max(map(cells.cell_len, captions), default=1)
    if len(answers) * (widest + _FRAME_WIDTH) > room:  # so captions are wrapped between words
        words = [word for caption in captions for word in caption.split()]
        widest = max(map(cells.cell_len, words), default=1)
    width = max(1, min(max(widest, _PICTURE_WIDTH if colour else 1), room - _FRAME_WIDTH))
    abreast = max(1, room // (width + _FRAME_WIDTH))
    shown = table.Table(show_header=False, title="What it sees", title_justify="left")
    shown.add_column(style="dim")
    for _ in range(min(abreast, len(answers))):
        shown.add_column(justify="center", width=width, overflow="fold")
    right = [a["outputs"] in a.get("references", [a["reference"]]) for a in answers]
    marks = ["green" if one else "yellow" for one in right]
    for start in range(0, len(answers), abreast):
        part = slice(start, start + abreast)
        if colour:
            size = min(_PICTURE_WIDTH, width)
            shown.add_row("", *(pictures.half_blocks(i, columns=size) for i in images[part]))
        shown.add_row("label", *map(text.Text, wanted[part]))
        given = zip(said[part], marks[part], strict=True)
        shown.add_row("model", *(text.Text(word, style=mark) for word, mark in given))
        shown.add_section()
    return shown


def _first(task: task_lib.Task, split: str, count: int) -> list[dict[str, bytes]]:
    found = (e for file in task.manifest().files(split) for e in records.read_examples(file))
    return list(itertools.islice(found, count))
