"""What sections of a report are made of: tables, charts, examples, notes.

A block holds data, and `page.html.j2` knows how each kind looks. All text is escaped there; what
is HTML already, made by a view or a chart, is `Html`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, Literal, NewType

from t2t_mm.evaluation import breakdown

Html = NewType("Html", str)
"""Markup in which all that is data is escaped."""

COLOURS = 8
"""Colours that series may have; the next one has the first again."""

_LONGEST_CELL = 300


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
      text: in it.
      is_number: aligned to the right.
      bar: the length of a bar in it, 0 to 1.
      shade: how dark its ground is, 0 to 1.
      tone: whether it tells something good or bad, beside its words.
      below: a second, quieter line.
    """

    text: str
    is_number: bool = False
    bar: float | None = None
    shade: float | None = None
    tone: Literal["", "good", "bad"] = ""
    below: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, whose first column names the rows."""

    kind: ClassVar[str] = "table"
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    is_wide: bool = False

    @property
    def is_shaded(self) -> bool:
        """Whether its figures have grounds, as in a heat map."""
        return any(cell.shade is not None for row in self.rows for cell in row)


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart with a legend of its series: their names and the numbers of their colours."""

    kind: ClassVar[str] = "chart"
    title: str
    svg: Html
    legend: Sequence[tuple[str, int, str]] = ()
    note: str = ""
    is_wide: bool = False


@dataclasses.dataclass(frozen=True)
class Heading:
    """What the blocks after it are of, such as a problem."""

    kind: ClassVar[str] = "heading"
    title: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Facts:
    """Some figures, each with its name."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Code:
    """A text of fixed width, folded under its title."""

    kind: ClassVar[str] = "code"
    title: str
    text: str


@dataclasses.dataclass(frozen=True)
class Note:
    """A sentence; with a command that would mend what it tells."""

    kind: ClassVar[str] = "note"
    text: str
    command: str = ""


@dataclasses.dataclass(frozen=True)
class Example:
    """A decoded example.

    Attributes:
      rank: "best" or "worst", or what else it stands for.
      value: of it, with the metric's name.
      fields: what there is to see, by name.
    """

    kind: ClassVar[str] = "example"
    rank: str
    value: str
    key: str
    fields: Sequence[tuple[str, Html]]


Block = Table | Chart | Heading | Facts | Code | Note | Example


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
      name: by which links and the answer in JSON name it.
      title: above it.
      lead: what it shows and how it was counted, in a sentence or two.
      blocks: from top to bottom.
    """

    name: str
    title: str
    blocks: Sequence[Block]
    lead: str = ""


def text(value: str, below: str = "") -> Cell:
    """Returns a cell of words, cut where they are very many."""
    shown = value if len(value) <= _LONGEST_CELL else f"{value[:_LONGEST_CELL]}…"
    return Cell(shown, below=below)


def number(value: float | None, decimals: int = 0, *, suffix: str = "") -> Cell:
    """Returns a cell of a number; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return Cell("–", is_number=True)  # noqa: RUF001
    return Cell(f"{value:,.{decimals}f}{suffix}", is_number=True)


def table_of(found: breakdown.Breakdown) -> Table:
    """Returns the table of a breakdown, with its bars or shades."""
    rows = []
    figures = [row[1] for row in found.rows if isinstance(row[1], int | float)]
    largest = max((value for value in figures if math.isfinite(value)), default=0.0)
    for row in found.rows:
        total = sum(value for value in row[1:] if isinstance(value, int | float))
        cells = [text(str(row[0]))]
        for place, value in enumerate(row[1:]):
            if not isinstance(value, int | float):
                cells.append(text(str(value)))
                continue
            cell = number(value, 0 if isinstance(value, int) else found.decimals)
            if found.shown_as == "matrix":
                cell = dataclasses.replace(cell, shade=value / total if total else 0.0)
            elif found.shown_as == "bars" and place == 0 and largest > 0:
                share = value / largest if math.isfinite(value) else 0.0
                cell = dataclasses.replace(cell, bar=max(0.0, share))
            cells.append(cell)
        rows.append(cells)
    wide = found.shown_as == "matrix" and len(found.columns) > 8
    return Table(found.title, found.columns, rows, found.note, is_wide=wide)
