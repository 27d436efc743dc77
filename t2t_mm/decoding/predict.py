"""Decoding of a data set: batches in any order in, outputs in the right order back."""

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
from t2t_mm.decoding import concurrent, requests
from t2t_mm.decoding import functions as compiled
from t2t_mm.settings import decoding


@dataclasses.dataclass(frozen=True)
class Decode:
    """One output.

    Args:
      outputs: text (detokenised), or the name of a class.
      score: its log-probability, in nats: a sum over the pieces of a text, under the model
        as it is, whatever they were drawn from. No length penalty is in it.
      length: pieces of a text, end token included; 1 for a class.
      rank: what outputs are ordered by: the score over the length penalty of a beam.
      others: the further ones of the `n_best` of this input: of a beam or of classes
        the next best, of sampling the next samples.
    """

    outputs: str
    score: float
    length: int
    rank: float
    others: tuple[Decode, ...] = ()


def decode_dataset(
    model: Any,
    task: task_lib.Task,
    dataset: tf.data.Dataset,
    settings: decoding.DecodeSettings,
    numbers: Sequence[int] | None = None,
) -> list[Decode]:
    """Decodes every example of a data set and returns the outputs by `index`.

    Args:
      model: with the incremental interface, or `class_logits` for a class problem.
      task: the problem, with its vocabularies and classes.
      dataset: batches with `inputs` and `index` (place of each example).
      settings: of the search.
      numbers: of each example, by `index`, what its samples depend on beside the seed (see
        `inputs.number`); `index` itself when left out.

    Raises:
      NotFiniteError: where the model gives scores that are no numbers.
    """
    spec = dataset.element_spec["inputs"]

    def work(batch: Mapping[str, Any]) -> list[Decode]:
        own = None if numbers is None else [numbers[i] for i in batch["index"].numpy()]
        return decode_batch(model, task, batch, spec, settings, own)

    found: dict[int, Decode] = {}
    for batch, decodes in concurrent.each(work, pipeline.iterate(dataset, task, None)):
        found.update(zip(batch["index"].numpy().tolist(), decodes, strict=True))
    return in_order(found)


def decode_batch(
    model: Any,
    task: task_lib.Task,
    batch: Mapping[str, Any],
    spec: compiled.Spec,
    settings: decoding.DecodeSettings,
    numbers: Sequence[int] | None = None,
) -> list[Decode]:
    """Decodes one batch, whose inputs are of `spec`.

    Samples depend on the `numbers` of its rows: left out, on the inputs of records that the
    batch holds (`raw_inputs`), or on `index` where there are none.
    """
    functions = compiled.of(model)
    if not task.targets.autoregressive:
        log_probs = functions.class_log_probs(task, spec)(batch["inputs"]).numpy()
        return classes(task, log_probs, settings.n_best)
    rows = _numbers(batch, settings) if numbers is None else tf.constant(numbers, tf.int64)
    found = functions.search(task, settings, spec)(batch["inputs"], rows)
    return [
        _together(
            [
                _decode(task, task.vocabulary.decode(ids[:length].tolist()), score, length, rank)
                for number, (ids, score, rank, length) in enumerate(zip(*row, strict=True))
                if number == 0 or score != -math.inf  # a beam may have found fewer
            ]
        )
        for row in zip(*(tensor.numpy() for tensor in found), strict=True)
    ]


def classes(task: task_lib.Task, log_probs: np.ndarray, n_best: int = 1) -> list[Decode]:
    """Returns the likeliest classes of each row of float [B, C], as many as there are at most."""
    targets: Any = task.targets
    best = np.argsort(-log_probs, axis=1, kind="stable")[:, :n_best]
    return [
        _together([_decode(task, targets.classes[c], row[c], 1, row[c]) for c in places])
        for places, row in zip(best.tolist(), log_probs, strict=True)
    ]


def in_order(found: Mapping[int, Any]) -> list[Any]:
    """Returns the values by key, which must be 0, 1, 2 and on without a gap."""
    missing = sorted(set(range(len(found))) - set(found))
    if missing:
        raise RuntimeError(f"The data set left out example {missing[0]}.")
    return [found[place] for place in range(len(found))]


def shown_inputs(task: task_lib.Task, batch: Mapping[str, Any]) -> list[Any]:
    """Returns the inputs of a batch of records as they can be printed.

    Text as it is, and the record's key for what cannot be printed; an object by name
    where there are several inputs, or none.
    """
    keys = texts(batch["key"])
    columns = {
        name: texts(batch["raw_inputs"][name]) if declaration.kind == "language" else keys
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


def _numbers(batch: Mapping[str, Any], settings: decoding.DecodeSettings) -> tf.Tensor:
    """Returns int [B], of each row what its samples depend on beside the seed."""
    raw = batch.get("raw_inputs")
    if not (raw and settings.samples):
        return batch["index"]
    columns = {name: values.numpy().tolist() for name, values in raw.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return tf.constant([requests.number(row) for row in rows], tf.int64)


def _together(decodes: list[Decode]) -> Decode:
    """Returns the first of the decodes of an input, with the others."""
    return dataclasses.replace(decodes[0], others=tuple(decodes[1:]))


def _decode(task: task_lib.Task, outputs: str, score: Any, length: Any, rank: Any) -> Decode:
    if not math.isfinite(score):
        raise errors.NotFiniteError(
            f"The model's scores for {task.name} are no finite numbers",
            received=f"log-probability {score}",
            hint="Its weights have diverged; take an earlier checkpoint, or train with a"
            " smaller learning rate",
        )
    return Decode(outputs, float(score), int(length), float(rank))
