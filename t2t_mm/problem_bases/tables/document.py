"""Document: a TOML file, read key by key, with line numbers for errors."""

from __future__ import annotations

import codecs
import difflib
import pathlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.config import value_types

_HEADER = re.compile(r"\s*\[+([^\[\]]+)\]+\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"""\s*((?:[\w.\s-]|"[^"]*"|'[^']*')+?)\s*=""")
_KEY = re.compile(r""""[^"]*"|'[^']*'|[\w-]+""")
_PARSER_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")
_REQUIRED: Any = object()


class TableError(errors.PluginError):
    """An error in a table file.

    Args:
      place: the file, with the line if known, as `file:line`.
      error: the error there.
    """

    def __init__(self, place: str, error: errors.UserError) -> None:
        super().__init__(str(error))
        self.place = place


class Document:
    """The text and the values of a TOML file.

    Raises:
      TableError: for a file that is not TOML.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        try:
            self.text = path.read_bytes().removeprefix(codecs.BOM_UTF8).decode("utf-8")
            self.values = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            match = _PARSER_PLACE.search(str(error))
            what = _PARSER_PLACE.sub("", str(error))
            place = f"{path}:{match[1]}" if match else str(path)
            raise TableError(place, errors.PluginError(f"It is not TOML: {what}")) from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            wrong = errors.PluginError("It is not UTF-8")
            raise TableError(f"{path}:{line}", wrong) from error
        except OSError as error:
            wrong = errors.PluginError("It cannot be read", received=error.strerror)
            raise TableError(str(path), wrong) from error

    @property
    def root(self) -> Section:
        """The keys outside of any `[table]`."""
        return Section(self, (), self.values)

    def place(self, *names: str) -> str:
        """Returns `file:line` of a key, or of the nearest enclosing table."""
        line = line_of(self.text, names)
        return str(self.path) if line is None else f"{self.path}:{line}"


class Section:
    """One table of the document, with checked access to its keys.

    Args:
      document: of the table.
      names: of the table and those around it, outermost first (`("inputs", "review")`).
      values: by key.
    """

    def __init__(
        self, document: Document, names: tuple[str, ...], values: Mapping[str, Any]
    ) -> None:
        self.document = document
        self.names = names
        self.values = values

    @property
    def title(self) -> str:
        """The name of the table in errors."""
        return f"[{'.'.join(self.names)}]" if self.names else "the file"

    def error(self, error: errors.UserError, key: str | None = None) -> TableError:
        """Returns the error with the place of a key of this table, or of the table."""
        return TableError(self.document.place(*self.names, *([key] if key else [])), error)

    def check_keys(self, known: Iterable[str]) -> None:
        """Raises for an unknown key, with the nearest known one."""
        for key in self.values:
            if key not in known:
                raise self._unknown(key, known)

    def get(self, key: str, annotation: Any, default: Any = _REQUIRED) -> Any:
        """Returns the value of a key, in the type of the annotation.

        Raises:
          TableError: for a value of another type, or a missing one without a default.
        """
        if key not in self.values:
            if default is _REQUIRED:
                for near in difflib.get_close_matches(key, self.values, n=1, cutoff=0.75):
                    raise self._unknown(near, [key])
                expected = value_types.describe(annotation)
                wrong = errors.PluginError(
                    f"The key {key!r} is missing in {self.title}", expected=f"{key} = {expected}"
                )
                raise self.error(wrong)
            return default
        try:
            return value_types.convert(key, self.values[key], annotation)
        except errors.ConfigError as error:
            raise self.error(error, key) from error

    def _unknown(self, key: str, known: Iterable[str]) -> TableError:
        listed = ", ".join(known)
        wrong = errors.PluginError(
            f"Unknown key {key!r} in {self.title}",
            expected=f"one of {listed}" if "," in listed else listed,
            hint=errors.did_you_mean(key, known),
        )
        return self.error(wrong, key)

    def section(self, key: str) -> Section:
        """Returns a table within this one; an empty one if it is missing.

        Raises:
          TableError: for a value that is not a table.
        """
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            name = ".".join((*self.names, key))
            wrong = errors.PluginError(
                f"{key!r} is not a table", received=repr(value), expected=f"[{name}] and its keys"
            )
            raise self.error(wrong, key)
        return Section(self.document, (*self.names, key), value)


def line_of(text: str, names: Sequence[str]) -> int | None:
    """Returns the number of the line of a key, or of the nearest enclosing table's header.

    It matches single lines, so a line of a multi-line string that looks like a key may be
    taken for one.

    Args:
      text: of the TOML file.
      names: of the tables and, last, the key.
    """
    target = tuple(names)
    header: tuple[str, ...] = ()
    best, line = 0, None
    for number, content in enumerate(text.split("\n"), start=1):
        if match := _HEADER.match(content):
            here = header = _keys(match[1])
        elif match := _ASSIGNMENT.match(content):
            here = header + _keys(match[1])
        else:
            continue
        if len(here) > best and here == target[: len(here)]:
            best, line = len(here), number
    return line


def _keys(dotted: str) -> tuple[str, ...]:
    """Returns the parts of a dotted key, quotes removed."""
    return tuple(part.strip("\"'") for part in _KEY.findall(dotted))
