"""JSON values as tensors and back, by the conventions of TensorFlow Serving's REST API.

Strings are texts in UTF-8, or bytes as `{"b64": "..."}`. Rows ("instances") hold a value for
each input, columns ("inputs") a tensor for each. In answers, NaN and infinities become null
and outputs whose name ends in `_bytes` are written as base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from t2t_mm import errors
from t2t_mm.serving import refusals
from t2t_mm.serving import signature as signature_lib

Tensors = dict[str, np.ndarray]

_B64 = "b64"
_BYTES = "_bytes"
_WORDS = {
    bool: "true or false",
    dict: "an object",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "a string",
    type(None): "null",
}
_TEXT_FORM = 'a string, or {"b64": "..."}'


def from_rows(instances: Any, signature: signature_lib.Signature, *, most: int) -> Tensors:
    """Returns the tensors of a request in row form.

    Args:
      instances: a list with an object for each row, or the bare value where there is one input.
      signature: that is called.
      most: rows that one request may have.

    Raises:
      RequestError: a value is missing, unknown, or of the wrong type or shape.
    """
    if not isinstance(instances, list):
        raise _wrong("'instances' is no list", received=_word(instances), expected="a list of rows")
    check_count(len(instances), most)
    names = list(signature.inputs)
    bare = signature.row_inputs if signature.shared_inputs else names
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for number, row in enumerate(instances):
        if isinstance(row, dict) and not _is_bytes(row, names):
            _check_names(row, signature, f"row {number}")
            for name in names:
                columns[name].append(row[name])
        elif len(bare) == 1 and len(names) == 1:
            columns[bare[0]].append(row)
        else:
            raise _wrong(
                f"Row {number} does not name its inputs",
                received=_word(row),
                expected=f"an object with {', '.join(names)}",
            )
    return {
        name: _of_rows(signature.inputs[name], values, f"{name!r} of row")
        for name, values in columns.items()
    }


def from_columns(inputs: Any, signature: signature_lib.Signature, *, most: int) -> Tensors:
    """Returns the tensors of a request in column form; see `from_rows`.

    Args:
      inputs: an object with a tensor for each input, or the bare tensor where there is one.
      signature: that is called.
      most: rows that one request may have.
    """
    names = list(signature.inputs)
    if isinstance(inputs, dict) and not _is_bytes(inputs, names):
        _check_names(inputs, signature, "'inputs'")
        columns = inputs
    elif len(names) == 1:
        columns = {names[0]: inputs}
    else:
        raise _wrong(
            "'inputs' does not name the inputs",
            received=_word(inputs),
            expected=f"an object with {', '.join(names)}",
        )
    tensors = {}
    for name, field in signature.inputs.items():
        value = columns[name]
        if field.has_rows and field.shape is not None:
            if not isinstance(value, list):
                raise _wrong(
                    f"{name!r} is no list", received=_word(value), expected="a list, a value a row"
                )
            check_count(len(value), most)
            tensors[name] = _of_rows(field, value, f"{name!r} of row")
        else:
            tensors[name] = tensor(field, value, repr(name))
            _check_shape(field, tensors[name], repr(name))
    check_rows(tensors, signature)
    return tensors


def check_rows(tensors: Tensors, signature: signature_lib.Signature) -> int | None:
    """Returns the number of rows; None where the signature has no axis for them.

    Raises:
      RequestError: two inputs have not the same number.
    """
    rows = {name: len(tensors[name]) for name in signature.row_inputs if tensors[name].ndim}
    if len(set(rows.values())) > 1:
        raise _wrong(
            "The inputs have not the same number of rows",
            received=", ".join(f"{count:,} of {name!r}" for name, count in rows.items()),
            expected="one value of each input for every row",
        )
    return next(iter(rows.values())) if rows else None


def check_count(rows: int, most: int) -> None:
    """Raises RequestError (413) for more rows than one request may have."""
    if rows > most:
        raise refusals.RequestError(
            413,
            "rows",
            "The request has too many rows",
            received=f"{rows:,}",
            expected=f"{most:,} at most",
            hint="Send them in several requests",
        )


def _check_names(given: Mapping[str, Any], signature: signature_lib.Signature, where: str) -> None:
    for name in given:
        if name not in signature.inputs:
            raise refusals.unknown(400, "input", name, signature.inputs, of=f"{signature.name}")
    missing = [name for name in signature.inputs if name not in given]
    if missing:
        raise refusals.RequestError(
            400,
            "missing_input",
            f"The input {missing[0]!r} is missing in {where}",
            received=", ".join(given) or "nothing",
            expected=", ".join(signature.inputs),
        )


def _of_rows(field: signature_lib.Field, values: list[Any], where: str) -> np.ndarray:
    """Returns a tensor of one value a row; a shared input has to be the same in all rows."""
    if field.shape == ():
        if any(value != values[0] or type(value) is not type(values[0]) for value in values):
            raise _wrong(
                f"{field.name!r} is not the same in all rows",
                received=errors.first_few(values),
                expected="one value for the request",
            )
        return tensor(field, values[0] if values else 0, repr(field.name))
    if field.is_text and field.shape is not None and len(field.shape) == 1:
        made = np.empty(len(values), object)
        for number, value in enumerate(values):
            made[number] = _bytes(value, f"{where} {number}")
        return made
    if not values:
        return np.zeros([0, *(size or 0 for size in (field.shape or ())[1:])], field.dtype)
    rows = [tensor(field, value, f"{where} {number}") for number, value in enumerate(values)]
    for number, row in enumerate(rows):
        if row.shape != rows[0].shape:
            raise _wrong(
                f"The rows of {field.name!r} have not one shape",
                received=f"{list(rows[0].shape)} in row 0 and {list(row.shape)} in row {number}",
                expected="the same in all rows of a request",
            )
    made = np.stack(rows)
    _check_shape(field, made, repr(field.name))
    return made


def tensor(field: signature_lib.Field, value: Any, where: str) -> np.ndarray:
    """Returns a JSON value as an array of a field's type, of whatever shape the value has.

    Raises:
      RequestError: it is of another type, or its lists are not of one length.
    """
    if field.is_text:
        shape: list[int] = []
        flat = _flat(value, shape, 0, where)
        made = np.empty(len(flat), object)
        made[:] = [_bytes(item, where) for item in flat]
        return made.reshape(shape)
    return _numbers(field, value, where)


def _flat(value: Any, shape: list[int], depth: int, where: str) -> list[Any]:
    """Returns the items of nested lists in their order, and notes the lengths in `shape`."""
    if not isinstance(value, list):
        return [value]
    if len(shape) == depth:
        shape.append(len(value))
    elif shape[depth] != len(value):
        raise _wrong(f"{where} has lists of several lengths", expected="a full tensor")
    items = [_flat(item, shape, depth + 1, where) for item in value]
    if any(isinstance(item, list) != isinstance(value[0], list) for item in value):
        raise _wrong(f"{where} holds values beside lists", expected="a full tensor")
    return [item for part in items for item in part]


def _numbers(field: signature_lib.Field, value: Any, where: str) -> np.ndarray:
    try:
        found = np.asarray(value)
    except ValueError as error:
        raise _wrong(f"{where} has lists of several lengths", expected="a full tensor") from error
    kind, wanted = found.dtype.kind, field.dtype.kind
    if wanted == "b":
        fits, expected = kind == "b", "true or false"
    elif wanted in "iu":
        fits, expected = kind in "iu", "whole numbers"
    else:
        fits, expected = kind in "iuf", "numbers"
    if found.size and not fits:
        raise _wrong(f"{where} is of the wrong type", received=_word(value), expected=expected)
    if wanted in "iu" and found.size:
        bounds = np.iinfo(field.dtype)
        if int(found.min()) < bounds.min or int(found.max()) > bounds.max:
            raise _wrong(
                f"{where} is out of range",
                received=f"{found.min()} to {found.max()}",
                expected=f"{bounds.min} to {bounds.max}",
            )
    return found.astype(field.dtype)


def _check_shape(field: signature_lib.Field, found: np.ndarray, where: str) -> None:
    wanted = field.shape
    if wanted is None:
        return
    fits = len(wanted) == found.ndim and all(
        size is None or size == actual for size, actual in zip(wanted, found.shape, strict=True)
    )
    if not fits:
        raise _wrong(
            f"{where} is of the wrong shape",
            received=list(found.shape),
            expected="[" + ", ".join("any" if n is None else str(n) for n in wanted) + "]",
        )


def _bytes(value: Any, where: str) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise _wrong(
                f"{where} is no text",
                received=f"half of a surrogate pair at character {error.start:,}",
                expected=_TEXT_FORM,
            ) from error
    if isinstance(value, dict) and set(value) == {_B64}:
        inner = value[_B64]
        try:
            if isinstance(inner, str):
                return base64.b64decode(inner, validate=True)
        except (binascii.Error, ValueError) as error:
            raise refusals.RequestError(
                400,
                "base64",
                f"{where} is no base64",
                received=error,
                expected="the standard alphabet (A-Z a-z 0-9 + /), padded with =",
            ) from error
        value = inner
    raise _wrong(f"{where} is no text", received=_word(value), expected=_TEXT_FORM)


def _is_bytes(value: Any, names: Sequence[str]) -> bool:
    """Says whether an object is a value of bytes, and not the inputs by name."""
    return isinstance(value, dict) and set(value) == {_B64} and _B64 not in names


def _word(value: Any) -> str:
    return _WORDS.get(type(value), type(value).__name__)


def _wrong(what: str, **rest: Any) -> refusals.RequestError:
    return refusals.RequestError(400, "value", what, **rest)


def to_rows(outputs: Tensors) -> list[Any]:
    """Returns "predictions": a bare value a row where there is one output, else an object.

    Raises:
      RequestError: the outputs have not one number of rows (500).
    """
    counts = {name: len(value) if value.ndim else None for name, value in outputs.items()}
    if len(set(counts.values())) != 1 or None in counts.values():
        raise refusals.RequestError(
            500,
            "model",
            "The outputs of the model have not the same number of rows",
            received=", ".join(f"{count} of {name!r}" for name, count in counts.items()),
            hint="Ask in column form, by 'inputs'",
        )
    columns = {name: to_json(name, value) for name, value in outputs.items()}
    if len(columns) == 1:
        return list(next(iter(columns.values())))
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def to_columns(outputs: Tensors) -> Any:
    """Returns "outputs": the bare tensor where there is one, else an object."""
    columns = {name: to_json(name, value) for name, value in outputs.items()}
    return next(iter(columns.values())) if len(columns) == 1 else columns


def to_json(name: str, value: np.ndarray) -> Any:
    """Returns an output as JSON values."""
    if value.dtype.kind in "OSU":
        return _texts(value.tolist(), as_bytes=name.endswith(_BYTES))
    if value.dtype.kind in "biu":
        return value.tolist()
    numbers = value.astype(np.float64)
    if np.isfinite(numbers).all():
        return numbers.tolist()
    held = numbers.astype(object)
    held[~np.isfinite(numbers)] = None
    return held.tolist()


def _texts(value: Any, *, as_bytes: bool) -> Any:
    if isinstance(value, list):
        return [_texts(item, as_bytes=as_bytes) for item in value]
    if as_bytes:
        return {_B64: base64.b64encode(value).decode("ascii")}
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
