"""Decodes a dataset, and returns the outputs in the order of its examples."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import answers as answers_lib
from t2t_mm.decoding import concurrent, functions, sampling
from t2t_mm.settings import decoding


def decode_dataset(
    model: Any,
    task: task_lib.Task,
    dataset: tf.data.Dataset,
    settings: decoding.DecodeSettings,
    numbers: Sequence[int] | None = None,
) -> list[answers_lib.Answer]:
    """Decodes every example of a dataset, and returns the answers by `index`.

    Their inputs are left None: the caller knows how to show them.

    Args:
      model: with the incremental interface, or `class_logits` for a class problem.
      task: the problem, with its vocabularies and classes.
      dataset: batches with `inputs` and `index` (place of each example).
      settings: of the search.
      numbers: of each example, by `index`, what its samples depend on beside the seed (see
        `sampling.numbers`); `index` itself when left out.

    Raises:
      NotFiniteError: where the model gives scores that are no numbers.
    """
    spec = dataset.element_spec["inputs"]

    def work(batch: Mapping[str, Any]) -> list[answers_lib.Answer]:
        own = None if numbers is None else [numbers[i] for i in batch["index"].numpy()]
        return decode_batch(model, task, batch, spec, settings, own)

    answers: dict[int, answers_lib.Answer] = {}
    for batch, decoded in concurrent.each(work, pipeline.iterate(dataset, task, None)):
        answers.update(zip(batch["index"].numpy().tolist(), decoded, strict=True))
    return in_order(answers)


def decode_batch(
    model: Any,
    task: task_lib.Task,
    batch: Mapping[str, Any],
    spec: functions.Spec,
    settings: decoding.DecodeSettings,
    numbers: Sequence[int] | None = None,
) -> list[answers_lib.Answer]:
    """Decodes one batch, whose inputs are of `spec`.

    Samples depend on the `numbers` of its rows: left out, on the inputs of records that the
    batch holds (`raw_inputs`), or on `index` where there are none.
    """
    compiled = functions.of(model)
    if not task.targets.autoregressive:
        log_probs = compiled.class_log_probs(task, spec)(batch["inputs"]).numpy()
        return classes(task, log_probs, settings.n_best)
    rows = _numbers(batch, settings) if numbers is None else tf.constant(numbers, tf.int64)
    hypotheses = compiled.search(task, settings, spec)(
        batch["inputs"], rows, batch.get("raw_inputs")
    )
    answers = []
    for row in zip(*(tensor.numpy() for tensor in hypotheses), strict=True):
        outputs = [
            _answer(
                task,
                task.vocabulary.decode(ids[:length].tolist()),
                score,
                penalised_score=float(penalised) if settings.alpha else None,
            )
            for number, (ids, score, penalised, length) in enumerate(zip(*row, strict=True))
            if number == 0 or score != -math.inf  # a beam may have found fewer
        ]
        answers.append(_with_others(outputs, settings.n_best))
    return answers


def classes(
    task: task_lib.Task, log_probs: np.ndarray, n_best: int = 1
) -> list[answers_lib.Answer]:
    """Returns the `count` likeliest classes, or all, of each row of float [B, C]."""
    targets: Any = task.targets
    best = np.argsort(-log_probs, axis=1, kind="stable")[:, :n_best]
    return [
        _with_others([_answer(task, targets.classes[c], row[c]) for c in places], n_best)
        for places, row in zip(best.tolist(), log_probs, strict=True)
    ]


def in_order(values: Mapping[int, Any]) -> list[Any]:
    """Returns the values by key, which must be 0, 1, 2 and on without a gap."""
    missing = sorted(set(range(len(values))) - set(values))
    if missing:
        raise RuntimeError(f"The data set left out example {missing[0]}.")
    return [values[place] for place in range(len(values))]


def shown_inputs(task: task_lib.Task, batch: Mapping[str, Any]) -> list[Any]:
    """Returns the inputs of a batch of records as they can be printed.

    Text as it is, and the record's key for what cannot be printed; an object by name
    where there are several inputs, or none.
    """
    keys = texts(batch["key"])
    columns = {
        name: texts(batch["raw_inputs"][name]) if declaration.is_text else keys
        for name, declaration in task.inputs.items()
    }
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [{name: column[row] for name, column in columns.items()} for row in range(len(keys))]


def texts(strings: tf.Tensor) -> list[str]:
    """Returns a tensor of UTF-8 bytes, string [B], as texts."""
    return [value.decode("utf-8") for value in strings.numpy().tolist()]


def references(batch: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Returns all targets of each record of an evaluation batch, the first one first."""
    rows = batch["references"].to_list()
    return [tuple(value.decode("utf-8") for value in row) for row in rows]


def numbers(raw: Sequence[Mapping[str, bytes]], *, asked: int = 0) -> list[int]:
    """Returns what samples of each input depend on beside the seed (see `sampling.numbers`)."""
    columns = {name: tf.constant([each[name] for each in raw]) for name in raw[0]}
    found: list[int] = sampling.numbers(columns, asked=asked).numpy().tolist()
    return found


def _numbers(batch: Mapping[str, Any], settings: decoding.DecodeSettings) -> tf.Tensor:
    """Returns int [B], of each row what its samples depend on beside the seed."""
    raw = batch.get("raw_inputs")
    if not (raw and settings.samples):
        return batch["index"]
    return sampling.numbers(raw)


def _with_others(outputs: list[answers_lib.Answer], n_best: int) -> answers_lib.Answer:
    """Returns the first output for an input, with all of them if several were requested."""
    return outputs[0] if n_best == 1 else dataclasses.replace(outputs[0], n_best=tuple(outputs))


def _answer(
    task: task_lib.Task, outputs: str, score: Any, penalised_score: float | None = None
) -> answers_lib.Answer:
    if not math.isfinite(score):
        raise errors.NotFiniteError(
            f"The model's scores for {task.name} are no finite numbers",
            received=f"log-probability {score}",
            hint="Its weights have diverged; take an earlier checkpoint, or train with a"
            " smaller learning rate",
        )
    return answers_lib.Answer(None, outputs, float(score), penalised_score=penalised_score)
