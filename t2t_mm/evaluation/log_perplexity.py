"""Log-perplexity: what a target token costs, in nats."""

from __future__ import annotations

from typing import Any

from t2t_mm.evaluation import base


class LogPerplexity(base.Metric):
    """Mean of -log p(token) over every target token of the split.

    Each token weighs the same, whichever batch it sat in: sums are divided once, at
    the end. Label smoothing and auxiliary losses are no part of it. For classes a
    token is an example.
    """

    name = "log_perplexity"
    higher_is_better = False
    needs = "scores"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._nats = 0.0
        self._tokens = 0.0

    def update(self, given: base.Scores) -> None:
        self._nats += given.nats
        self._tokens += given.tokens

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._nats, self._tokens)}
