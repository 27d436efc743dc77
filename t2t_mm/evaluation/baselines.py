"""What the simplest answers score: the least that a trained model has to beat.

Nothing is learnt but how frequent things are in training. A problem may bring an answer
of its own (`Problem.simple_answer`); else a class is answered by the most frequent one,
a text made from one other text by a copy of that, and any other text by the most
frequent one. Probabilities are those of frequencies: of classes, or of the pieces of
texts. All is measured by the problem's own metrics.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from t2t_mm import problem as problem_lib
from t2t_mm import registry
from t2t_mm.data import records, vocabulary
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import base

COPY = "copy the source"
FREQUENT_CLASS = "most frequent class"
FREQUENT_TEXT = "most frequent text of training"
PIECES = "frequencies of pieces"

READ_AT_MOST = 100_000
"""Training examples that are counted; they lie in random order, so the first will do."""

_UNSEEN = 0.5  # what training never showed counts as half seen, or else it is impossible
_NEVER = -1e9

Values = Mapping[str, tuple[bytes, ...]]
"""One example, as a record holds it."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """Values by metric (as far as they are defined), and whose they are.

    Attributes:
      name: of the simple answer.
      values: by metric.
      names: of another simple answer, for the metrics that it is of.
    """

    name: str
    values: Mapping[str, float]
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def name_of(self, metric: str) -> str:
        """Returns what the value of a metric is to do; empty where there is no value."""
        return self.names.get(metric, self.name) if metric in self.values else ""

    def describe(self) -> dict[str, Any]:
        """Returns the baseline as JSON values."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class _Answers:
    """Simple answers to every example, and what a metric of some need is given of them."""

    name: str
    given: Mapping[str, Any]


def measure(task: task_lib.Task, split: str, *, max_examples: int | None = None) -> Baseline | None:
    """Returns the baseline of a problem on one of its splits.

    None where no metric of the problem can be measured without a model.

    Args:
      task: the problem and its data.
      split: a generated split.
      max_examples: the first so many only, as an evaluation takes them; None or 0 for all.

    Raises:
      DataError: for records that are missing or damaged.
    """
    examples = list(_examples(task, split, max_examples, kept=_kept(task)))
    classes = getattr(task.targets, "classes", None)
    made = _of_classes(task, examples, classes) if classes else _of_texts(task, examples)
    values: dict[str, float] = {}
    names: dict[str, str] = {}
    for name in task.metrics:
        metric = registry.metrics.get(name)(task)
        answers = next((answers for answers in made if metric.needs in answers.given), None)
        if answers is not None:
            metric.update(answers.given[metric.needs])
            result = metric.result()
            values |= result
            names |= dict.fromkeys(result, answers.name)
    if not values:
        return None
    main = next(iter(names.values()))
    return Baseline(main, values, {m: name for m, name in names.items() if name != main})


def _of_classes(
    task: task_lib.Task, examples: Sequence[Values], classes: Sequence[str]
) -> list[_Answers]:
    """Answers by the problem's own rule, if any, and by the frequencies of training."""
    ids = {name: number for number, name in enumerate(classes)}
    labels = np.array([ids.get(_targets(e)[0], -1) for e in examples])  # [B]
    seen = collections.Counter(_targets(e)[0] for e in _training(task))
    counts = np.array([max(float(seen[name]), _UNSEEN) for name in classes])
    log_probs = np.log(counts / counts.sum())  # [C]
    known = labels[labels >= 0]
    likeliest = classes[int(log_probs.argmax())]
    frequent = _Answers(
        FREQUENT_CLASS,
        {
            "classes": base.Classes(np.tile(log_probs, (len(labels), 1)), labels),
            "decodes": _decodes(examples, [likeliest] * len(examples)),
            "scores": base.Scores(
                nats=float(-log_probs[known].sum()),
                correct=float((labels == log_probs.argmax()).sum()),
                tokens=float(len(known)),
                unknown=float(len(labels) - len(known)),
            ),
        },
    )
    own = _own_answers(task, examples)
    if own is None:
        return [frequent]
    outputs = own.given["decodes"].outputs
    certain = np.full((len(labels), len(classes)), _NEVER)  # [B, C]
    for row, output in enumerate(outputs):
        if output in ids:
            certain[row, ids[output]] = 0.0
    return [_Answers(own.name, {**own.given, "classes": base.Classes(certain, labels)}), frequent]


