"""Log-perplexity: the mean cross-entropy of a target token, in nats."""

from __future__ import annotations

from typing import Any

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

    def notes(self) -> dict[str, str]:
        """Returns how many examples are not in the mean, where there are such."""
        if not self._unknown:
            return {}
        every = self._tokens + self._unknown
        said = f"without {self._unknown:,.0f} of {every:,.0f} examples, of classes not in training"
        return {self.name: said}
