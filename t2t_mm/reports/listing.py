"""mm-list's tables for people."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from t2t_mm.modality import base as modality

_COLUMNS = {
    "problem": 0,
    "inputs": 0,
    "targets": 0,
    "command": 96,
    "splits": 112,
    "sources": 70,
    "plugin": 152,
}
"""With the width of a terminal from which each is shown; `--json` has them all."""

_KINDS = {
    "models": "models",
    "modalities": "modalities",
    "metrics": "metrics",
    "schedules": "mixture schedules (--schedule)",
    "optimizers": "optimizers",
    "decays": "decays of the learning rate (OptimizerSettings.decay)",
}
"""What is shown below the problems, by its name in the answer."""


def show(answer: Mapping[str, Any], *, console: Any) -> None:
    """Prints what mm-list found.

    Args:
      answer: the command's JSON answer.
      console: a `rich.console.Console`.
    """
    from rich import table as rich_table
    from rich import text

    problems = rich_table.Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    shown = [name for name, least in _COLUMNS.items() if console.width >= least]
    for header in shown:
        # What is typed again is not broken; of the rest words are.
        problems.add_column(header, overflow="fold", no_wrap=header in ("problem", "command"))
    for problem in answer["problems"]:
        inputs = ", ".join(f"{name}: {_label(m)}" for name, m in problem["inputs"].items())
        cells = {
            "problem": f"{problem['name']} {problem['version']}",
            "inputs": inputs or "nothing",
            "targets": _label(problem["targets"]),
            "command": problem["command"],
            "splits": ", ".join(problem["splits"]),
            "sources": ", ".join(problem["sources"]),
            "plugin": problem["plugin"],
        }
        problems.add_row(*(cells[name] for name in shown))
    console.print(problems if answer["problems"] else "No problems are registered.")
    _show_layouts(answer["problems"], console)
    console.print()
    for kind, words in _KINDS.items():
        names = ", ".join(entry["name"] for entry in answer[kind])
        console.print(text.Text.assemble((f"{words}: ", "bold"), names))
    console.print()
    for plugin in answer["plugins"]:
        failed = plugin["status"] == "failed"
        line = plugin["error"] if failed else f"{len(plugin['defines'])} names"
        style = "red" if failed else "green"
        console.print(
            text.Text.assemble(
                ("plugin ", "bold"), plugin["name"], " ", (plugin["status"], style), ": ", line
            ),
            soft_wrap=True,
        )


def _show_layouts(problems: list[dict[str, Any]], console: Any) -> None:
    """Says once for each corpus where `--manual_dir` must hold what."""
    layouts = sorted(
        {
            (p["corpus"], p["layout"])
            for p in problems
            if p["corpus"] and p["layout"] and "manual" in p["sources"]
        }
    )
    prepared = sorted({p["layout"] for p in problems if p["layout"] and "tfds" in p["sources"]})
    if layouts:
        console.print("\nRaw files expected by --source=manual:", style="bold")
    for corpus, layout in layouts:
        said = " ".join(layout.split())
        lines = textwrap.fill(
            f"MANUAL_DIR/{corpus}/: {said}",
            min(100, max(40, console.width)),
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
            break_long_words=False,  # paths, which the terminal breaks where it has to
        )
        console.print(lines, markup=False, soft_wrap=True)
    if prepared:
        console.print("\nData sets expected by --source=tfds:", style="bold")
    for layout in prepared:
        console.print(f"  {layout}", markup=False)


def _label(description: Mapping[str, Any]) -> str:
    return modality.from_description(description).label()
