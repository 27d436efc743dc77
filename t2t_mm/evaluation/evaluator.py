"""Computes the metrics of a task in one pass over a split.

The training loop calls `run` with the current weights, `mm-eval` with restored ones.
Compiled functions are cached for each model (`decoding.functions`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from t2t_mm import errors, registry
from t2t_mm.data import pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import answers as answers_lib
from t2t_mm.decoding import concurrent, functions, predict
from t2t_mm.evaluation import base, of_task, sharing
from t2t_mm.settings import batching as batching_lib
from t2t_mm.settings import decoding


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation of one task.

    Args:
      values: by name of metric.
      notes: information needed to compare the values, by metric (BLEU's signature).
      answers: of the model, in the order of the records, with printable inputs
        (`predict.shown_inputs`); empty if no metric needs them.
      references: the raw targets, one or more for each example, in the same order.
      cut: how many examples have a truncated text.
    """

    values: dict[str, float]
    notes: dict[str, str]
    answers: list[answers_lib.Answer]
    references: list[tuple[str, ...]]
    cut: int = 0


class Change(Protocol):
    """A change of the inputs of batches before the model sees them, such as an attack."""

    def spec(self, spec: functions.Spec) -> dict[str, Any]:
        """Returns the spec of changed inputs, of that of inputs."""

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the changed inputs of a batch; called for several concurrently."""


def run(
    model: Any,
    task: task_lib.Task,
    split: str,
    batching: batching_lib.Batching,
    decode_settings: decoding.DecodeSettings,
    *,
    max_examples: int | None = None,
    progress: Callable[[int], None] | None = None,
    workers: sharing.Workers | None = None,
) -> Evaluation:
    """Measures a model on a split of a task.

    Args:
      model: with `loss`, and the incremental interface or `class_logits`.
      task: the problem bound to its data.
      split: name of a generated split.
      batching: sizes of batches.
      decode_settings: of the search, for metrics on what the model writes.
      max_examples: the first so many only; None or 0 for all.
      progress: called with the number of examples done so far, on all workers at the same.
      workers: who share the work, where there are several: each computes its part of the
        batches, and returns what one would that computed all.

    Raises:
      ConfigError: for a metric that does not fit the targets.
      DataError: for a split that is not there, or is empty.
      NotFiniteError: where the model gives scores that are no numbers.
    """
    metrics = metrics_of(task)
    decode_settings.check(task)
    part = (0, 1) if workers is None else (workers.index, workers.count)
    dataset = pipeline.eval_dataset(
        task, split, batching, max_examples=max_examples or None, part=part
    )
    search = decode_settings.within(task.targets, batching.max_length)
    feed = Feed(model, task, metrics, dataset.element_spec, search)
    measured = feed.measure(pipeline.iterate(dataset, task, split))
    for result in measured if workers is None else sharing.of_all(measured, workers):
        feed.take(result)
        if progress is not None:
            progress(len(feed.references))
    return feed.finish(split)


class OfExamples:
    """Measures a model on examples that are at hand, again and again: all is traced once.

    Args:
      model: as of `run`.
      task: the problem.
      batching: sizes of batches.
      decode_settings: of the search.
      most: examples of a call.

    Raises:
      ConfigError: as of `run`.
    """

    def __init__(
        self,
        model: Any,
        task: task_lib.Task,
        batching: batching_lib.Batching,
        decode_settings: decoding.DecodeSettings,
        *,
        most: int,
    ) -> None:
        decode_settings.check(task)
        self._model, self._task = model, task
        self._search = decode_settings.within(task.targets, batching.max_length)
        self._examples: Sequence[bytes] = ()
        self._dataset = pipeline.examples_dataset(
            task, lambda: self._examples, batching, largest_pool=most
        )

    def __call__(self, serialized: Sequence[bytes], change: Change | None = None) -> Evaluation:
        """Measures the model.

        Args:
          serialized: examples as in records.
          change: of the inputs, before the model sees them.

        Raises:
          NotFiniteError: as of `run`.
        """
        self._examples = serialized
        spec = dict(self._dataset.element_spec)
        if change is not None:
            spec["inputs"] = change.spec(spec["inputs"])
        feed = Feed(self._model, self._task, metrics_of(self._task), spec, self._search)

        for result in feed.measure(pipeline.iterate(self._dataset, self._task, None), change):
            feed.take(result)
        return feed.finish("examples")


def metrics_of(task: task_lib.Task) -> list[base.Metric]:
    """Makes the metrics of a task, those that every task has included.

    Raises:
      ConfigError: for an unknown metric, or one that does not fit the targets.
    """
    metrics = []
    for name in of_task.names(task):
        metric = registry.metrics.get(name)(task)
        if metric.needs not in base.NEEDS:
            raise errors.ConfigError(
                f"The metric {name!r} needs something unknown",
                received=repr(metric.needs),
                expected=f"one of {', '.join(base.NEEDS)}",
            )
        if metric.needs == "classes" and task.targets.autoregressive:
            raise errors.ConfigError(
                f"The metric {name!r} of {task.name!r} is for classes",
                received=f"{task.targets.kind} targets",
                hint="For text take token_accuracy (true targets shown) or exact_match (decoded)",
            )
        metrics.append(metric)
    return metrics


class _Computed(NamedTuple):
    """The model's outputs for a batch.

    Attributes:
      answers: one for each row, without inputs; none if no metric needs them.
      scores: of all rows together; None if no metric needs them.
      classes: of problems with classes, else None.
      measured: of each row, what `Answer.measured` keeps; none of a model that does not tell.
    """

    answers: list[answers_lib.Answer]
    scores: base.Scores | None
    classes: base.Classes | None
    measured: list[dict[str, float]]


class Feed:
    """Computes the arguments of the metrics from batches, and updates the metrics."""

    def __init__(
        self,
        model: Any,
        task: task_lib.Task,
        metrics: list[base.Metric],
        spec: Mapping[str, Any],
        settings: decoding.DecodeSettings,
    ) -> None:
        self._model, self._task, self._metrics = model, task, metrics
        self._spec, self._settings = spec, settings
        self._needs = {metric.needs for metric in metrics}
        self._functions = functions.of(model)
        self._answers: dict[int, answers_lib.Answer] = {}
        self._keys: dict[int, str] = {}
        self._cut = 0
        self.references: dict[int, tuple[str, ...]] = {}

    def measure(
        self, batches: Iterable[Mapping[str, Any]], change: Change | None = None
    ) -> Iterator[sharing.Measured]:
        """Runs the model on batches, several at once, and yields their results in order."""

        def compute(batch: Mapping[str, Any]) -> _Computed:
            return self._compute(batch if change is None else {**batch, "inputs": change(batch)})

        for batch, computed in concurrent.each(compute, batches):
            yield self._measured(batch, computed)

    def take(self, result: sharing.Measured) -> None:
        """Updates the metrics with the results of a batch."""
        twice = [place for place in result.places if place in self.references]
        if twice:
            raise RuntimeError(f"The data set gave example {twice[0]} twice.")
        self.references.update(zip(result.places, result.references, strict=True))
        self._cut += result.cut
        self._keys.update(zip(result.places, result.keys, strict=True))
        if result.answers:
            self._answers.update(zip(result.places, result.answers, strict=True))
        if result.classes is not None:
            self._give("classes", result.classes)
        if result.scores is not None:
            self._give("scores", result.scores)

    def finish(self, split: str) -> Evaluation:
        if not self.references:
            raise errors.DataError(
                f"The split {split!r} of {self._task.name!r} has no examples",
                received=self._task.data_dir,
            )
        references = predict.in_order(self.references)
        answers = predict.in_order(self._answers)
        if "decodes" in self._needs:
            outputs = [answer.outputs for answer in answers]
            self._give("decodes", base.Decodes(outputs, references, predict.in_order(self._keys)))
        values: dict[str, float] = {}
        notes: dict[str, str] = {}
        for metric in self._metrics:
            values.update({name: float(value) for name, value in metric.result().items()})
            notes.update(metric.notes())
        return Evaluation(values, notes, answers, references, self._cut)

    def _compute(self, batch: Mapping[str, Any]) -> _Computed:
        return self._text(batch) if self._task.targets.autoregressive else self._classes(batch)

    def _measured(self, batch: Mapping[str, Any], computed: _Computed) -> sharing.Measured:
        """Returns the model's outputs for a batch with what the batch says of its examples."""
        keys, references = predict.texts(batch["key"]), predict.references(batch)
        answers = []
        if computed.answers:
            shown = predict.shown_inputs(self._task, batch)
            rows = zip(computed.answers, shown, references, keys, strict=True)
            answers = [
                dataclasses.replace(
                    answer,
                    inputs=inputs,
                    references=own,
                    key=key,
                    measured=computed.measured[row] if computed.measured else None,
                )
                for row, (answer, inputs, own, key) in enumerate(rows)
            ]
        return sharing.Measured(
            places=batch["index"].numpy().tolist(),
            keys=keys,
            references=references,
            cut=self._task.cut_examples(batch),
            answers=answers,
            scores=computed.scores,
            classes=computed.classes,
        )

    def _text(self, batch: Mapping[str, Any]) -> _Computed:
        scores, answers, measured = None, [], []
        if "scores" in self._needs:
            spec = {name: self._spec[name] for name in ("inputs", "targets")}
            sums = self._functions.sums(self._task, spec)({name: batch[name] for name in spec})
            *of_batch, by_row = sums
            scores = base.Scores(*map(float, of_batch))
            names = ("nats", "correct", "tokens")
            measured = [dict(zip(names, row, strict=True)) for row in by_row.numpy().tolist()]
        if "decodes" in self._needs:
            answers = predict.decode_batch(
                self._model, self._task, batch, self._spec["inputs"], self._settings
            )
        return _Computed(answers, scores, None, measured)

    def _classes(self, batch: Mapping[str, Any]) -> _Computed:
        """Computes scores, classes and answers in one forward pass."""
        of_batch = self._functions.class_log_probs(self._task, self._spec["inputs"])
        log_probs = of_batch(batch["inputs"]).numpy()  # [B, C]
        labels = batch["targets"].numpy()
        # A class that the model does not have (-1) has no probability to be measured.
        known = np.flatnonzero(labels >= 0)
        own = log_probs[known, labels[known]]
        correct = np.argmax(log_probs, axis=1) == labels
        scores = base.Scores(
            nats=-float(own.sum()),
            correct=float(correct.sum()),
            tokens=len(known),
            unknown=len(labels) - len(known),
        )
        answers = predict.classes(self._task, log_probs, self._settings.n_best)
        classes = base.Classes(log_probs, labels)
        measured = [
            {"nats": -float(row[label]), "rank": rank} if label >= 0 else {}
            for row, label, rank in zip(log_probs, labels, classes.ranks().tolist(), strict=True)
        ]
        return _Computed(answers, scores, classes, measured)

    def _give(self, need: str, given: Any) -> None:
        for metric in self._metrics:
            if metric.needs == need:
                metric.update(given)
