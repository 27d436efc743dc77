"""Cells of the tables of an experiment's page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm.evaluation import base
from t2t_mm.reports.run_report import blocks


def mean(row: Mapping[str, Any] | None, metric: str) -> blocks.Cell:
    """Returns a mean with its spread and number of seeds; a dash without a row."""
    if row is None:
        return blocks.number(None)
    below = f"n = {row['seeds']}"
    if math.isfinite(row["sd"]):
        below = f"± {base.shown(metric, row['sd'])}, {below}"
    return blocks.Cell(base.shown(metric, row["mean"]), is_number=True, below=below)


def signed(metric: str, value: float, verdict: str) -> blocks.Cell:
    """Returns a difference with its sign, and marked where the verdict is clear."""
    shown = base.shown(metric, value)
    text = shown if shown.startswith("-") else f"+{shown}"
    if verdict not in ("better", "worse"):
        return blocks.Cell(text, is_number=True)
    tone = "good" if verdict == "better" else "bad"
    return blocks.Cell(f"{text} {verdict}", is_number=True, tone=tone)  # type: ignore[arg-type]


def interval(row: Mapping[str, Any], over: str) -> blocks.Cell:
    """Returns the interval of a difference over "seeds" or "examples"; a dash without one."""
    low, high = row[f"{over}_low"], row[f"{over}_high"]
    if not (math.isfinite(low) and math.isfinite(high)):
        return blocks.number(None)
    ends: Sequence[str] = [base.shown(row["metric"], end) for end in (low, high)]
    return blocks.Cell(" to ".join(ends), is_number=True)
