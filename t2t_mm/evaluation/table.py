"""The results of an evaluation as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2t_mm.evaluation import base


def show(answer: Mapping[str, Any], *, console: Any) -> None:
    """Prints what `t2t_mm.evaluate` returned: a row a problem, a column a metric.

    Args:
      answer: of `t2t_mm.evaluate`.
      console: a rich console.
    """
    import rich.table

    results = answer["results"]
    names = list(dict.fromkeys(name for values in results.values() for name in values))
    table = rich.table.Table(title=f"step {answer['step']}, split {answer['split']}")
    table.add_column("problem")
    for name in names:
        table.add_column(name, justify="right")
    for problem, values in results.items():
        table.add_row(problem, *(_cell(name, values.get(name)) for name in names))
        for simple, of_it in _by_answer(answer.get("baselines", {}).get(problem)).items():
            cells = (_cell(name, of_it.get(name)) for name in names)
            table.add_row(f"  {simple}", *cells, style="dim")
    console.print(table)
    signatures = {f"{n}: {note}" for notes in answer["notes"].values() for n, note in notes.items()}
    for line in sorted(signatures):
        console.print(line, markup=False)
    for problem, path in answer["decodes"].items():
        console.print(f"decodes of {problem}: {path}", markup=False)


def _by_answer(baseline: Mapping[str, Any] | None) -> dict[str, dict[str, float]]:
    """Returns the values of each simple answer by metric."""
    found: dict[str, dict[str, float]] = {}
    if baseline is None:
        return found
    for metric, value in baseline["values"].items():
        found.setdefault(baseline["names"].get(metric, baseline["name"]), {})[metric] = value
    return found


def _cell(name: str, value: float | None) -> str:
    return "" if value is None else base.shown(name, value)
