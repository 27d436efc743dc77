"""Log-perplexity: the mean cross-entropy of a target token, in nats."""

from __future__ import annotations

from typing import Any

import numpy as np

from t2t_mm.evaluation import base


class LogPerplexity(base.Metric):
    """Mean of -log p(token) over every target token of the split.

    Each token has the same weight, whatever its batch: sums are divided once, at the end.
    Label smoothing and auxiliary losses are not included. For classes an example counts as
    one token; examples with a class that the model does not have are left out, and `notes`
    gives their number.
    """

    name = "log_perplexity"
    higher_is_better = False
    needs = "scores"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._nats = 0.0
        self._tokens = 0.0
        self._unknown = 0.0

    def update(self, given: base.Scores) -> None:
        self._nats += given.nats
        self._tokens += given.tokens
        self._unknown += given.unknown

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._nats, self._tokens)}

    def statistics(self, decodes: base.Decodes) -> np.ndarray | None:
        """Returns nats and tokens of each example, float [N, 2], where they were kept."""
        if not decodes.measured:
            return None
        # Nothing is kept of an example whose class the model does not have.
        rows = [(own["nats"], own.get("tokens", 1)) if own else (0, 0) for own in decodes.measured]
        return np.array(rows, np.float64)

    def notes(self) -> dict[str, str]:
        """Returns how many examples are not in the mean, where there are such."""
        if not self._unknown:
            return {}
        every = self._tokens + self._unknown
        said = f"without {self._unknown:,.0f} of {every:,.0f} examples, of classes not in training"
        return {self.name: said}
