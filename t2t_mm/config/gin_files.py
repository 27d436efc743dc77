"""Finds gin files and parses them into bindings, each with its place.

gin's own parser binds while it reads: the last of two bindings of a key silently wins,
and an error half-way leaves half a configuration. Here all files are parsed and checked
first, and bound only without errors.

A gin file named by the user may `import module`, which runs that module: it is code, and
must be trusted like code. The configuration in a run folder is data: `read_data` accepts
only values.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import pathlib
import tokenize
from collections.abc import Iterator
from typing import Any

import gin
from t2t_mm import errors
from t2t_mm.files import mirrors, paths

_PARSER = gin.config_parser
_OF_GIN = ("constant", "macro", "singleton")
"""gin's own configurables that a file could call; a macro `%NAME` is no call."""


@dataclasses.dataclass(frozen=True)
class Binding:
    """`key = value`, or a macro's definition when `parameter` is empty.

    Attributes:
      scope: gin scope, mostly empty.
      name: the configurable as written, or the macro's name.
      parameter: empty for a macro.
      value: a literal, or a structure with gin references.
      macros: names of the macros in the value.
      place: "FILE, line N", or "--gin_param".
      source: the file, to distinguish repeats in one file from overrides.
    """

    scope: str
    name: str
    parameter: str
    value: Any
    macros: tuple[str, ...]
    place: str
    source: str

    @property
    def key(self) -> str:
        """The left side, as written."""
        scope = f"{self.scope}/" if self.scope else ""
        return scope + (f"{self.name}.{self.parameter}" if self.parameter else self.name)

    @property
    def short_name(self) -> str:
        """The configurable without modules before it."""
        return self.name.rpartition(".")[2]


def folder() -> pathlib.Path:
    """Returns the folder of the gin files that come with the framework."""
    package = pathlib.Path(__file__).resolve().parents[1]
    for place in (package / "gin", package.parent / "gin"):
        if (place / "models").is_dir():
            return place
    return package / "gin"


def names() -> list[str]:
    """Returns the gin files that come with the framework, as `--gin_file` takes them."""
    root = folder()
    return sorted(p.relative_to(root).with_suffix("").as_posix() for p in root.rglob("*.gin"))


def find(name: str, *, beside: pathlib.Path | None = None, place: str = "") -> pathlib.Path:
    """Returns the file that `name` stands for.

    It is first tried as a path: relative to the including file, then to the working
    directory (not for files of the framework). Then it is searched under `gin/`, with or
    without `.gin`; the subfolder may be left out if only one file has the name.

    Raises:
      ConfigError: no such file, or several.
    """
    if mirrors.is_url(name):
        raise errors.ConfigError(
            "A gin file is code, which is never fetched from a URL",
            received=name,
            expected="a path of this machine, or a name under gin/",
        )
    relative = paths.expanded(name)
    roots = [pathlib.Path.cwd(), folder()]
    if beside:
        # The framework's files include only its own, whatever the working directory holds.
        ours = beside.resolve().is_relative_to(folder().resolve())
        roots = [beside, folder()] if ours else [beside, *roots]
    for root in roots:
        for path in (root / relative, root / f"{relative}.gin"):
            if path.is_file():
                return path
    stem = relative.name.removesuffix(".gin")
    hits = (
        [n for n in names() if n.rpartition("/")[2] == stem] if relative.parent.name == "" else []
    )
    if len(hits) == 1:
        return folder() / f"{hits[0]}.gin"
    what = "Several gin files have the name" if hits else "There is no gin file"
    by_stem = {n.rpartition("/")[2]: n for n in names()}
    near = difflib.get_close_matches(stem, by_stem, n=1)
    raise errors.ConfigError(
        f"{what} {name!r}" + (f" ({place})" if place else ""),
        expected=f"a path, or one of {', '.join(hits or names()) or 'no files installed'}",
        hint=f"Did you mean {by_stem[near[0]]!r}?" if near and not hits else None,
    )


def read(name: str) -> Iterator[Binding]:
    """Yields the bindings of a file and of the files it includes, in order."""
    yield from _read_file(find(name), including=())


def read_data(path: pathlib.Path) -> Iterator[Binding]:
    """Yields the bindings of a run folder's configuration, which is not trusted.

    Nothing is imported, included or called.

    Raises:
      ConfigError: for a line that would do so, or is no binding.
    """
    yield from _read_file(path, including=(), is_data=True)


def read_text(text: str) -> Iterator[Binding]:
    """Yields the bindings of a text that `config.operative` gave, read as `read_data` reads."""
    yield from _parse(text, source="the saved configuration", path=None, including=(), is_data=True)


def read_params(params: list[str]) -> Iterator[Binding]:
    """Yields the bindings given one by one on a command line."""
    for param in params:
        yield from _parse(param, source=f"--gin_param={param!r}", path=None, including=())


