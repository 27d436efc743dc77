"""Code: a digest of the source code that generates a problem's examples.

When the generator changes, its author should raise the problem's version, but may forget.
So the manifest keeps a hash of the code too: of the problem's class and its bases, and of
all they refer to in their own package or folder. Other code in the same files is not
hashed, nor are comments, docstrings, layout and annotations.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pathlib
import sys
from collections.abc import Iterable

from t2t_mm.data import code_statements

_FRAMEWORK = "t2t_mm"
_BUILT_IN = "t2t_mm.problems"

_OF_NO_RECORD = frozenset(
    {
        "answers",
        "answers_of_training",
        "command",
        "constraint",
        "downloads",
        "layout",
        "licensed",
        "metric_tokenizer",
        "metrics",
        "parts",
    }
)
"""Attributes of a problem that do not change its records."""


def digest(problem: type, *, source: str) -> str | None:
    """Returns the sha256, in hex, of the code that generates a problem's examples.

    It covers the class and its bases outside the framework, and all they refer to in their
    own package or folder. None if there is no such code.

    Args:
      problem: the class.
      source: of the raw files; `make_sample` is hashed for "sample" only.
    """
    attributes = _OF_NO_RECORD if source == "sample" else _OF_NO_RECORD | {"make_sample"}
    left_out = {f"{cls.__name__}.{name}" for cls in problem.__mro__ for name in attributes}
    families = {_family(cls.__module__) for cls in problem.__mro__}
    search = _Search(families, frozenset(left_out))
    for cls in problem.__mro__:
        is_in_function = "<locals>" in cls.__qualname__
        search.add(cls.__module__, () if is_in_function else (cls.__name__,))
    digests = search.digests()
    joined = hashlib.sha256()
    for each in sorted(digests):
        joined.update(each)  # without module names: those of a user's folder depend on its path
    return joined.hexdigest() if digests else None


class _Search:
    """Follows names through modules, and collects the statements that define them.

    Args:
      families: only modules of these packages are searched, by `_family`.
      left_out: attributes of classes to ignore, as "Class.attribute".
    """

    def __init__(self, families: set[str | None], left_out: frozenset[str]) -> None:
        self._families, self._left_out = families - {None}, left_out
        self._queue: list[tuple[str, code_statements.Names]] = []
        self._seen: set[tuple[str, code_statements.Names]] = set()
        self._modules: dict[str, code_statements.Module | None] = {}
        self._chosen: dict[str, set[int]] = {}

    def add(self, module: str, names: code_statements.Names) -> None:
        """Adds a dotted name of a module to the search; the whole module for no name."""
        place = module, names
        if place not in self._seen and _family(module) in self._families:
            self._seen.add(place)
            self._queue.append(place)

    def digests(self) -> list[bytes]:
        """Finishes the search and returns the hash of each module's statements."""
        while self._queue:
            self._look_into(*self._queue.pop())
        return [
            code.digest(list(chosen))
            for module, chosen in self._chosen.items()
            if (code := self._module(module))
        ]

    def _look_into(self, module: str, names: code_statements.Names) -> None:
        code = self._module(module)
        if code is None:  # a namespace package, or no module
            if names:
                self.add(f"{module}.{names[0]}", names[1:])
            return
        if not names:
            self._choose(module, code, range(len(code.statements)))
            return
        first, rest = names[0], names[1:]
        defining, imported = code.concerning(first), code.imports.get(first, [])
        self._choose(module, code, defining)
        for origin, inner in imported:
            self.add(origin, (*inner, *rest))
        if defining or imported:
            return
        submodule = f"{module}.{first}"
        if self._module(submodule) is not None:
            self.add(submodule, rest)
        elif not self._in_stars(code, names):
            self.add(module, ())  # its definition was not found

    def _in_stars(self, code: code_statements.Module, names: code_statements.Names) -> bool:
        """Adds a name of the modules imported with a star; says whether one has it."""
        for origin in code.stars:
            inner = self._module(origin)
            if inner and (inner.concerning(names[0]) or names[0] in inner.imports or inner.stars):
                self.add(origin, names)
        return bool(code.stars)

    def _choose(self, module: str, code: code_statements.Module, indices: Iterable[int]) -> None:
        """Collects statements, and adds the names they read to the search."""
        chosen = self._chosen.setdefault(module, set())
        for index in set(indices) - chosen:
            chosen.add(index)
            for names in code.read_by(index):
                self.add(module, names)

    def _module(self, name: str) -> code_statements.Module | None:
        if name not in self._modules:
            path = _file(name) if _family(name) in self._families else None
            code = None
            if path is not None:
                package = name if path.name == "__init__.py" else name.rpartition(".")[0]
                code = code_statements.Module(path.read_bytes(), package, self._left_out)
            self._modules[name] = code
        return self._modules[name]


def _family(module: str) -> str | None:
    """Returns the package or folder of a module; None for third-party code."""
    if f"{module}.".startswith(f"{_BUILT_IN}."):
        return _BUILT_IN
    top = module.partition(".")[0]
    return None if top == _FRAMEWORK or top in sys.stdlib_module_names else top


def _file(module: str) -> pathlib.Path | None:
    """Returns the source file of a module, if it has one."""
    loaded = sys.modules.get(module)
    try:
        spec = None if loaded else importlib.util.find_spec(module)
    except (ImportError, ValueError):  # not a module but a name in one
        return None
    place = getattr(loaded, "__file__", None) or (spec.origin if spec else None)
    path = pathlib.Path(place or "")
    return path if path.suffix == ".py" and path.is_file() else None
