"""Robustness as tables for people: a row for each kind, a column for each strength."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2t_mm.evaluation import base
from t2t_mm.modality import corruption


def show(measured: Mapping[str, Mapping[str, Any]], *, console: Any) -> None:
    """Prints a table of each problem's main metric.

    Args:
      measured: by problem, of `Robustness.describe`.
      console: a rich console.
    """
    from rich import table, text

    for problem, own in measured.items():
        metric = next(iter(own["clean"]))
        told = f"{problem}: {metric} by strength, {own['examples']:,} examples of {own['split']}"
        shown = table.Table(title=told, title_justify="left")
        shown.add_column("corruption", no_wrap=True)
        for head in ("clean", *map(str, corruption.STRENGTHS), "mean"):
            shown.add_column(head, justify="right", no_wrap=True)
        clean = base.shown(metric, own["clean"][metric])
        for kind, curve in own["kinds"].items():
            values = [each[metric] for each in curve.values()]
            cells = [base.shown(metric, each) for each in (*values, sum(values) / len(values))]
            shown.add_row(*map(text.Text, (kind, clean, *cells)))
        console.print(shown)
        for name, of in (("", "all corruptions"), ("attack_", "all attacks")):
            if metric in own[f"{name}score"]:
                score = base.shown(metric, own[f"{name}score"][metric])
                relative = own[f"{name}relative"][metric]
                said = f"{problem}: {metric} {score} over {of}, {relative:.3f} times the clean one"
                console.print(said, markup=False)
