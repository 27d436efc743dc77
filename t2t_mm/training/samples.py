"""Samples: a few examples, always the same, with what the model makes of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from t2t_mm import errors
from t2t_mm.data import pipeline, records
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import answers as answers_lib
from t2t_mm.decoding import predict
from t2t_mm.training import session

_MARKUP = re.compile(r"[\\`*_{}\[\]()<>#!|&~]")


def read(task: task_lib.Task, split: str, count: int) -> list[dict[str, bytes]]:
    """Returns the first examples of a split, in the order in which answers come.

    Args:
      task: the problem and its data.
      split: that was evaluated.
      count: of examples, or fewer where the split has fewer.

    Returns:
      the values of records, by name; of several targets the first.
    """
    files = task.manifest().files(split)
    examples = itertools.chain.from_iterable(map(records.read_examples, files))
    return list(itertools.islice(examples, count))


def answers(
    made: session.Session, task: task_lib.Task, split: str, count: int
) -> list[answers_lib.Answer]:
    """Decodes the first examples of a split, for a problem whose metrics need no outputs.

    Returns:
      the answers with their references; none where the model's scores are no numbers.
    """
    dataset = pipeline.eval_dataset(task, split, made.batching, max_examples=count)
    search = made.decode_settings.within(task.targets, made.batching.max_length)
    try:
        return predict.decode_dataset(made.model, task, dataset, search)
    except errors.NotFiniteError:
        return []


def table(
    task: task_lib.Task,
    examples: Sequence[Mapping[str, bytes]],
    outputs: Sequence[str],
    references: Sequence[Sequence[str]],
) -> str:
    """Returns examples as a table in Markdown, a row each; what is data is escaped.

    Args:
      task: their problem, whose views say how values are shown.
      examples: values of records, by name.
      outputs: of the model.
      references: the right outputs, one or more for each example.
    """
    views = {name: declared.view(task.vocabularies) for name, declared in task.inputs.items()}
    targets = task.targets.view(task.vocabularies)
    rows = [["", *views, "output", "reference"]]
    for number, values in enumerate(zip(examples, outputs, references, strict=False), start=1):
        example, output, right = values
        rows.append(
            [
                str(number),
                *(_escaped(view.summary(example[name])) for name, view in views.items()),
                _escaped(targets.summary(output.encode("utf-8"))),
                "<br>".join(_escaped(targets.summary(one.encode("utf-8"))) for one in right),
            ]
        )
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _escaped(text: str) -> str:
    """Returns a text in which nothing is markup, neither Markdown's nor HTML's."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", text)
