"""Exact match: outputs that equal a reference."""

from __future__ import annotations

from typing import Any

from t2t_mm.evaluation import base


class ExactMatch(base.Metric):
    """Share of outputs equal to one of their references, white space at the ends aside."""

    name = "exact_match"
    higher_is_better = True
    needs = "decodes"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._hits = 0
        self._examples = 0

    def update(self, given: base.Decodes) -> None:
        for output, references in zip(given.outputs, given.references, strict=True):
            self._hits += output.strip() in {wanted.strip() for wanted in references}
            self._examples += 1

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._hits, self._examples)}
