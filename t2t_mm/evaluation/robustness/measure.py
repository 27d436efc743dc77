"""Measures one problem of a trained model on damaged and attacked examples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import evaluator
from t2t_mm.evaluation.robustness import attacks, result
from t2t_mm.evaluation.robustness import kinds as kinds_lib
from t2t_mm.modality import corruption
from t2t_mm.settings import batching as batching_lib
from t2t_mm.settings import decoding

Record = Mapping[str, Sequence[bytes]]


def measure(
    model: Any,
    task: task_lib.Task,
    split: str,
    batching: batching_lib.Batching,
    settings: decoding.DecodeSettings,
    *,
    kinds: Sequence[kinds_lib.Kind],
    step: int = 0,
    max_examples: int | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> result.Robustness:
    """Measures a model where one input at a time is damaged in one way.

    The metrics are those of the problem, by the evaluator; references are never damaged.

    Args:
      model: as of `evaluator.run`.
      task: the problem bound to its data.
      split: name of a generated split.
      batching: sizes of batches.
      settings: of the search, for metrics on what the model writes.
      kinds: of the damage, of this task.
      step: of the model's checkpoint.
      max_examples: the first so many; None or 0 for all.
      seed: of the damage, which depends beside it on an example's key, kind and strength only.
      progress: called with what is measured next.

    Raises:
      DataError: for a split that is not there, or is empty.
    """
    examples = _examples(task, split, max_examples)
    evaluate = evaluator.OfExamples(model, task, batching, settings, most=len(examples))

    def metrics(
        given: Sequence[Record], change: evaluator.Change | None = None
    ) -> dict[str, float]:
        serialized = [
            records.encode_example(
                {n: v if n == task_lib.TARGETS else v[0] for n, v in record.items()}
            )
            for record in given
        ]
        return evaluate(serialized, change).values

    def tell(what: str) -> None:
        if progress is not None:
            progress(what)

    tell("clean")
    clean = metrics(examples)
    curves: result.Curves = {kind.name: {} for kind in kinds}
    climbs: dict[str, attacks.Climb] = {}
    for kind, strength in itertools.product(kinds, corruption.STRENGTHS):
        tell(f"{kind.name} {strength}")
        if kind.corruption is not None:
            given = [_corrupted(record, kind, strength, seed) for record in examples]
            values = metrics(given)
        else:
            if kind.input not in climbs:
                climbs[kind.input] = attacks.Climb(model, task, kind.input, batching)
            attack = attacks.Attack(
                climbs[kind.input],
                strength=strength,
                steps=attacks.STEPS if kind.kind == kinds_lib.PGD else 1,
                seed=seed,
            )
            values = metrics(examples, attack)
        curves[kind.name][str(strength)] = values
    families = {kind.name: kind.family for kind in kinds}
    return result.Robustness(split, len(examples), step, seed, clean, curves, families)


def _examples(task: task_lib.Task, split: str, most: int | None) -> list[Record]:
    """Returns the first records of a split."""
    files = task.manifest().files(split)
    every = (record for file in files for record in records.read_values(file))
    found: list[Record] = list(itertools.islice(every, most or None))
    if not found:
        raise errors.DataError(
            f"The split {split!r} of {task.name!r} has no examples", received=task.data_dir
        )
    return found


def _corrupted(record: Record, kind: kinds_lib.Kind, strength: int, seed: int) -> Record:
    """Returns a record with one of its inputs damaged."""
    if kind.corruption is None:
        raise ValueError(f"{kind.name} is no corruption")
    key = record[task_lib.KEY][0].decode("utf-8")
    rng = corruption.generator(seed, key, kind.name, strength)
    damaged = kind.corruption.apply(record[kind.input][0], strength, rng)
    return {**record, kind.input: (damaged,)}
