"""Checks gin values against the annotations of dataclass fields.

gin accepts values of any type: a string instead of a number would fail minutes later,
deep inside. Here it is an error that names the key, the value and the type.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import sys
import types
import typing
from typing import Any

from t2t_mm import errors

_INT64 = (-(2**63), 2**63 - 1)


def field_types(cls: type) -> dict[str, Any]:
    """Returns the resolved annotation of every field of a dataclass."""
    names = None
    if cls.__module__ not in sys.modules:  # of a plugin that failed; its methods know its names
        names = vars(cls)["__init__"].__globals__
    hints = typing.get_type_hints(cls, localns=names)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def convert(key: str, value: Any, annotation: Any, *, place: str = "") -> Any:
    """Returns `value` in the type of `annotation`.

    An int may become a float, and a list a tuple; nothing else is converted.

    Raises:
      ConfigError: the value does not fit.
    """
    fits, converted = _fit(value, annotation)
    if not fits:
        raise errors.ConfigError(
            f"{key} cannot have this value" + (f" ({place})" if place else ""),
            received=f"{value!r} ({type(value).__name__})",
            expected=describe(annotation),
            hint=_hint(value, annotation),
        )
    return converted


def describe(annotation: Any) -> str:
    """Returns an annotation as a user would write it."""
    if annotation is type(None):
        return "None"
    if annotation is float:
        return "a finite float"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(repr(a) for a in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(a) for a in arguments)
    if origin in (tuple, list) and arguments:
        inner = " and ".join(describe(a) for a in arguments if a is not Ellipsis)
        return f"{origin.__name__} of {inner}"
    if origin in (dict, collections.abc.Mapping) and arguments:
        key, value = map(describe, arguments)
        return f"dict of {key} to {value}"
    return getattr(annotation, "__name__", str(annotation))


def _fit(value: Any, annotation: Any) -> tuple[bool, Any]:
    """Returns whether the value has the type, and the converted value."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any or isinstance(annotation, typing.TypeVar):
        return True, value
    if annotation is None or annotation is type(None):
        return value is None, value
    if origin is typing.Literal:
        return value in arguments, value
    if origin in (typing.Union, types.UnionType):
        for argument in arguments:
            fits, converted = _fit(value, argument)
            if fits:
                return True, converted
        return False, value
    if origin is tuple or annotation is tuple:
        return _fit_tuple(value, arguments)
    if origin in (list, collections.abc.Sequence):
        if isinstance(value, str) or not isinstance(value, list | tuple):
            return False, value
        parts = [_fit(v, arguments[0]) for v in value]
        return all(fits for fits, _ in parts), [v for _, v in parts]
    if origin in (dict, collections.abc.Mapping):
        if not isinstance(value, dict):
            return False, value
        keys = [_fit(k, arguments[0]) for k in value]
        values = [_fit(v, arguments[1]) for v in value.values()]
        fits = all(is_fit for is_fit, _ in (*keys, *values))
        return fits, {k: v for (_, k), (_, v) in zip(keys, values, strict=True)}
    if annotation is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        number = number and math.isfinite(value)
        return number, float(value) if number else value
    if annotation is int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and _INT64[0] <= value <= _INT64[1], value
    if isinstance(annotation, type):
        return isinstance(value, annotation), value
    return True, value


def _fit_tuple(value: Any, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    if not isinstance(value, list | tuple):
        return False, value
    if not arguments:
        return True, tuple(value)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        kinds: tuple[Any, ...] = (arguments[0],) * len(value)
    else:
        kinds = arguments
    if len(kinds) != len(value):
        return False, value
    parts = [_fit(v, kind) for v, kind in zip(value, kinds, strict=True)]
    return all(fits for fits, _ in parts), tuple(v for _, v in parts)


def _hint(value: Any, annotation: Any) -> str | None:
    kinds = typing.get_args(annotation)
    if type(None) in kinds:  # of `int | None` the int
        annotation = next(kind for kind in kinds if kind is not type(None))
    if typing.get_origin(annotation) is typing.Literal and isinstance(value, str):
        return errors.did_you_mean(value, [a for a in typing.get_args(annotation) if a])
    if annotation is int and isinstance(value, int) and not isinstance(value, bool):
        return f"A number of 64 bits is from {_INT64[0]:,} to {_INT64[1]:,}"
    if annotation is int and isinstance(value, float) and value.is_integer():
        return f"Write {int(value)}"
    if annotation in (int, float, bool) and isinstance(value, str):
        return "Leave the quotes out"
    return None
