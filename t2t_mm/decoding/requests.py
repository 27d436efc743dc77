"""Requests: a user's texts, paths and arrays, checked, and encoded for decoding.

An input that cannot be used does not stop the others: it becomes a `Request` with an error.

A problem without inputs, a language model, gets a prefix of a text and continues it; an empty
prefix gives a whole text. In a JSON object its name is `prefix`, and it may be left out.

Without TensorFlow, so that a wrong line is found before a model is loaded.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from t2t_mm import errors
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import input_lines
from t2t_mm.files import paths
from t2t_mm.modality import arrays, media
from t2t_mm.modality import base as modality
from t2t_mm.modality.language import declaration as language

Value = Any
"""A text, a path, encoded bytes, or an array, such as of a picture (see `modality.arrays`)."""
Given = Value | Mapping[str, Value]
"""One input: a value, or several of them by input name."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One input as given, and as the pipeline takes it.

    Args:
      shown: as given, for the answer.
      raw: record bytes by input name; None for an empty line, which is not decoded
        but keeps its place (unless it is the beginning of a text), and for an error.
      error: why the input cannot be used.
    """

    shown: Any
    raw: dict[str, bytes] | None
    error: errors.UserError | None = None


class _MisfitError(errors.ConfigError):
    """An input that does not have the names of the task's inputs."""


def is_of_one_input(error: errors.UserError) -> bool:
    """Returns whether an error concerns an input alone.

    With others, a package that is missing or a disk that fails, no input could be answered.
    """
    is_of_input = isinstance(error, (errors.DataError, _MisfitError))
    return is_of_input and not isinstance(error, errors.MachineError)


def check_line(task: task_lib.Task, line: input_lines.Line) -> None:
    """Raises what is wrong with a line, as `check` does."""
    if line.error is not None:
        raise line.error
    if line.given is not None:
        check(task, line.given, line.place)


def check(task: task_lib.Task, given: Given, place: str) -> None:
    """Raises for what can be known of an input at once, as `request` would.

    Files are not read, but they are there; what they hold shows when their turn comes.

    Args:
      task: whose inputs are to be filled.
      given: the value of its one input, or values by input name.
      place: where it stands, for errors.

    Raises:
      UserError: as `request`.
    """
    declared = task.given()
    for name, value in (_values(task, given, place) or {}).items():
        if declared[name].is_text:
            _encode(declared[name], value, place)
        elif isinstance(value, (str, os.PathLike)):
            path = _file(declared[name], value, place)
            if not os.access(path, os.R_OK):
                raise errors.DataError(
                    f"{place}: no permission to read {path}",
                    expected=f"a file for the {declared[name].kind} input",
                )


def request(task: task_lib.Task, given: Given, place: str) -> Request:
    """Checks one input and encodes it as a record would hold it.

    Args:
      task: whose inputs are to be filled.
      given: the value of its one input, or values by input name.
      place: where it stands, for errors.

    Raises:
      ConfigError: for a name that is no input of the task, or one that is missing.
      DataError: for a file that is not there.
      BadExampleError: for a value that cannot be used, such as a damaged picture.
      MachineError: where the machine hinders reading, as it would for any other input.
    """
    values = _values(task, given, place)
    if values is None:
        return Request(_shown(given), None)
    declared = task.given()
    raw = {name: _encode(declared[name], value, place) for name, value in values.items()}
    return Request(_shown(given), raw)


def request_or_error(task: task_lib.Task, line: input_lines.Line) -> Request:
    """Returns the request of a line, with the error in it if it cannot be used."""
    if line.error is not None or line.given is None:
        return Request(line.shown, None, line.error)
    return _request_or_error(task, line.given, line.place)


def requests(
    task: task_lib.Task, given: Iterable[Given], *, strict: bool = True
) -> Iterator[Request]:
    """Yields a request for each of some inputs that came from Python.

    Args:
      task: whose inputs are to be filled.
      given: the inputs.
      strict: raise for the first that cannot be used; else its request holds the error.
    """
    if isinstance(given, (str, bytes, os.PathLike, Mapping)) or arrays.is_one(given):
        raise errors.ConfigError(
            "decode takes a list of inputs",
            received=f"one, {_shown(given)}" if arrays.is_one(given) else type(given).__name__,
            expected="a list, of one if there is but one",
        )
    for number, value in enumerate(given):
        place = f"Input {number}"
        if strict:
            yield request(task, value, place)
        else:
            yield _request_or_error(task, value, place)


def _request_or_error(task: task_lib.Task, given: Given, place: str) -> Request:
    try:
        return request(task, given, place)
    except errors.UserError as error:
        if not is_of_one_input(error):
            raise
        return Request(_shown(given), None, error)


def _values(task: task_lib.Task, given: Given, place: str) -> Mapping[str, Value] | None:
    """Returns the values by input name; None for an empty text that begins none.

    Raises:
      ConfigError: for a name that is no input of the task, or one that is missing.
      BadExampleError: for one text of several inputs that is empty.
    """
    if isinstance(given, str) and language.is_blank(given) and task.inputs:
        return None
    values = given if isinstance(given, Mapping) else _single(task, given, place)
    if not task.inputs:
        values = {task_lib.PREFIX: "", **values}
    declared = task.given()
    if set(values) != set(declared):
        odd = sorted(map(str, set(values) ^ set(declared)))[0]
        raise _MisfitError(
            f"{place} does not have the inputs of {task.name!r}",
            received=", ".join(sorted(map(str, values))) or "none",
            expected=", ".join(sorted(declared)),
            hint=errors.did_you_mean(odd, declared),
        )
    for name, value in values.items():
        if name in task.inputs and isinstance(value, str) and language.is_blank(value):
            if len(task.inputs) == 1:
                return None
            raise errors.BadExampleError(f"{place}: the input {name!r} is empty")
    return values


def _single(task: task_lib.Task, given: Value, place: str) -> dict[str, Value]:
    if len(task.inputs) > 1:
        raise _MisfitError(
            f"{task.name!r} has several inputs, and {place} is a single one",
            expected=f"an object with {', '.join(task.inputs)}",
            hint="Give --input a .jsonl file of such objects",
        )
    return {next(iter(task.given())): given}


def _encode(declaration: modality.Modality, value: Value, place: str) -> bytes:
    encoded: Any = value
    try:
        if not declaration.is_text and isinstance(value, (str, os.PathLike)):
            encoded = _file(declaration, value, place)
        return declaration.encode(encoded)
    except errors.BadExampleError as error:
        raise errors.BadExampleError(f"{place}: {error}") from error


def _file(
    declaration: modality.Modality, value: str | os.PathLike[str], place: str
) -> pathlib.Path:
    path = paths.expanded(value)
    try:
        is_there = path.is_file()
    except OSError as error:  # a name that is too long, or in a folder that is closed to us
        raise media.unreadable(f"{place}: no look at {path}", error) from error
    if not is_there:
        raise errors.DataError(
            f"{place}: there is no file {path}",
            expected=f"the path of a file for the {declaration.kind} input",
        )
    return path


def _shown(given: Given) -> Any:
    if isinstance(given, Mapping):
        return {str(name): _shown(value) for name, value in given.items()}
    if isinstance(given, bytes):
        return f"({len(given)} bytes)"
    return str(given) if isinstance(given, (str, os.PathLike)) else arrays.shown(given)
