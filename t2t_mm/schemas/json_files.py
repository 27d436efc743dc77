"""Reads JSON files that come from elsewhere, and checks all of each against its schema."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import pydantic
import pydantic_core

from t2t_mm import errors

_SHOWN = 80
T = TypeVar("T")

_adapters: dict[type, pydantic.TypeAdapter[Any]] = {}


def read(
    path: pathlib.Path,
    schema: type[T],
    *,
    error: Callable[..., errors.UserError],
    hint: str | None = None,
    finite: bool = True,
) -> T:
    """Reads and validates a JSON file.

    Args:
      path: of the file.
      schema: a class of this folder, such as `run.Run`.
      error: the class of the error to raise.
      hint: what to do about a damaged file.
      finite: whether NaN and infinities are errors; a loss may be one.

    Raises:
      UserError: of the class `error`; it names the file and the field.
      FileNotFoundError: there is no such file.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as reason:
        raise error(f"Cannot read {path}", received=reason.strerror, hint=hint) from reason
    return parse(data, schema, place=str(path), error=error, hint=hint, finite=finite)


def parse(
    data: bytes,
    schema: type[T],
    *,
    place: str,
    error: Callable[..., errors.UserError],
    hint: str | None = None,
    finite: bool = True,
) -> T:
    """Parses and validates a JSON text, like `read`; `place` names it in errors."""
    try:
        text = data.decode("utf-8")
        pydantic_core.from_json(text, allow_inf_nan=not finite)  # validation accepts NaN
    except UnicodeDecodeError as reason:
        raise error(
            f"{place} is damaged",
            received=f"a byte that is no UTF-8, {reason.object[reason.start]:#04x} at byte "
            f"{reason.start:,}",
            hint=hint,
        ) from reason
    except ValueError as reason:
        raise error(f"{place} is damaged", received=f"no JSON: {reason}", hint=hint) from reason
    adapter = _adapters.get(schema)
    if adapter is None:
        adapter = _adapters[schema] = pydantic.TypeAdapter(schema)
    try:
        return cast("T", adapter.validate_json(text))
    except pydantic.ValidationError as reason:
        wrong = reason.errors(include_url=False)
        raise _damaged(place, wrong, error, hint) from reason


def _damaged(
    place: str,
    wrong: Sequence[Mapping[str, Any]],
    error: Callable[..., errors.UserError],
    hint: str | None,
) -> errors.UserError:
    """Returns the error for the first invalid field, with the number of others."""
    first = wrong[0]
    field = _field(first["loc"])
    more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
    if first["type"] == "missing":
        return error(f"{place} is damaged: {field} is missing{more}", hint=hint)
    return error(
        f"{place} is damaged: {field}{more}",
        received=_short(first["input"]),
        expected=_expected(first),
        hint=hint,
    )


def _field(location: Sequence[str | int]) -> str:
    """Returns the path of a field, as in `problems[0].inputs.image`."""
    field = ""
    for part in location:
        if part == "[key]":
            field += " (its name)"
        elif isinstance(part, int):
            field += f"[{part}]"
        else:
            field += f".{part}" if field else part
    return field or "all of it"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


_WORDS = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "string_type": "a text",
}


def _expected(wrong: Mapping[str, Any]) -> str:
    """Returns in words what a field should hold."""
    kind, context = wrong["type"], wrong.get("ctx", {})
    if kind == "greater_than_equal":
        return f"{context['ge']:,} or more"
    if kind == "less_than":
        return f"less than {context['lt']:,}"
    if kind == "too_short":
        return "one at least"
    return _WORDS.get(kind, str(wrong["msg"]))
