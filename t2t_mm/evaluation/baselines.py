"""Baselines: the scores of trivial predictions, which a trained model has to beat.

They use only frequencies in training. A problem may have its own rule
(`Problem.simple_answer`). Otherwise a class is predicted as the most frequent one, a text
with one input text as a copy of the input, and any other text as the most frequent one.
Probabilities are relative frequencies, of classes or of tokens (unigrams). The scores are
those of the problem's own metrics.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from t2t_mm import registry, vocabulary
from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import base
from t2t_mm.settings import batching

COPY = "copy the source"
FREQUENT_CLASS = "most frequent class"
FREQUENT_TEXT = "most frequent text of training"
TOKENS = "frequencies of tokens"

READ_AT_MOST = 100_000
"""Training examples that are counted: the first ones, since the order is random."""

_UNSEEN = 0.5  # count of unseen classes and tokens, so that their probability is not 0
_NEVER = -1e9
_ROWS = 1_000  # examples whose probabilities of all classes are held at once


@dataclasses.dataclass(frozen=True)
class Baseline:
    """The values of a baseline by metric, where defined, and its name.

    Attributes:
      name: of the simple answer.
      values: by metric.
      names: of another simple answer, for the metrics that it is of.
    """

    name: str
    values: Mapping[str, float]
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def name_of(self, metric: str) -> str:
        """Returns the name of the baseline of a metric; empty without a value."""
        return self.names.get(metric, self.name) if metric in self.values else ""

    def describe(self) -> dict[str, Any]:
        """Returns the baseline as JSON values."""
        return dataclasses.asdict(self)


class _Example(NamedTuple):
    """The parts of an example that baselines need: pictures and sounds would fill memory.

    Attributes:
      key: of the record.
      targets: all that are right.
      source: the text of its only input; None where that is not of the targets' kind.
      own: the answer of the problem's own rule, if it has one.
    """

    key: str
    targets: tuple[str, ...]
    source: str | None
    own: str | None


@dataclasses.dataclass(frozen=True)
class _Answers:
    """The baseline's predictions for all examples.

    Attributes:
      name: of the baseline.
      given: by `Metric.needs`, a function that yields the arguments of `update`.
    """

    name: str
    given: Mapping[str, Callable[[], Iterator[Any]]]


def measure(
    task: task_lib.Task,
    split: str,
    *,
    max_examples: int | None = None,
    max_length: int = batching.Batching.max_length,
) -> Baseline | None:
    """Returns the baseline of a problem on one of its splits.

    None where no metric of the problem can be measured without a model.

    Args:
      task: the problem and its data.
      split: a generated split.
      max_examples: the first so many only, as an evaluation takes them; None or 0 for all.
      max_length: tokens of a target at most, where that declares no limit.

    Raises:
      DataError: for records that are missing or damaged.
    """
    examples = list(_examples(task, split, max_examples))
    training = _records(task, task.splits[0], READ_AT_MOST)
    classes = getattr(task.targets, "classes", None)
    most = 1 if classes else None  # training draws among texts, and takes the first of classes
    seen = collections.Counter(text for record in training for text in _targets(record)[:most])
    if classes:
        made = _of_classes(task, examples, classes, seen)
    else:
        made = _of_texts(task, examples, seen, max_length)
    values: dict[str, float] = {}
    names: dict[str, str] = {}
    for name in task.metrics:
        metric = registry.metrics.get(name)(task)
        answers = next((answers for answers in made if metric.needs in answers.given), None)
        if answers is not None:
            for given in answers.given[metric.needs]():
                metric.update(given)
            result = metric.result()
            values |= result
            names |= dict.fromkeys(result, answers.name)
    if not values:
        return None
    main = next(iter(names.values()))
    return Baseline(main, values, {m: name for m, name in names.items() if name != main})


def _of_classes(
    task: task_lib.Task,
    examples: Sequence[_Example],
    classes: Sequence[str],
    seen: Mapping[str, int],
) -> list[_Answers]:
    """Answers by the problem's own rule, if any, and by the frequencies of training."""
    ids = {name: number for number, name in enumerate(classes)}
    labels = np.array([ids.get(example.targets[0], -1) for example in examples])  # [B]
    counts = np.array([max(float(seen.get(name, 0)), _UNSEEN) for name in classes])
    log_probs = np.log(counts / counts.sum())  # [C]
    known = labels[labels >= 0]
    likeliest = classes[int(log_probs.argmax())]
    scores = base.Scores(
        nats=float(-log_probs[known].sum()),
        correct=float((labels == log_probs.argmax()).sum()),
        tokens=float(len(known)),
        unknown=float(len(labels) - len(known)),
    )

    def by_frequency() -> Iterator[base.Classes]:
        for rows in _parts(labels):
            yield base.Classes(np.broadcast_to(log_probs, (len(rows), len(classes))), rows)

    frequent = _Answers(
        FREQUENT_CLASS,
        {
            "classes": by_frequency,
            "decodes": _once(_decodes(examples, [likeliest] * len(examples))),
            "scores": _once(scores),
        },
    )
    own = _own_answers(task, examples)
    if own is None:
        return [frequent]
    said = np.array([ids.get(example.own or "", -1) for example in examples])  # [B]

    def by_rule() -> Iterator[base.Classes]:
        for rows, answers in zip(_parts(labels), _parts(said), strict=True):
            certain = np.full((len(rows), len(classes)), _NEVER)
            answered = np.flatnonzero(answers >= 0)
            certain[answered, answers[answered]] = 0.0
            yield base.Classes(certain, rows)

    return [_Answers(own.name, {**own.given, "classes": by_rule}), frequent]


