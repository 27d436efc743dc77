"""What the page shows of an answer: a message, a text with its score, n-best, bars of classes."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from t2t_mm.serving import values

TEXTS, SCORES, ERRORS = "outputs", "scores", "errors"
CLASSES, PROBABILITIES = "classes", "probabilities"
_LEAST = -1e30
"""A score at or below this stands for a hypothesis that was not found."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What there is to show; what is None is hidden.

    Args:
      message: what was wrong.
      text: the best output.
      score: of it, in words.
      table: HTML of the n-best.
      bars: probability by class.
      rest: outputs that are of no known kind, as JSON values.
    """

    message: str | None = None
    text: str | None = None
    score: str | None = None
    table: str | None = None
    bars: Mapping[str, float] | None = None
    rest: Mapping[str, Any] | None = None


def read(outputs: Mapping[str, np.ndarray]) -> Answer:
    """Returns what to show of the first row of a signature's outputs."""
    row = {name: value[0] if value.ndim else value for name, value in outputs.items()}
    wrong = _text(row.get(ERRORS, b""))
    if wrong:
        return Answer(message=wrong)
    known = {ERRORS}
    bars = text = score = table = None
    if {CLASSES, PROBABILITIES} <= set(row):
        pairs = zip(row[CLASSES].tolist(), row[PROBABILITIES].tolist(), strict=True)
        bars = {_text(name): float(share) for name, share in pairs}
        known |= {CLASSES, PROBABILITIES, TEXTS, SCORES}
    elif _is_text(row.get(TEXTS)):
        known |= {TEXTS, SCORES}
        texts = [_text(one) for one in np.ravel(row[TEXTS]).tolist()]
        scores = np.ravel(row.get(SCORES, np.full(len(texts), np.nan))).astype(float).tolist()
        text = texts[0]
        score = f"score {scores[0]:.3f}" if np.isfinite(scores[0]) else None
        if len(texts) > 1:
            table = n_best(texts, scores)
    rest = {n: values.to_json(n, np.asarray(v)) for n, v in row.items() if n not in known}
    return Answer(None, text, score, table, bars, rest or None)


def n_best(texts: list[str], scores: list[float]) -> str:
    """Returns a table of the hypotheses that were found, best first."""
    rows = "".join(
        f"<tr><td>{rank}</td><td>{html.escape(text) or '<i>empty</i>'}</td>"
        f"<td>{score:.3f}</td></tr>"
        for rank, (text, score) in enumerate(zip(texts, scores, strict=True), start=1)
        if np.isfinite(score) and score > _LEAST
    )
    head = "<tr><th></th><th>Output</th><th>Score</th></tr>"
    return f"<div class='mm-scroll'><table class='mm-best'>{head}{rows}</table></div>"


def _is_text(value: Any) -> bool:
    return isinstance(value, bytes) or (isinstance(value, np.ndarray) and value.dtype.kind == "O")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