def _of_texts(task: task_lib.Task, examples: Sequence[Values]) -> list[_Answers]:
    """Answers by the problem's own rule, or a copy, or one text for all; and by pieces."""
    answers = _own_answers(task, examples)
    kinds = [declared.kind for declared in task.inputs.values()]
    if answers is None and kinds == [task.targets.kind]:
        (source,) = task.inputs
        copies = [example[source][0].decode("utf-8") for example in examples]
        answers = _Answers(COPY, {"decodes": _decodes(examples, copies)})
    if answers is None:
        seen = collections.Counter(_targets(example)[0] for example in _training(task))
        ((text, _),) = seen.most_common(1)
        answers = _Answers(FREQUENT_TEXT, {"decodes": _decodes(examples, [text] * len(examples))})
    made = [answers]
    if hasattr(task.targets, "vocab"):
        made.append(_Answers(PIECES, {"scores": _piece_scores(task, examples)}))
    return made


def _kept(task: task_lib.Task) -> list[str]:
    """Returns the features that answers are made of: pictures and sounds would fill memory."""
    declared = registry.problems.get(task.name) if task.name in registry.problems else None
    inherited = problem_lib.Problem.simple_answer
    has_rule = declared is not None and declared.simple_answer is not inherited
    kept = [name for name, one in task.inputs.items() if has_rule or one.kind == "language"]
    return [*kept, task_lib.TARGETS, task_lib.KEY]


def _own_answers(task: task_lib.Task, examples: Sequence[Values]) -> _Answers | None:
    """Returns the answers of the problem's own rule; None where it has none."""
    if task.name not in registry.problems:
        return None
    problem = registry.problems.get(task.name)()
    outputs = []
    for example in examples:
        inputs = {name: example[name][0] for name in task.inputs if name in example}
        output = problem.simple_answer(inputs)
        if output is None:
            return None
        outputs.append(output)
    name = problem.simple_answer_name or "the problem's own simple answer"
    return _Answers(name, {"decodes": _decodes(examples, outputs)})


def _piece_scores(task: task_lib.Task, examples: Sequence[Values]) -> base.Scores:
    """Gives every piece the probability that its frequency in training says."""
    counts = np.zeros(task.vocabulary.size)
    for example in _training(task):
        np.add.at(counts, _pieces(task, example), 1)
    counts = np.maximum(counts, _UNSEEN)
    log_probs = np.log(counts / counts.sum())  # [V]
    ids = np.concatenate([_pieces(task, example) for example in examples])
    return base.Scores(
        nats=float(-log_probs[ids].sum()),
        correct=float((ids == log_probs.argmax()).sum()),
        tokens=float(len(ids)),
    )


def _pieces(task: task_lib.Task, example: Values) -> np.ndarray:
    """Returns the ids of an example's target as a model is shown them: int `[T]`."""
    ids = task.vocabulary.encode(_targets(example)[0])
    longest = getattr(task.targets, "max_length", len(ids) + 1)
    return np.array([*ids[: longest - 1], vocabulary.EOS_ID])


def _decodes(examples: Sequence[Values], outputs: Sequence[str]) -> base.Decodes:
    keys = [example[task_lib.KEY][0].decode("utf-8") for example in examples]
    return base.Decodes(outputs, [_targets(example) for example in examples], keys)


def _targets(example: Values) -> tuple[str, ...]:
    return tuple(value.decode("utf-8") for value in example[task_lib.TARGETS])


def _training(task: task_lib.Task) -> Iterator[Values]:
    return _examples(task, task.splits[0], READ_AT_MOST, kept=[task_lib.TARGETS])


def _examples(
    task: task_lib.Task, split: str, limit: int | None, *, kept: Sequence[str]
) -> Iterator[Values]:
    """Yields the first examples of a split, with no more than the features `kept`."""
    files = task.manifest().files(split)
    found = (example for file in files for example in records.read_values(file))
    for example in itertools.islice(found, limit or None):
        yield {name: example[name] for name in kept}
