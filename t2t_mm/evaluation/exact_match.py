"""Exact match: outputs that equal a reference."""

from __future__ import annotations

from typing import Any

from t2t_mm.evaluation import base


class ExactMatch(base.Metric):
    """Share of outputs equal to one of their references, 0 to 1.

    White space tells nothing but words apart: what stands at the ends does not count, and a
    run of it, line ends too, is one space. So a parse tree may be laid out in any way, but
    `(NP` is not `( NP`. All else has to be equal, letter by letter.
    """

    name = "exact_match"
    higher_is_better = True
    needs = "decodes"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._hits = 0
        self._examples = 0

    def update(self, given: base.Decodes) -> None:
        for output, references in zip(given.outputs, given.references, strict=True):
            self._hits += _spaced(output) in set(map(_spaced, references))
            self._examples += 1

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._hits, self._examples)}


def _spaced(text: str) -> str:
    return " ".join(text.split())
