"""Accuracy: of classes (top 1, top 5), and of tokens of text under teacher forcing."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from t2t_mm.evaluation import base


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
        self._hits += int(np.sum(_ranks(given.log_probs, given.labels) < self.k))
        self._examples += len(given.labels)

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._hits, self._examples)}


class Accuracy(_TopK):
    """Share of examples whose likeliest class is the true one, 0 to 1."""

    name = "accuracy"
    k = 1


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


def _ranks(log_probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns int [B], the rank of the true class, from 0.

    Ties are ordered by id, as in argmax, so a constant model is no better than chance. A
    true class with score NaN, or one that the model does not have (-1), is ranked last.
    """
    labels = labels.astype(np.int64)
    own = np.take_along_axis(log_probs, np.maximum(labels, 0)[:, None], axis=1)  # [B, 1]
    ids = np.arange(log_probs.shape[1])[None, :]
    before = (log_probs > own) | ((log_probs == own) & (ids < labels[:, None]))
    ranks = before.sum(axis=1)
    last = np.isnan(own[:, 0]) | (labels < 0)
    return np.where(last, np.iinfo(np.int64).max, ranks)
