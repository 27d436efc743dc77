"""Rows of CSV, TSV, JSON Lines and folders, one for each example, each with its place.

An unreadable row stays in the sequence with its error, so that `--max_bad_examples` can
skip and count it. An error of the whole file (missing, not UTF-8, without a needed column)
is a `DataError`.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import dataclasses
import hashlib
import json
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw

CSV, TSV, JSONL, FOLDER = "csv", "tsv", "jsonl", "folder"
FORMATS = (CSV, TSV, JSONL, FOLDER)
FOLDER_COLUMNS = ("path", "folder", "stem")
"""The columns of a file in a folder: its path below the corpus, its folder's name, its stem."""

_SUFFIXES = {".csv": CSV, ".tsv": TSV, ".jsonl": JSONL, ".ndjson": JSONL}
_ALTERNATIVES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_PACKED = (".gz", ".bz2", ".xz")
_COLUMNS_SHOWN = 12
_DELIMITERS = {CSV: ",", TSV: "\t"}
_FIELD_LIMIT = 1 << 24
"""Largest number of characters of a field: an unclosed quote runs to the end of the file."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One row.

    Args:
      place: for errors: the file, with the line if there is one.
      key: unique: file and line, or the path of a file.
      values: by column: text, or any JSON values of JSON Lines.
      error: why the row cannot be read, or None.
    """

    place: str
    key: str
    values: Mapping[str, Any]
    error: errors.BadExampleError | None = None


@dataclasses.dataclass(frozen=True)
class Reader:
    """Reads files of one format.

    Args:
      format: one of `FORMATS`.
      columns: names of the columns of a CSV or TSV without a header.
      delimiter: between fields; if empty, that of the format.
      quotes: whether fields may be quoted by double quotes.
      needed: columns that the problem uses.
    """

    format: str
    columns: tuple[str, ...] = ()
    delimiter: str = ""
    quotes: bool = True
    needed: tuple[str, ...] = ()

    def read(self, pattern: str, files: raw.RawFiles) -> Iterator[Row]:
        """Yields the rows of all matching files, in a fixed order.

        Raises:
          DataError: without such a file, or for one that is not of the format.
        """
        if self.format == FOLDER:
            yield from _files(pattern, files)
            return
        read = self._objects if self.format == JSONL else self._fields
        for name in _names(pattern, files):
            span = files.part.range_of((name,))
            if span is not None:
                yield from read(name, files, span)

    def parts(self, pattern: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        """Returns the parts in which the rows can be read: shares of files, ranges of lines.

        A file in which a quoted field may hold line ends is never cut.
        """
        if self.format == FOLDER:
            return parts_lib.of_units(len(_glob(pattern, files)))
        groups = [(name,) for name in _names(pattern, files)]
        quoted = self.format != JSONL and self.quotes
        uncut = [group for group in groups if quoted and _has_quotes(files.root / group[0])]
        return parts_lib.of_texts(files, groups, uncut=uncut)

    def _objects(self, name: str, files: raw.RawFiles, span: parts_lib.Range) -> Iterator[Row]:
        started = False
        for number, (line,) in _from_one(files.numbered(*span.names)):
            if not line.strip():
                continue
            if not started:
                started = True
                self._check_first(line, files.root / name)
            place, key = f"{name}, line {number}", f"{name}:{number}"
            try:
                values = json.loads(line, object_pairs_hook=_with_each_key_once)
                wrong = None if isinstance(values, dict) else "is not a JSON object"
                said: object = errors.shortened(line)
            except json.JSONDecodeError as error:
                wrong, said = "is not JSON", f"{error.msg} at character {error.pos + 1}"
            except (ValueError, RecursionError) as error:  # also too deep nesting
                wrong, said = "is not JSON that can be read", error
            if wrong is None:
                yield Row(place, key, values)
            else:
                bad = errors.BadExampleError(
                    f"{place}, {wrong}",
                    received=said,
                    expected=f"one object a line, with {', '.join(self.needed)}",
                )
                yield Row(place, key, {}, bad)

    def _check_first(self, line: str, path: pathlib.Path) -> None:
        """Raises for JSON over many lines, or a list of all rows on one line."""
        start = line.strip()
        is_array = start[0] == "["
        if start in ("[", "{") or (is_array and start[1:].lstrip()[:1] == "{"):
            raise errors.DataError(
                f"{path} is JSON, but no JSON Lines",
                received=f"{'an array' if is_array else 'an object'} over many lines, or all rows "
                f"in one: {errors.shortened(start)}",
                expected=f"one object a line, with {', '.join(self.needed)}",
                hint=f"Convert it: jq -c '{'.[]' if is_array else '.'}' FILE > FILE.jsonl",
            )

    def _fields(self, name: str, files: raw.RawFiles, span: parts_lib.Range) -> Iterator[Row]:
        columns = self.columns
        if span.first and not columns:  # the names stand in the file's first line, of another part
            whole = enumerate(zip(files.lines(name)), start=1)
            columns = self._header(next(self._records(name, whole, files))[1], name, files)
        lines = _from_one(files.numbered(*span.names))
        for number, fields in self._records(name, lines, files):
            if not columns:
                columns = self._header(fields, name, files)
                continue
            place, key = f"{name}, line {number}", f"{name}:{number}"
            values = dict(zip(columns, fields, strict=False))
            bad = None
            if len(fields) != len(columns):
                bad = errors.BadExampleError(
                    f"{place}, has {len(fields)} field{'s' if len(fields) > 1 else ''}",
                    received=errors.shortened(str(fields)),
                    expected=f"{len(columns)}: {errors.first_few(columns, _COLUMNS_SHOWN)}",
                    hint="A field that holds the delimiter stands in quotes"
                    if self.quotes
                    else None,
                )
            yield Row(place, key, values, bad)
        if not columns:
            raise errors.DataError(
                f"{files.root / name} is empty", expected="a line with the names of its columns"
            )

    @property
    def has_header(self) -> bool:
        """Whether the first line of a file names its columns."""
        return self.format in _DELIMITERS and not self.columns

    @property
    def _delimiter(self) -> str:
        return self.delimiter or _DELIMITERS[self.format]

    def _records(
        self, name: str, lines: Iterator[tuple[int, tuple[str, ...]]], files: raw.RawFiles
    ) -> Iterator[tuple[int, list[str]]]:
        """Yields the fields of every line that is not blank, with the line's number."""
        if not self.quotes:
            for number, (line,) in lines:
                if line:
                    yield number, line.split(self._delimiter)
            return
        numbers: list[int] = []  # of the lines of the next record

        def numbering() -> Iterator[str]:
            for number, (line,) in lines:
                numbers.append(number)
                yield f"{line}\n"

        csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))
        reader = csv.reader(numbering(), delimiter=self._delimiter, strict=True)
        number = 0
        try:
            for fields in reader:
                number = numbers[0]
                if fields:
                    yield number, fields
                number = numbers[-1]
                numbers.clear()
        except csv.Error as error:
            raise errors.DataError(
                f"{files.root / name}, line {(numbers or [number + 1])[0]}, cannot be read as "
                f"{self.format}",
                received=error,
                expected='quotes around whole fields, and "" for a quote within',
                hint="Where quotes mean nothing, say quotes = false under [data]",
            ) from error

    def _header(self, fields: Sequence[str], name: str, files: raw.RawFiles) -> tuple[str, ...]:
        """Returns the names of the columns, after checking that the needed ones exist."""
        columns = tuple(field.strip() for field in fields)
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise errors.DataError(
                f"{files.root / name} has two columns {twice[0]!r}",
                received=errors.first_few(columns, _COLUMNS_SHOWN),
            )
        missing = [column for column in self.needed if column not in columns]
        if missing:
            hint = errors.did_you_mean(missing[0], columns)
            if len(columns) == 1:
                others = [sign for sign in ";\t|," if sign in columns[0]]
                hint = (
                    f"For fields with {others[0]!r} between, say so: delimiter" if others else hint
                )
            raise errors.DataError(
                f"{files.root / name} has no column {missing[0]!r}",
                received=f"the columns {errors.first_few(columns, _COLUMNS_SHOWN)}",
                expected=", ".join(self.needed),
                hint=hint,
            )
        return columns


