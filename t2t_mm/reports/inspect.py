"""mm-inspect's view in the terminal."""

from __future__ import annotations

import dataclasses
from typing import Any

from t2t_mm import errors
from t2t_mm.modality import view as view_lib
from t2t_mm.reports import histogram, inspection

_CLASSES_SHOWN = 12
_BINS_SHOWN = 14
_INDENT = "   "


def show(summary: inspection.Inspection, *, console: Any) -> None:
    """Prints counts, histograms and examples.

    Args:
      summary: what to show.
      console: a `rich.console.Console`; pictures are drawn only where it has colours.
    """
    from rich import text

    counts = ", ".join(f"{split} {summary.says_count(split)}" for split in summary.splits)
    console.print(text.Text(f"{summary.problem} {summary.version}", "bold"))
    console.print(text.Text(f"examples: {counts} (source: {summary.source})"))
    total = summary.splits[summary.split]
    some = "" if summary.read >= total else f" (the first {summary.read:,} of {total:,})"
    console.print(text.Text(f"measured: {summary.split}{some}"))
    for name, declaration in summary.modalities.items():
        console.print()
        rest = ""
        if name in summary.lengths:
            lengths = summary.lengths[name]
            console.print(
                text.Text.assemble((name, "bold"), f" ({declaration.kind}): {lengths.summary()}")
            )
            rows = [(b.label, b.count) for b in _merged(lengths.bins, _BINS_SHOWN)]
            if name in summary.too_long:
                limit = summary.views[name].limit
                rest = f"  longer than its limit of {limit:,}: {summary.too_long[name]:,}"
        else:
            classes = summary.classes.get(name, {})
            console.print(
                text.Text.assemble((name, "bold"), f" ({declaration.kind}): {len(classes)} classes")
            )
            rows = [
                (errors.printable(label), n) for label, n in list(classes.items())[:_CLASSES_SHOWN]
            ]
            if len(classes) > len(rows):
                others = sum(classes.values()) - sum(n for _, n in rows)
                rest = f"  and {len(classes) - len(rows):,} others: {others:,}"
        for line in histogram.bars(rows, columns=console.width - 2):
            console.print(text.Text(f"  {line}"))
        if rest:
            console.print(text.Text(rest))
    for number, example in enumerate(summary.examples, start=1):
        console.print()
        console.print(
            text.Text.assemble((f"{number}. ", "bold"), (errors.printable(example.key), "dim"))
        )
        for name, data in example.values.items():
            _show_value(name, data, summary.views[name], console)
        for data, count in example.others().items():
            name = "or" if count == 1 else f"or ({count} times)"
            _show_value(name, data, summary.views["targets"], console)


def _show_value(name: str, data: bytes, view: view_lib.View, console: Any) -> None:
    from rich import text

    console.print(text.Text.assemble((f"{_INDENT}{name}: ", "cyan"), view.summary(data)))
    drawing = view.drawing(
        data,
        columns=console.width - len(_INDENT),
        colour=bool(console.is_terminal and console.color_system),
    )
    for line in drawing.split() if drawing else ():
        console.print(text.Text.assemble(_INDENT, line, no_wrap=True))


def _merged(bins: tuple[histogram.Bin, ...], most: int) -> list[histogram.Bin]:
    """Joins neighbours until there are at most `most`."""
    merged = list(bins)
    while len(merged) > most:
        pairs = [merged[i : i + 2] for i in range(0, len(merged), 2)]
        merged = [
            dataclasses.replace(pair[0], stop=pair[-1].stop, count=sum(b.count for b in pair))
            for pair in pairs
        ]
    return merged
