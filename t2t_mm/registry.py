"""One registry class for problems, models, metrics, optimizers and whatever else has a name.

A name is an explicit string, so that renaming a class never renames data on disk.
A value may be given as `"module:attribute"`; it is then imported on first use,
which keeps TensorFlow out of commands that only list.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import fnmatch
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from t2t_mm import errors

T = TypeVar("T")

FRAMEWORK = "t2t_mm"
NAME = re.compile(r"[a-z][a-z0-9_]*")
NAME_WORDS = "small letters, digits and _, a letter first"
PLAIN_NAME = re.compile(r"\w[\w.-]*")
"""A name that becomes that of a file or folder, such as a vocabulary's: without separators."""
PLAIN_NAME_WORDS = "letters, digits, _, - and dots, no dot first"
_current_plugin: contextvars.ContextVar[str] = contextvars.ContextVar(
    "current_plugin", default=FRAMEWORK
)


@contextlib.contextmanager
def registering(plugin: str) -> Iterator[None]:
    """Marks everything registered within the block as coming from `plugin`."""
    token = _current_plugin.set(plugin)
    try:
        yield
    finally:
        _current_plugin.reset(token)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A registered value: its name, plugin, and the place that registered it."""

    name: str
    value: Any
    plugin: str
    place: str


class Registry(Generic[T]):
    """Names to values, with the plugin and the source line of each."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._entries: dict[str, Entry] = {}

    def register(self, name: str, *, place: str | None = None) -> Callable[[Any], Any]:
        """Returns a decorator that registers a class or function under `name`.

        Args:
          name: of the value.
          place: `file:line` of its declaration; None for the caller's.

        Raises:
          PluginError: for the decorator without a name, as in `@register`.
        """
        place = place or _caller()
        self._check_name(name, place)

        def decorate(value: Any) -> Any:
            if not callable(value):
                raise errors.PluginError(
                    f"What is registered as the {self.noun} {name!r} at {place} is no class",
                    received=errors.shortened(repr(value), 120),
                    expected="a class, or a function that makes one of its kind",
                    hint=f"Register the class {type(value).__name__} itself, not an instance of it",
                )
            self._add(name, value, place)
            return value

        return decorate

    def add(self, name: str, value: T | str) -> None:
        """Registers `value`, or the lazy reference `"module:attribute"`, under `name`."""
        self._add(name, value, _caller())

    def get(self, name: str) -> T:
        """Returns the value registered under `name`, or raises with a suggestion."""
        if name not in self._entries:
            raise errors.ConfigError(
                f"Unknown {self.noun} {name!r}",
                expected=f"one of {', '.join(self.names()) or 'none registered'}",
                hint=_join(errors.did_you_mean(name, self.names()), _failed_plugins(self.noun)),
            )
        value = self._entries[name].value
        if isinstance(value, str):
            value = load(value)
        return value

    def match(self, patterns: list[str]) -> list[str]:
        """Expands names and globs, in order and without repeats.

        Raises:
          ConfigError: for an unknown name, or a glob without a match.
        """
        matches: dict[str, None] = {}
        for pattern in patterns:
            if any(sign in pattern for sign in "*?["):
                hits = fnmatch.filter(self.names(), pattern)
                if not hits:
                    raise errors.ConfigError(
                        f"No {self.noun} matches {pattern!r}",
                        expected=f"a pattern over {', '.join(self.names()) or 'nothing'}",
                        hint=_failed_plugins(self.noun),
                    )
            else:
                if pattern not in self._entries:
                    self.get(pattern)
                hits = [pattern]
            matches.update(dict.fromkeys(hits))
        return list(matches)

    def names(self) -> list[str]:
        """Returns every name, sorted."""
        return sorted(self._entries)

    def entries(self) -> list[Entry]:
        """Returns every entry, sorted by name."""
        return [self._entries[name] for name in self.names()]

    def remove_plugin(self, plugin: str) -> None:
        """Removes all entries of `plugin` (it failed half-way, or a test ends)."""
        kept = {n: e for n, e in self._entries.items() if e.plugin != plugin}
        self._entries = kept

    def reassign(self, name: str, plugin: str) -> None:
        """Attributes `name` to `plugin`, if another plugin imported its module first."""
        self._entries[name] = dataclasses.replace(self._entries[name], plugin=plugin)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def _check_name(self, name: object, place: str) -> None:
        """Raises for an invalid name; a bare decorator passes the class itself."""
        if callable(name):
            shown = getattr(name, "__name__", type(name).__name__)
            raise errors.PluginError(
                f"The {self.noun} {shown} is registered without a name at {place}",
                expected="the name in brackets, which stays when a class is renamed",
                hint=f'Write @register_{self.noun}("{_snake_case(shown)}")',
            )
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise errors.PluginError(
                f"Bad {self.noun} name at {place}",
                received=repr(name),
                expected=NAME_WORDS,
            )

    def _add(self, name: str, value: Any, place: str) -> None:
        self._check_name(name, place)
        old = self._entries.get(name)
        if old is not None:
            raise errors.PluginError(
                f"The {self.noun} {name!r} is registered twice: at {old.place} (plugin "
                f"{old.plugin}) and at {place} (plugin {_current_plugin.get()})",
                hint="Rename one of them",
            )
        self._entries[name] = Entry(name, value, _current_plugin.get(), place)


def _snake_case(name: str) -> str:
    """Returns the name that Tensor2Tensor derives from a class: `MyReviews`, my_reviews."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def load(reference: str) -> Any:
    """Imports `"module:attribute"` and returns the attribute."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _join(*sentences: str | None) -> str | None:
    return " ".join(sentence for sentence in sentences if sentence) or None


def _failed_plugins(noun: str) -> str | None:
    """Returns a hint naming failed plugins that may define a missing name, or None.

    The reasons of their failure are left to `mm-list`: a plugin that fails by this very
    error would otherwise repeat the reasons of all before it.
    """
    # A table declares only problems.
    names = [name for name in failed if noun == problems.noun or not name.endswith(".toml")]
    if not names:
        return None
    listed = errors.first_few(names)
    return f"It may be of a plugin that failed to load: {listed} (mm-list says why)"


def _caller() -> str:
    """Returns `file:line` of the first frame outside the modules of registration."""
    frame = sys._getframe(1)
    doors = (__name__, "t2t_mm.problem.registration", "t2t_mm.registration")
    while frame.f_back is not None and frame.f_globals.get("__name__") in doors:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


failed: dict[str, str] = {}
"""Plugins that could not be loaded, with the reasons; a missing name may be theirs."""

problems: Registry[Any] = Registry("problem")
models: Registry[Any] = Registry("model")
modalities: Registry[Any] = Registry("modality")
metrics: Registry[Any] = Registry("metric")
schedules: Registry[Any] = Registry("schedule")
nets: Registry[Any] = Registry("net")
"""Functions that return a Keras model, by the names for `KerasNet.model`."""
optimizers: Registry[Any] = Registry("optimizer")
decays: Registry[Any] = Registry("decay")
"""Functions that give the learning rate after the warm-up; a schedule is of a mixture."""

ALL: dict[str, Registry[Any]] = {
    "problems": problems,
    "models": models,
    "modalities": modalities,
    "metrics": metrics,
    "schedules": schedules,
    "nets": nets,
    "optimizers": optimizers,
    "decays": decays,
}
