"""Allowed ranges for the fields of configurable dataclasses, declared in annotations.

    @dataclasses.dataclass(frozen=True)
    class TrainSettings:
        train_steps: Annotated[int, config_ranges.numbers(1)] = 100_000

        def __post_init__(self) -> None:
            config_ranges.check(self)

The checks, their messages and the reference of gin parameters are generated from them.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections.abc import Callable, Mapping
from typing import Any

from t2t_mm import errors


@dataclasses.dataclass(frozen=True)
class Range:
    """The values that a field may have.

    Args:
      words: describes the values.
      holds: says whether a value, of the field's type, is allowed; its second argument
        has the other fields as attributes.
    """

    words: str
    holds: Callable[[Any, Any], bool]


def numbers(
    least: float,
    most: float | None = None,
    *,
    above: bool = False,
    below: bool = False,
    also: float | None = None,
    words: str = "",
) -> Range:
    """Returns a range of finite numbers.

    Args:
      least: the smallest.
      most: the largest; None for no limit.
      above: whether `least` itself is excluded.
      below: whether `most` itself is excluded.
      also: one more allowed number.
      words: a description instead of the one made from the numbers.
    """

    def holds(value: float, _: Any = None) -> bool:
        if value == also:
            return True
        is_enough = value > least if above else value >= least
        is_within = most is None or (value < most if below else value <= most)
        return math.isfinite(value) and is_enough and is_within

    low, high = f"{least:,}", "" if most is None else f"{most:,}"
    if above or below or not high:
        said = f"above {low}" if above else f"{low} or more"
        said += "" if not high else f", below {high}" if below else f", up to {high}"
    else:
        said = f"{low} to {high}"
    return Range(words or ("" if also is None else f"{also:,}, or ") + said, holds)


def rule(words: str, holds: Callable[[Any], bool]) -> Range:
    """Returns the range of a field whose values are not numbers."""
    return Range(words, lambda value, _: holds(value))


@functools.cache
def of(cls: type) -> Mapping[str, Range]:
    """Returns the ranges that a dataclass's fields declare, in the order of the fields."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {
        field.name: metadata
        for field in dataclasses.fields(cls)
        for metadata in getattr(hints[field.name], "__metadata__", ())
        if isinstance(metadata, Range)
    }


def check(settings: Any) -> None:
    """Raises for the first field of an instance that is out of its range.

    Raises:
      ConfigError: names the field, its value and its range.
    """
    cls: type = type(settings)
    for name, allowed in of(cls).items():
        value = getattr(settings, name)
        if value is not None:
            require(f"{cls.__name__}.{name}", value, allowed, settings)


def require(
    what: str, value: Any, allowed: Range, others: Any = None, *, hint: str | None = None
) -> None:
    """Raises for a value that is out of its range.

    Args:
      what: the value is of, for the error.
      value: one of the type that `allowed` is for.
      allowed: its range.
      others: has the other fields as attributes, for a range that looks at them.
      hint: what to do instead, for the error.

    Raises:
      ConfigError: names the value and its range.
    """
    if not allowed.holds(value, others):
        raise errors.ConfigError(
            f"{what} is out of range", received=repr(value), expected=allowed.words, hint=hint
        )