def _of_texts(
    task: task_lib.Task,
    examples: Sequence[_Example],
    seen: Mapping[str, int],
    max_length: int,
) -> list[_Answers]:
    """Predicts by the problem's own rule, a copy, or one text for all; and scores tokens."""
    answers = _own_answers(task, examples)
    if answers is None:
        name, outputs = COPY, [example.source for example in examples]
        if None in outputs:
            name, outputs = FREQUENT_TEXT, [max(seen, key=seen.__getitem__)] * len(examples)
        answers = _Answers(name, {"decodes": _once(_decodes(examples, outputs))})
    made = [answers]
    if hasattr(task.targets, "vocab"):
        made.append(
            _Answers(TOKENS, {"scores": _once(_token_scores(task, examples, seen, max_length))})
        )
    return made


def _own_answers(task: task_lib.Task, examples: Sequence[_Example]) -> _Answers | None:
    """Returns the answers of the problem's own rule; None where it has none."""
    outputs = [example.own for example in examples]
    if None in outputs or not outputs:
        return None
    name = registry.problems.get(task.name).simple_answer_name
    decodes = _once(_decodes(examples, outputs))
    return _Answers(name or "the problem's own simple answer", {"decodes": decodes})


def _token_scores(
    task: task_lib.Task,
    examples: Sequence[_Example],
    seen: Mapping[str, int],
    max_length: int,
) -> base.Scores:
    """Gives every token the probability that its frequency in training says."""
    counts = np.zeros(task.vocabulary.size)
    for text, times in seen.items():
        np.add.at(counts, _tokens(task, text, max_length), times)
    counts = np.maximum(counts, _UNSEEN)
    log_probs = np.log(counts / counts.sum())  # [V]
    ids = np.concatenate([_tokens(task, example.targets[0], max_length) for example in examples])
    return base.Scores(
        nats=float(-log_probs[ids].sum()),
        correct=float((ids == log_probs.argmax()).sum()),
        tokens=float(len(ids)),
    )


def _tokens(task: task_lib.Task, text: str, max_length: int) -> np.ndarray:
    """Returns the ids of a target as a model is shown them: int `[T]`."""
    ids = task.vocabulary.encode(text)
    longest = getattr(task.targets, "max_length", None) or max_length
    return np.array([*ids, vocabulary.EOS_ID][:longest])


def _decodes(examples: Sequence[_Example], outputs: Sequence[str | None]) -> base.Decodes:
    texts = [output or "" for output in outputs]
    return base.Decodes(texts, [e.targets for e in examples], [e.key for e in examples])


def _once(given: Any) -> Callable[[], Iterator[Any]]:
    return functools.partial(iter, (given,))


def _parts(labels: np.ndarray) -> Iterator[np.ndarray]:
    return (labels[start : start + _ROWS] for start in range(0, len(labels), _ROWS))


def _examples(task: task_lib.Task, split: str, limit: int | None) -> Iterator[_Example]:
    """Yields the first examples of a split, and what the problem's own rule says to them."""
    is_known = task.name in registry.problems  # a run may be read without its plugins
    rule = registry.problems.get(task.name)().simple_answer if is_known else None
    same = [type(declared) for declared in task.inputs.values()] == [type(task.targets)]
    for record in _records(task, split, limit):
        inputs = {name: record[name][0] for name in task.inputs}
        yield _Example(
            key=record[task_lib.KEY][0].decode("utf-8"),
            targets=_targets(record),
            source=next(iter(inputs.values())).decode("utf-8") if same else None,
            own=rule(inputs) if rule else None,
        )


def _records(
    task: task_lib.Task, split: str, limit: int | None
) -> Iterator[Mapping[str, Sequence[bytes]]]:
    files = task.manifest().files(split)
    first_records = (record for file in files for record in records.read_values(file))
    return itertools.islice(first_records, limit or None)


def _targets(record: Mapping[str, Sequence[bytes]]) -> tuple[str, ...]:
    return tuple(value.decode("utf-8") for value in record[task_lib.TARGETS])
