"""Configurable classes: the frozen dataclasses whose fields gin files can set.

Settings are declared by importing them; gin itself is imported with `configuration`, when the
first configuration is read.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from t2t_mm import errors

T = TypeVar("T")

_MODULES = (
    "t2t_mm.settings.augmentation",
    "t2t_mm.settings.batching",
    "t2t_mm.mixture.mixture",
    "t2t_mm.mixture.adaptive",
    "t2t_mm.mixture.schedules",
    "t2t_mm.settings.decoding",
    "t2t_mm.settings.experiments",
    "t2t_mm.modality.pretrained.settings",
    "t2t_mm.settings.models",
    "t2t_mm.settings.training",
)

_classes: dict[str, type] = {}
_followers: list[Callable[[type], None]] = []

by_name: Mapping[str, type] = MappingProxyType(_classes)
"""All registered classes."""


def register(cls: type[T]) -> type[T]:
    """Makes the fields of a frozen dataclass configurable as `CLASS.FIELD`.

    Raises:
      PluginError: not a frozen dataclass, or another class has the name.
    """
    name = cls.__name__
    if not is_frozen(cls):
        raise errors.PluginError(
            f"{cls.__module__}.{name} cannot be configured",
            expected="a frozen dataclass (@dataclasses.dataclass(frozen=True))",
        )
    known = _classes.get(name)
    if known is not None and known.__module__ != cls.__module__:
        raise errors.PluginError(
            f"Two configurable classes are named {name}: {known.__module__} and {cls.__module__}",
            hint="Rename one of them",
        )
    _classes[name] = cls
    if known is None:
        for tell in _followers:
            tell(cls)
    return cls


def follow(tell: Callable[[type], None]) -> None:
    """Calls `tell` with each registered class: those of now, and later ones as they come."""
    _followers.append(tell)
    for cls in _classes.values():
        tell(cls)


def classes() -> list[type]:
    """Returns the framework's own configurable classes, sorted by name."""
    import_all()
    own = [cls for cls in _classes.values() if cls.__module__ in _MODULES]
    return sorted(own, key=lambda cls: cls.__name__)


def import_all() -> None:
    """Imports the framework's settings modules, which registers their dataclasses."""
    for name in _MODULES:
        module = importlib.import_module(name)
        for value in vars(module).values():
            is_own = (
                inspect.isclass(value) and value.__module__ == name and value.__name__[0] != "_"
            )
            if is_own and is_frozen(value):
                register(value)


def is_frozen(cls: type) -> bool:
    """Returns whether a class is a frozen dataclass."""
    parameters = getattr(cls, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)