def format_of(pattern: str) -> str | None:
    """Returns the format by the ending of names; None if it is unknown, or there are several."""
    found = {_format_of(one) for one in alternatives(pattern)}
    return found.pop() if len(found) == 1 else None


def alternatives(pattern: str) -> list[str]:
    """Returns the patterns for which one with alternatives in braces stands, as in a shell.

    So "*/*.{png,jpg}" is `["*/*.png", "*/*.jpg"]`.
    """
    found = _ALTERNATIVES.search(pattern)
    if found is None:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    chosen = [f"{before}{one.strip()}{after}" for one in found[1].split(",")]
    return [each for one in chosen for each in alternatives(one)]


def _format_of(name: str) -> str | None:
    path = pathlib.PurePosixPath(name)
    if path.suffix.lower() in _PACKED:
        path = path.with_suffix("")
    suffix = path.suffix.lower()
    return None if suffix == ".json" else _SUFFIXES.get(suffix, FOLDER)


def _names(pattern: str, files: raw.RawFiles) -> list[str]:
    if alternatives(pattern) == [pattern] and not any(sign in pattern for sign in "*?["):
        return [pattern]
    return [path.relative_to(files.root).as_posix() for path in _glob(pattern, files)]


def _glob(pattern: str, files: raw.RawFiles) -> list[pathlib.Path]:
    """Returns the paths that match one of a pattern's alternatives, sorted.

    Raises:
      DataError: when there is none.
    """
    several = alternatives(pattern)
    if len(several) == 1:
        return files.glob(pattern)
    paths = {path for one in several for path in files.glob(one, optional=True)}
    if not paths:
        files.missing(pattern, verb="matches")
    return sorted(paths)


def _files(pattern: str, files: raw.RawFiles) -> Iterator[Row]:
    """Yields a row for every file in a shuffled order, so that the first are of all folders."""
    names = [
        path.relative_to(files.root).as_posix() for path in _glob(pattern, files) if path.is_file()
    ]
    for name in files.share(sorted(names, key=_mixed)):
        path = pathlib.PurePosixPath(name)
        values = dict(zip(FOLDER_COLUMNS, (name, path.parent.name, path.stem), strict=True))
        yield Row(name, name, values)


def _from_one(
    lines: Iterator[tuple[int, tuple[str, ...]]],
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yields lines with their numbers counted from 1, as editors show them."""
    for number, line in lines:
        yield number + 1, line


def _has_quotes(path: pathlib.Path) -> bool:
    """Says whether a file has a quote; one that is compressed is not looked into."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        return any(b'"' in chunk for chunk in iter(lambda: file.read(1 << 20), b""))
    return False


def _mixed(name: str) -> bytes:
    """Returns a hash as sort key for a shuffled order, also of names that are not UTF-8."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object; raises for a repeated key, which programs read differently."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = collections.Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {errors.shortened(repr(twice))} twice")
    return values
