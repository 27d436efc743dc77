"""Exact match: outputs that equal their reference."""

from __future__ import annotations

from typing import Any

from t2t_mm.evaluation import base


class ExactMatch(base.Metric):
    """Share of outputs equal to their reference, white space at the ends aside."""

    name = "exact_match"
    higher_is_better = True
    needs = "decodes"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._hits = 0
        self._examples = 0

    def update(self, given: base.Decodes) -> None:
        pairs = list(zip(given.outputs, given.references, strict=True))
        self._hits += sum(output.strip() == wanted.strip() for output, wanted in pairs)
        self._examples += len(pairs)

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._hits, self._examples)}
