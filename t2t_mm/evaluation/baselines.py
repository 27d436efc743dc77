"""What the simplest answers score: the least that a trained model has to beat.

Texts are answered by a copy of the source, classes by how frequent they are in
training, whatever the picture shows. Both are measured by the problem's own metrics.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping

import numpy as np

from t2t_mm import registry
from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import base

COPY = "copy the source"
FREQUENT = "most frequent class"


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A simple answer's name, and its values by metric (as far as they are defined)."""

    name: str
    values: Mapping[str, float]


def measure(task: task_lib.Task, split: str) -> Baseline | None:
    """Returns the baseline of a problem on one of its splits.

    None where there is no such answer: text to be written about something else.

    Args:
      task: the problem and its data.
      split: a generated split.

    Raises:
      DataError: for records that are missing or damaged.
    """
    targets = task.targets
    classes = getattr(targets, "classes", None)
    if classes:
        return Baseline(FREQUENT, _metrics(task, _by_frequency(task, split, classes)))
    sources = [name for name, declared in task.inputs.items() if declared.kind == targets.kind]
    if not sources:
        return None
    return Baseline(COPY, _metrics(task, {"decodes": _copies(task, split, sources[0])}))


def _metrics(task: task_lib.Task, given: Mapping[str, object]) -> dict[str, float]:
    """Feeds the problem's metrics; one that needs what is not given is left out."""
    values: dict[str, float] = {}
    for name in task.metrics:
        metric = registry.metrics.get(name)(task)
        if metric.needs in given:
            metric.update(given[metric.needs])
            values |= metric.result()
    return values


def _copies(task: task_lib.Task, split: str, source: str) -> base.Decodes:
    examples = _examples(task, split)
    return base.Decodes(
        outputs=[example[source].decode("utf-8") for example in examples],
        references=[example[task_lib.TARGETS].decode("utf-8") for example in examples],
    )


def _by_frequency(
    task: task_lib.Task, split: str, classes: tuple[str, ...]
) -> dict[str, base.Classes | base.Scores]:
    """Answers every example with the class frequencies of the training split."""
    ids = {name: number for number, name in enumerate(classes)}
    seen = collections.Counter(_labels(task, task.splits[0], ids))
    # A class that training never showed counts as half seen, or else it is impossible.
    counts = np.array([max(seen[number], 0.5) for number in range(len(classes))])
    log_probs = np.log(counts / counts.sum())  # [C]
    labels = np.array(_labels(task, split, ids))  # [B]
    own = log_probs[labels]
    return {
        "classes": base.Classes(np.tile(log_probs, (len(labels), 1)), labels),
        "scores": base.Scores(
            nats=float(-own.sum()),
            correct=float((labels == log_probs.argmax()).sum()),
            tokens=float(len(labels)),
        ),
    }


def _labels(task: task_lib.Task, split: str, ids: Mapping[str, int]) -> list[int]:
    return [ids[example[task_lib.TARGETS].decode("utf-8")] for example in _examples(task, split)]


def _examples(task: task_lib.Task, split: str) -> list[dict[str, bytes]]:
    files = task.manifest().files(split)
    return [example for file in files for example in records.read_examples(file)]
