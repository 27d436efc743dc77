"""TableProblem: the problem declared by a table file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from t2t_mm import errors
from t2t_mm import problem as problem_lib
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.problem_bases.tables import cells, rows, splits

_VALUES_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class Feature:
    """The data source of one input or of the targets: columns, or a file named by each row.

    Args:
      name: of the input, or "targets".
      columns: one; for targets also several, with alternative references.
      file: a path below the corpus with columns in braces, instead of columns.
      written_out: whether the raw value is text (language, a class), not a file.
    """

    name: str
    columns: tuple[str, ...] = ()
    file: str = ""
    written_out: bool = True

    def value(self, row: rows.Row, files: raw.RawFiles) -> Any:
        """Returns the raw value of a row: text, several texts, or a path.

        Raises:
          BadExampleError: when the row lacks it, or names a text that cannot be read.
        """
        if self.file:
            path = cells.path(row, self.file, files.root)
            if not self.written_out:
                return path
            files.boundary.check(path)
            return cells.read(path)
        if not self.written_out:
            return cells.inside(cells.text(row, self.columns[0]), row, files.root)
        if self.name != "targets":
            return cells.text(row, self.columns[0])
        return cells.texts(row, self.columns)


@dataclasses.dataclass(frozen=True)
class Table:
    """The content of a table file that is not in a problem's attributes.

    Args:
      reader: of the data.
      splits: of the rows.
      features: of every row.
      key: the column with the rows' keys; empty to use their places.
    """

    reader: rows.Reader
    splits: splits.Splits
    features: tuple[Feature, ...]
    key: str = ""


class TableProblem(problem_lib.Problem):
    """The base class of all problems declared by table files.

    Attributes:
      table: the content of the file.
    """

    table: ClassVar[Table]

    @classmethod
    def declaration_digest(cls) -> str:
        return hashlib.sha256(repr(cls.table).encode()).hexdigest()[:12]

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem_lib.Example]:
        table = self.table
        pattern = table.splits.files[split]
        seen: dict[str, None] = {}
        count, any_row = 0, False
        for row in table.reader.read(pattern, files):
            count += 1
            named = self._named(row)
            if table.splits.holds(split, named):
                any_row = True
                yield named.key, self._values(named, files)
            elif table.splits.column and len(seen) < _VALUES_SHOWN:
                seen[str(row.values.get(table.splits.column))] = None
        if not files.part.is_whole:
            return  # other parts may have the rows that are missed here
        if not count:
            raise errors.DataError(
                f"{files.root / pattern} has no rows, so that the split {split!r} of {self.name} "
                "is empty",
                expected="a row an example"
                + (", below the names of the columns" if table.reader.has_header else ""),
            )
        if table.splits.bounds and not any_row:
            raise errors.DataError(
                f"None of the {count:,} rows of {files.root / pattern} falls into the split "
                f"{split!r} of {self.name}",
                hint="With so few rows, name the split of each: split_column, or a file a split",
            )
        if seen and not any_row:
            split_values = table.splits.values[split]
            raise errors.DataError(
                f"No row of {pattern} is of the split {split!r} of {self.name}",
                received=f"{table.splits.column} = {', '.join(seen)}",
                expected=" or ".join(split_values),
                hint=errors.did_you_mean(split_values[0], seen),
            )

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        if self.shared_inputs:  # a range of lines could end between rows that share them
            return super().parts(split, files)
        return self.table.reader.parts(self.table.splits.files[split], files)

    def _named(self, row: rows.Row) -> rows.Row:
        """Returns a row with its key, and with an error if it cannot be assigned to a split."""
        if row.error is None and (wrong := self.table.splits.error(row)):
            row = dataclasses.replace(row, error=wrong)
        if not self.table.key:
            return row
        try:
            key = cells.text(row, self.table.key)
            if key:
                return dataclasses.replace(row, key=key)
            wrong = errors.BadExampleError(f"{row.place}, has an empty {self.table.key!r}")
        except errors.BadExampleError as error:
            wrong = error
        return dataclasses.replace(row, error=row.error or wrong)

    def _values(self, row: rows.Row, files: raw.RawFiles) -> dict[str, Any]:
        """Returns the raw values by feature, with the error instead of an unusable one."""
        values: dict[str, Any] = {}
        for feature in self.table.features:
            try:
                if row.error:
                    raise row.error
                values[feature.name] = feature.value(row, files)
            except errors.BadExampleError as error:
                values[feature.name] = error
        return values
