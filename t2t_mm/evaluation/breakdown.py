"""Breakdowns: tables of what the value of a metric is made of, for a report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

MOST_ROWS = 20
"""Of a table that could have many, such as one of classes."""

_BINS = 5

Cell = str | int | float


@dataclasses.dataclass(frozen=True)
class Breakdown:
    """A table with a title.

    Attributes:
      title: what is told, as in "BLEU by length".
      columns: their heads; the first names the rows.
      rows: the name of a row, then its figures; NaN is shown as nothing.
      note: what a reader must know of it, in a sentence.
      shown_as: "bars" draws the second column as bars too; "matrix" shades every figure by its
        share of the row.
      decimals: of figures that are no whole numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    shown_as: Literal["table", "bars", "matrix"] = "table"
    decimals: int = 3

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"The breakdown {self.title!r} has a row of {len(row)} cells under "
                    f"{len(self.columns)} columns: {row}"
                )


def by_size(
    title: str,
    sizes: Sequence[int],
    statistics: np.ndarray,
    value: Callable[[np.ndarray], np.ndarray],
    *,
    size: str,
    name: str,
    decimals: int = 3,
) -> list[Breakdown]:
    """Returns a metric of examples of like size, in bins of about as many each.

    Args:
      title: of the table.
      sizes: N whole numbers, such as the words of references.
      statistics: float [N, K], of `Metric.statistics`.
      value: `Metric.value`.
      size: the head of the first column, such as "words of the reference".
      name: the head of the metric's column.
      decimals: of its figures.

    Returns:
      one table; none where all examples are of one size.
    """
    ordered = np.asarray(sizes)
    starts = np.unique(np.quantile(ordered, np.arange(_BINS) / _BINS, method="lower"))
    if len(starts) < 2:
        return []
    stops = [*starts[1:].tolist(), int(ordered.max()) + 1]
    rows: list[tuple[Cell, ...]] = []
    for start, stop in zip(starts.tolist(), stops, strict=True):
        own = statistics[(ordered >= start) & (ordered < stop)]
        label = f"{start}" if stop == start + 1 else f"{start} to {stop - 1}"
        rows.append((label, float(value(own.sum(0))), len(own)))
    columns = (size, name, "examples")
    return [Breakdown(title, columns, tuple(rows), shown_as="bars", decimals=decimals)]
