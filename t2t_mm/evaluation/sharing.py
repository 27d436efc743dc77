"""One evaluation by several workers: each computes its share of the batches, and all get all.

Batches are dealt out in turn, and their results come together in the order of the batches. So
every metric is updated as it is with one worker, and its value is the same bit for bit, whether
it is a sum, a text's BLEU or CIDEr with its document frequencies.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from t2t_mm import errors
from t2t_mm.decoding import answers as answers_lib
from t2t_mm.evaluation import base

_DONE = b""
_HEAD = "head"
_SCORES = "scores"
_CLASSES = ("log_probs", "labels")


class Workers(Protocol):
    """The workers of an evaluation.

    Attributes:
      index: of this one.
      count: of all.
    """

    index: int
    count: int

    def exchange(self, own: bytes) -> list[bytes]:
        """Returns what each worker gave, in their order; all must call it equally often."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """All that metrics are given of one batch.

    Attributes:
      places: numbers of the records.
      keys: of the records.
      references: the targets of each.
      cut: how many of them have a truncated text.
      answers: one for each, or none if no metric needs them.
      scores: of all together; None if no metric needs them.
      classes: of problems with classes, else None.
    """

    places: Sequence[int]
    keys: Sequence[str]
    references: Sequence[tuple[str, ...]]
    cut: int
    answers: Sequence[answers_lib.Answer]
    scores: base.Scores | None
    classes: base.Classes | None

    def to_bytes(self) -> bytes:
        """Returns all of it as bytes; floats are kept to their last bit."""
        head = {
            "places": self.places,
            "keys": self.keys,
            "references": self.references,
            "cut": self.cut,
            "answers": [dataclasses.asdict(answer) for answer in self.answers],
            _SCORES: self.scores and dataclasses.asdict(self.scores),
        }
        arrays: dict[str, Any] = {_HEAD: np.frombuffer(json.dumps(head).encode(), np.uint8)}
        if self.classes is not None:
            arrays |= {name: getattr(self.classes, name) for name in _CLASSES}
        packed = io.BytesIO()
        np.savez(packed, allow_pickle=False, **arrays)
        return packed.getvalue()

    @classmethod
    def from_bytes(cls, packed: bytes) -> Measured:
        """Returns what `to_bytes` gave."""
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            head = json.loads(arrays[_HEAD].tobytes())
            classes = None
            if _CLASSES[0] in arrays:
                classes = base.Classes(*(arrays[name] for name in _CLASSES))
        return cls(
            places=head["places"],
            keys=head["keys"],
            references=[tuple(own) for own in head["references"]],
            cut=head["cut"],
            answers=[_answer(values) for values in head["answers"]],
            scores=base.Scores(**head[_SCORES]) if head[_SCORES] else None,
            classes=classes,
        )


def of_all(own: Iterator[Measured], workers: Workers) -> Iterator[Measured]:
    """Yields the results of all workers, in the order of the batches.

    Args:
      own: of this worker's batches: those whose number, divided by the number of workers,
        leaves its index.
      workers: which all iterate over their own.

    Raises:
      UserError: this worker, or another, could not compute a batch.
    """
    while True:
        try:
            mine = next(own, None)
        except errors.UserError as error:
            workers.exchange(_failure(error))  # so that nobody waits
            raise
        for index, packed in enumerate(workers.exchange(mine.to_bytes() if mine else _DONE)):
            if packed == _DONE:  # batches are dealt out in turn: there is none after it
                return
            if packed.startswith(_FAILED):
                raise errors.UserError(
                    f"Worker {index} cannot evaluate its share",
                    received=packed.removeprefix(_FAILED).decode(),
                    hint="See what it said itself",
                )
            yield Measured.from_bytes(packed)


_FAILED = b"failed: "  # no archive of NumPy begins so


def _failure(error: errors.UserError) -> bytes:
    return _FAILED + errors.shortened(str(error), 400).encode()


def _answer(values: Mapping[str, Any]) -> answers_lib.Answer:
    several = values["n_best"]
    return answers_lib.Answer(
        **{
            **values,
            "references": tuple(values["references"]),
            "n_best": None if several is None else tuple(map(_answer, several)),
        }
    )
