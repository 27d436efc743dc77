"""The results of an evaluation as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2t_mm.evaluation import base, baselines
from t2t_mm.process import command_output

Simple = Mapping[str, baselines.Baseline | None]
Results = Mapping[str, Mapping[str, float]]


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
    show_values(answer["results"], simple, title=title, console=console)
    if answer.get("chosen_by"):
        console.print(f"checkpoint best: {answer['chosen_by']}", markup=False)
    if answer.get("search"):
        said = ", ".join(f"{name} {value}" for name, value in answer["search"].items())
        console.print(f"search: {said}", markup=False)
    signatures = {f"{n}: {note}" for notes in answer["notes"].values() for n, note in notes.items()}
    for line in sorted(signatures):
        console.print(line, markup=False)
    for problem, path in answer["decodes"].items():
        # Wrapped by the terminal, so that the path can be copied whole.
        console.print(f"decodes of {problem}: {path}", markup=False, soft_wrap=True)


def show_values(results: Results, simple: Simple, *, title: str, console: Any) -> None:
    """Prints a table with a row for each problem's metric.

    No name is shortened: where the table is too wide for the terminal, problems have lines
    of their own within it, and what baselines do stands below.

    Args:
      results: of the model, by problem and metric.
      simple: baselines by problem; without any, their columns are left out.
      title: above the table.
      console: a rich console.
    """
    shown = _wide(results, simple, title=title)
    if command_output.fits(shown, console):
        console.print(shown)
        return
    console.print(_narrow(results, simple, title=title))
    for problem, baseline in simple.items():
        if baseline is not None:
            metrics_of: dict[str, list[str]] = {}
            for metric in results[problem].keys() & baseline.values.keys():
                metrics_of.setdefault(baseline.name_of(metric), []).append(metric)
            does = (f"{name} ({', '.join(sorted(m))})" for name, m in sorted(metrics_of.items()))
            console.print(f"baseline of {problem}: {', '.join(does)}", markup=False)


def _wide(results: Results, simple: Simple, *, title: str) -> Any:
    """Returns a rich table in which a problem's name stands before its metrics."""
    from rich import table, text

    shown = table.Table(title=title, title_justify="left")
    shown.add_column("problem", no_wrap=True)
    shown.add_column("metric", no_wrap=True)
    model = "trained model"
    shown.add_column(model, justify="right", style="bold", no_wrap=True, min_width=len(model))
    if simple:
        shown.add_column("baseline", justify="right", no_wrap=True)
        shown.add_column("which is to")
    for problem, measured in results.items():
        baseline = simple.get(problem)
        for place, (metric, value) in enumerate(measured.items()):
            cells = ["" if place else problem, metric, base.shown(metric, value)]
            if baseline is not None and metric in baseline.values:
                cells += [_against(baseline, metric), baseline.name_of(metric)]
            shown.add_row(*map(text.Text, cells))
        shown.add_section()
    return shown


def _narrow(results: Results, simple: Simple, *, title: str) -> Any:
    """Returns a rich table in which a problem's name stands over its metrics."""
    from rich import table, text

    shown = table.Table(title=title, title_justify="left")
    shown.add_column("problem and metric", overflow="fold")
    shown.add_column("model", justify="right", style="bold", no_wrap=True)
    if simple:
        shown.add_column("baseline", justify="right", no_wrap=True)
    for problem, measured in results.items():
        baseline = simple.get(problem)
        shown.add_row(text.Text(problem))
        for metric, value in measured.items():
            cells = [f"  {metric}", base.shown(metric, value)]
            if baseline is not None and metric in baseline.values:
                cells.append(_against(baseline, metric))
            shown.add_row(*map(text.Text, cells))
        shown.add_section()
    return shown


def _against(baseline: baselines.Baseline, metric: str) -> str:
    return base.shown(metric, baseline.values[metric])
