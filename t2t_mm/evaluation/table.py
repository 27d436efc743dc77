"""The results of an evaluation as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2t_mm.evaluation import base, baselines


def show(answer: Mapping[str, Any], *, console: Any) -> None:
    """Prints what `t2t_mm.evaluate` returned: its values, what they mean, and the decodes.

    Args:
      answer: of `t2t_mm.evaluate`.
      console: a rich console.
    """
    simple = {
        problem: None if found is None else baselines.Baseline(**found)
        for problem, found in answer.get("baselines", {}).items()
    }
    title = f"step {answer['step']}, split {answer['split']}"
    console.print(values(answer["results"], simple, title=title))
    if answer.get("search"):
        said = ", ".join(f"{name} {value}" for name, value in answer["search"].items())
        console.print(f"search: {said}", markup=False)
    signatures = {f"{n}: {note}" for notes in answer["notes"].values() for n, note in notes.items()}
    for line in sorted(signatures):
        console.print(line, markup=False)
    for problem, path in answer["decodes"].items():
        console.print(f"decodes of {problem}: {path}", markup=False)


def values(
    results: Mapping[str, Mapping[str, float]],
    simple: Mapping[str, baselines.Baseline | None],
    *,
    title: str,
) -> Any:
    """Returns a rich table with a row for each problem's metric.

    Args:
      results: of the model, by problem and metric.
      simple: baselines by problem; without any, their columns are left out.
      title: above the table.
    """
    from rich import table

    shown = table.Table("problem", "metric", title=title, title_justify="left")
    shown.add_column("trained model", justify="right", style="bold")
    if simple:
        shown.add_column("baseline", justify="right")
        shown.add_column("which is to")
    for problem, measured in results.items():
        baseline = simple.get(problem)
        first = problem
        for metric, value in measured.items():
            cells = [first, metric, base.shown(metric, value)]
            if baseline is not None and metric in baseline.values:
                against = base.shown(metric, baseline.values[metric])
                cells += [against, baseline.name_of(metric)]
            shown.add_row(*cells)
            first = ""
        shown.add_section()
    return shown
