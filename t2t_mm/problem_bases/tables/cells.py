"""Cells: the values of a row's columns, as raw values of a problem."""

from __future__ import annotations

import codecs
import json
import math
import os
import pathlib
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.corpus import texts as texts_lib
from t2t_mm.files import limits
from t2t_mm.modality import media
from t2t_mm.problem_bases.tables import rows

_BRACED = re.compile(r"\{([^{}]*)\}")


def text_or_none(value: Any) -> str | None:
    """Returns a cell as text; a number or boolean as in JSON; else None.

    NaN and infinities, which JSON forbids and Python reads, give None.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def text(row: rows.Row, column: str) -> str:
    """Returns the text of a row's cell.

    Raises:
      BadExampleError: when the row has no such cell, or it is not text.
    """
    value = text_or_none(cell(row, column))
    if value is None:
        raise _wrong(row, column, row.values[column], "a text or a number")
    return value


def texts(row: rows.Row, columns: Sequence[str]) -> str | list[str]:
    """Returns the text of a cell, or the texts of several cells or of a list in one cell.

    Raises:
      BadExampleError: as `text`.
    """
    if len(columns) > 1:
        return [found for column in columns if (found := text(row, column))]
    value = cell(row, columns[0])
    if not isinstance(value, list):
        return text(row, columns[0])
    several = [text_or_none(one) for one in value]
    whole = [one for one in several if one is not None]
    if len(whole) < len(several):
        raise _wrong(row, columns[0], value, "a list of texts or numbers")
    return whole


def cell(row: rows.Row, column: str) -> Any:
    """Returns the value of a column.

    Raises:
      BadExampleError: when the row has no such column.
    """
    if column not in row.values:
        raise errors.BadExampleError(
            f"{row.place}, has no {column!r}",
            received=", ".join(row.values) or "nothing",
            hint=errors.did_you_mean(column, row.values),
        )
    return row.values[column]


def columns_of(template: str) -> list[str]:
    """Returns the columns in braces of a pattern such as "images/{id}.jpg"."""
    return _BRACED.findall(template)


def path(row: rows.Row, template: str, root: pathlib.Path) -> pathlib.Path:
    """Fills in a row's values in a template, and returns the path below the corpus.

    Raises:
      BadExampleError: for a missing cell, or a path that leads out of the corpus.
    """
    return inside(_BRACED.sub(lambda found: text(row, found[1]), template), row, root)


def inside(name: str, row: rows.Row, root: pathlib.Path) -> pathlib.Path:
    """Returns a path of a row below the corpus.

    Annotation files write paths in several forms: relative, absolute (with or without
    symbolic links), as a `file:` URL, with backslashes, or with URL escapes. The first
    form that names an existing file is taken.

    Raises:
      BadExampleError: for a path out of the corpus.
    """
    if not name.strip():
        raise errors.BadExampleError(f"{row.place}, names no file", received=repr(name))
    candidates = [path for form in _forms(name) if (path := _below(form, root)) is not None]
    if not candidates:
        raise errors.BadExampleError(
            f"{row.place}, names a file outside of the corpus",
            received=repr(name),
            expected=f"a path that begins in {root}",
        )
    return (
        candidates[0]
        if len(candidates) == 1
        else next(filter(_is_there, candidates), candidates[0])
    )


def _forms(name: str) -> Iterator[str]:
    """Yields a path as written, and its other possible forms."""
    if name.lower().startswith("file:"):
        from urllib import request  # with ssl and http, which lists go without

        name = request.url2pathname(urllib.parse.urlsplit(name).path)
    yield name
    slashed = name.replace("\\", "/")
    if slashed != name:
        yield slashed
    if "%" in name:
        yield urllib.parse.unquote(slashed)


def _below(name: str, root: pathlib.Path) -> pathlib.Path | None:
    """Returns the path `name` relative to the corpus; None if it leads out of it."""
    original = pathlib.Path(name)
    if not original.is_absolute():
        plain = pathlib.Path(os.path.normpath(name)) if ".." in original.parts else original
        return None if plain.parts[:1] == ("..",) else root / plain
    plain = pathlib.Path(os.path.normpath(name))
    followed = plain if "\0" in name else pathlib.Path(os.path.realpath(plain))
    for top in (root.absolute(), root.resolve()):
        for path in (plain, followed):
            if path.is_relative_to(top):
                return root / path.relative_to(top)
    return None


def _is_there(path: pathlib.Path) -> bool:
    try:
        return "\0" not in str(path) and path.exists()
    except OSError:  # no permission for its folder, or too long a name
        return False


def read(file: pathlib.Path) -> str:
    """Returns the text of a file, without the white space around it.

    Raises:
      BadExampleError: for a file that is missing, too large for a text, or not UTF-8.
      DataError: for an error of the machine, not of the file.
    """
    variable = texts_lib.LINE_VARIABLE
    most = limits.most(variable, texts_lib.LONGEST_LINE_BYTES, "bytes")
    data = media.content(file, "A text", most=most, variable=variable)
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise errors.BadExampleError(f"{file} is not UTF-8") from error


def _wrong(row: rows.Row, column: str, value: Any, expected: str) -> errors.BadExampleError:
    said = json.dumps(value, ensure_ascii=False)
    return errors.BadExampleError(
        f"{row.place}, {column!r} is not what it should be",
        received=errors.shortened(said),
        expected=expected,
    )
