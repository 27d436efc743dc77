"""Splits: assigns rows to splits by file, by a column, or by fractions."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Mapping

from t2t_mm import errors
from t2t_mm.problem_bases.tables import cells, rows


@dataclasses.dataclass(frozen=True)
class Splits:
    """The splits of a table.

    Args:
      files: by split, the pattern of its files.
      column: the column with the split of a row; empty for none.
      values: of that column, by split.
      bounds: by split, the range of a row's hash in [0, 1); empty without fractions.
      group: rows with the same value of this column are in the same split.
    """

    files: Mapping[str, str]
    column: str = ""
    values: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    group: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The splits, the one for training first."""
        return tuple(self.files)

    def holds(self, split: str, row: rows.Row) -> bool:
        """Says whether a row is of a split; one that fits none counts for the first."""
        if self.column:
            value = cells.text_or_none(row.values.get(self.column))
            if value is None:
                return split == self.names[0]
            return value in self.values[split] or value.strip() in self.values[split]
        if self.bounds:
            group = cells.text_or_none(row.values.get(self.group)) if self.group else None
            low, high = self.bounds[split]
            return low <= draw(row.key if group is None else group) < high
        return True

    def error(self, row: rows.Row) -> errors.BadExampleError | None:
        """Returns the error of a row whose split is unknown, or None."""
        for column in filter(None, (self.column, self.group)):
            try:
                cells.text(row, column)
            except errors.BadExampleError as error:
                return error
        return None


def draw(name: str) -> float:
    """Returns a uniform hash of a name in [0, 1).

    It depends on nothing else, so two problems over one table with the same fractions have
    the same splits.
    """
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def bounds(fractions: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Returns where the draws of each split lie; what remains below 1 is of none.

    Raises:
      PluginError: for a fraction that is not over 0, or a sum that is over 1.
    """
    for split, fraction in fractions.items():
        if not 0 < fraction <= 1:
            raise errors.PluginError(
                f"The fraction of the split {split!r} is out of range",
                received=fraction,
                expected="over 0, at most 1",
            )
    ends = list(itertools.accumulate(fractions.values()))
    if ends and ends[-1] > 1 + 1e-9:
        raise errors.PluginError(
            "The fractions of the splits are more than the whole",
            received=f"{ends[-1]:g}",
            expected="a sum of at most 1",
        )
    if ends and ends[-1] > 1 - 1e-9:
        ends[-1] = 1.0  # what rounding left out would be in no split
    return dict(zip(fractions, itertools.pairwise([0.0, *ends]), strict=True))
