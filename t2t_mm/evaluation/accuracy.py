"""Accuracy: of classes (top 1, top 5), and of tokens of text under teacher forcing."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from t2t_mm.evaluation import base, breakdown, confusion


class _TopK(base.Metric):
    """Share of examples whose class is among the `k` likeliest."""

    higher_is_better = True
    needs = "classes"
    k: ClassVar[int]

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._hits = 0
        self._examples = 0

    def update(self, given: base.Classes) -> None:
        self._hits += int(np.sum(given.ranks() < self.k))
        self._examples += len(given.labels)

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._hits, self._examples)}

    def statistics(self, decodes: base.Decodes) -> np.ndarray | None:
        """Returns hit and 1 of each example, float [N, 2], where its rank was kept."""
        if not decodes.measured:
            return None
        return base.counted(own.get("rank", math.inf) < self.k for own in decodes.measured)


class Accuracy(_TopK):
    """Share of examples whose likeliest class is the true one, 0 to 1."""

    name = "accuracy"
    k = 1

    def statistics(self, decodes: base.Decodes) -> np.ndarray:
        """Returns hit and 1 of each example, float [N, 2]."""
        pairs = zip(decodes.outputs, decodes.references, strict=True)
        return base.counted(said == own[0] for said, own in pairs)

    def breakdowns(self, decodes: base.Decodes) -> list[breakdown.Breakdown]:
        """Returns F1 by label, and the confusion matrix of the most frequent classes."""
        return confusion.breakdowns(decodes)


class Top5Accuracy(_TopK):
    """Share of examples whose true class is among the five likeliest, 0 to 1.

    With five classes or fewer it is 1, whatever the model says.
    """

    name = "top5_accuracy"
    k = 5


class TokenAccuracy(base.Metric):
    """Fraction of target tokens predicted correctly under teacher forcing."""

    name = "token_accuracy"
    higher_is_better = True
    needs = "scores"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._correct = 0.0
        self._tokens = 0.0

    def update(self, given: base.Scores) -> None:
        self._correct += given.correct
        self._tokens += given.tokens

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._correct, self._tokens)}

    def statistics(self, decodes: base.Decodes) -> np.ndarray | None:
        """Returns hits and tokens of each example, float [N, 2], where they were kept."""
        if not decodes.measured:
            return None
        rows = [(own.get("correct", 0.0), own.get("tokens", 0.0)) for own in decodes.measured]
        return np.array(rows, np.float64)