def _read_file(
    path: pathlib.Path, *, including: tuple[pathlib.Path, ...], is_data: bool = False
) -> Iterator[Binding]:
    path = path.resolve()
    if path in including:
        shown = " -> ".join(p.name for p in (*including, path))
        raise errors.ConfigError("A gin file includes itself", received=shown)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.ConfigError(f"Cannot read the gin file {path}", received=error) from error
    seen: dict[str, Binding] = {}
    chain = (*including, path)
    for binding in _parse(text, source=str(path), path=path, including=chain, is_data=is_data):
        if binding.source == str(path):
            key = f"{binding.scope}/{binding.short_name}.{binding.parameter}"
            old = seen.get(key)
            if old is not None and repr(old.value) != repr(binding.value):
                raise errors.ConfigError(
                    f"{binding.key} is set twice in one file: to {old.value!r} ({old.place}) "
                    f"and to {binding.value!r} ({binding.place})",
                    hint="Keep one of them",
                )
            seen[key] = binding
        yield binding


def _parse(
    text: str,
    *,
    source: str,
    path: pathlib.Path | None,
    including: tuple[pathlib.Path, ...],
    is_data: bool = False,
) -> Iterator[Binding]:
    delegate = _Delegate()
    line = 1
    try:
        parser = _PARSER.ConfigParser(text, delegate)
        while True:
            delegate.macros.clear()
            delegate.configurables.clear()
            statement = _statement(parser, f"{source}, after line {line}" if path else source)
            if statement is None:
                return
            line = statement.location.line_num
            place = f"{source}, line {line}" if path else source
            if is_data:
                _check_data(statement, delegate.configurables, place)
            if isinstance(statement, _PARSER.IncludeStatement):
                included = find(
                    statement.filename, beside=path.parent if path else None, place=place
                )
                yield from _read_file(included, including=including)
            elif isinstance(statement, _PARSER.ImportStatement):
                _import(statement.module, place)
            elif isinstance(statement, _PARSER.BindingStatement):
                scope, name, parameter, value, _ = statement
                macros = tuple(delegate.macros)
                yield Binding(scope, name, parameter, value, macros, place, source)
    except (SyntaxError, tokenize.TokenError) as error:
        line = getattr(error, "lineno", None) or line
        place = f"{source}, line {line}" if path else source
        reason = getattr(error, "msg", None) or error.args[0]
        reason = reason[0] if isinstance(reason, tuple) else str(reason).splitlines()[0]
        if reason.startswith("malformed node"):
            reason = "the value is no literal"
        written = (getattr(error, "text", None) or "").strip()
        raise errors.ConfigError(
            f"Not a gin statement ({place}): {reason}",
            received=repr(written) if written else None,
            expected="lines such as TrainSettings.train_steps = 1000 (strings in quotes)",
        ) from error
    except _UnknownReferenceError as error:
        line = parser.current_token.start[0]
        place = f"{source}, line {line}" if path else source
        raise errors.ConfigError(
            f"Unknown configurable @{delegate.unknown} ({place})",
            hint="A plugin's are known once it is loaded, or by an import line",
        ) from error


def _statement(parser: Any, place: str) -> Any:
    """Returns the next statement, or None at the end."""
    try:
        return parser.parse_statement()
    except (RecursionError, MemoryError, ValueError) as error:
        is_number = isinstance(error, ValueError)  # a number of thousands of digits
        raise errors.ConfigError(
            f"Not a gin statement ({place})",
            received=error if is_number else "brackets too deep within each other",
            expected="lines such as TrainSettings.train_steps = 1000 (strings in quotes)",
        ) from error


def _check_data(statement: Any, configurables: list[str], place: str) -> None:
    """Raises for a statement that does more than bind a value."""
    received = None
    if isinstance(statement, _PARSER.ImportStatement):
        received = f"import {statement.module}"
    elif isinstance(statement, _PARSER.IncludeStatement):
        received = f"include {statement.filename!r}"
    elif isinstance(statement, _PARSER.BindingStatement) and statement.arg_name:
        configurables = [statement.selector, *configurables]
    for name in configurables:
        if name.removeprefix("gin.") in _OF_GIN:
            received = f"gin's own {name}"
    if received is not None:
        raise errors.ConfigError(
            f"The configuration of a run is data, but this would run code ({place})",
            received=received,
            expected="values only: CLASS.PARAMETER = VALUE",
            hint="What it needs of a plugin comes in by --usr_dir, or an installed package",
        )


def _import(module: str, place: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise errors.ConfigError(
            f"The gin file imports {module!r}, which fails ({place})", received=error
        ) from error


class _UnknownReferenceError(Exception):
    """A reference to something that gin does not know."""


class _Delegate(gin.config.ParserDelegate):
    """Creates gin's references, and collects the names of macros."""

    def __init__(self) -> None:
        super().__init__()
        self.macros: list[str] = []
        self.configurables: list[str] = []
        self.unknown = ""

    def configurable_reference(self, scoped_configurable_name: str, evaluate: bool) -> Any:
        self.configurables.append(scoped_configurable_name.rpartition("/")[2])
        try:
            return super().configurable_reference(scoped_configurable_name, evaluate)
        except (SyntaxError, ValueError) as error:
            self.unknown = scoped_configurable_name
            raise _UnknownReferenceError from error

    def macro(self, macro_name: str) -> Any:
        if macro_name != "gin.REQUIRED":
            self.macros.append(macro_name)
        return super().macro(macro_name)
