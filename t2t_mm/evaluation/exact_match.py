"""Exact match: outputs that equal a reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from t2t_mm.evaluation import base


class ExactMatch(base.Metric):
    """Share of outputs equal to one of their references, 0 to 1.

    White space at the ends is stripped, and any run of it, line ends included, counts as one
    space. So the layout of a parse tree does not matter, but `(NP` is not `( NP`. All other
    characters must be equal.
    """

    name = "exact_match"
    higher_is_better = True
    needs = "decodes"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._hits = 0
        self._examples = 0

    def update(self, given: base.Decodes) -> None:
        hits = self.statistics(given)[:, 0]
        self._hits += int(hits.sum())
        self._examples += len(hits)

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._hits, self._examples)}

    def statistics(self, decodes: base.Decodes) -> np.ndarray:
        """Returns hit and 1 of each example, float [N, 2]."""
        pairs = zip(decodes.outputs, decodes.references, strict=True)
        return base.counted(_spaced(said) in set(map(_spaced, own)) for said, own in pairs)


def _spaced(text: str) -> str:
    return " ".join(text.split())
