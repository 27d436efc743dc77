"""Requests: a user's lines, paths, JSON objects and arrays, encoded for decoding.

An input that cannot be used does not stop the others: it becomes a `Line`, and then a
`Request`, with an error.

A problem without inputs, a language model, gets a prefix of a text and continues it; an empty
prefix gives a whole text. In a JSON object its name is `prefix`, and it may be left out.

Without TensorFlow, so that a wrong line is found before a model is loaded.
"""

from __future__ import annotations

import codecs
import dataclasses
import hashlib
import json
import os
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from t2t_mm import errors
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import lines as lines_lib
from t2t_mm.files import paths
from t2t_mm.modality import arrays, media
from t2t_mm.modality import base as modality
from t2t_mm.modality.language import declaration as language

Value = Any
"""A text, a path, encoded bytes, or an array, such as of a picture (see `modality.arrays`)."""
Given = Value | Mapping[str, Value]
"""One input: a value, or several of them by input name."""

STANDARD_INPUT = "Standard input"


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


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a file of inputs.

    Args:
      place: for errors: the file, and the number of the line.
      shown: the text of the line, as far as it is text.
      given: the input that it stands for; None with an error.
      error: why it stands for none.
    """

    place: str
    shown: str
    given: Given | None = None
    error: errors.UserError | None = None


class _MisfitError(errors.ConfigError):
    """An input that does not have the names of the task's inputs."""


def is_of_one_input(error: errors.UserError) -> bool:
    """Returns whether an error concerns an input alone.

    With others, a package that is missing or a disk that fails, no input could be answered.
    """
    is_of_input = isinstance(error, (errors.DataError, _MisfitError))
    return is_of_input and not isinstance(error, errors.MachineError)


def open_file(task: task_lib.Task, name: str) -> tuple[BinaryIO, str]:
    """Opens a file of inputs, and returns it with its name for errors; `-` is standard input.

    Raises:
      DataError: for a file that is not there.
    """
    if name == "-":
        if sys.stdin is None:
            raise errors.DataError(f"{STANDARD_INPUT} is closed", hint="Give --input=FILE")
        return sys.stdin.buffer, STANDARD_INPUT
    path = paths.expanded(name)
    if path.is_dir() or not path.exists():
        objects = takes_objects(task, name)
        raise errors.DataError(
            f"{path} is a folder, and no file to decode"
            if path.is_dir()
            else f"There is no file {path} to decode",
            hint=f"Give --input=FILE, with {_wanted(task, objects=objects)} in each line, or - for "
            "standard input",
        )
    return path.open("rb"), str(path)


def is_file(name: str) -> bool:
    """Returns whether a name is that of a plain file, not of a pipe that others write to."""
    return paths.expanded(name).is_file()


def takes_objects(task: task_lib.Task, name: str) -> bool:
    """Returns whether the lines of a file of this name are JSON objects."""
    return name.endswith(".jsonl") or len(task.inputs) > 1


def read(
    task: task_lib.Task,
    source: BinaryIO,
    name: str,
    *,
    objects: bool,
    size: int = 4096,
) -> Iterator[list[Line]]:
    """Yields lines in chunks (see `decoding.lines`); empty ones are there too.

    Args:
      task: whose inputs they are.
      source: the file, opened for bytes.
      name: of the file, for errors.
      objects: each line is a JSON object keyed by input name; empty lines stay empty.
      size: lines of a chunk at most.

    Raises:
      DataError: for a file that is no list of inputs at all, but a picture, say.
    """
    number = 0
    for chunk in lines_lib.chunks(source, name, size):
        chunk_lines = []
        for line in chunk:
            number += 1
            line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            chunk_lines.append(_line(task, line.rstrip(b"\r\n"), name, number, objects=objects))
        yield chunk_lines


def _line(task: task_lib.Task, line: bytes, name: str, number: int, *, objects: bool) -> Line:
    takes_texts = all(declared.is_text for declared in task.given().values())
    place = f"{name} line {number}"
    text = line.decode("utf-8", errors="replace")
    received = None
    try:
        line.decode("utf-8")
        if b"\0" in line and not takes_texts:  # no path, but what a sound may hold
            received = "byte 0x00"
    except UnicodeDecodeError as error:
        received = f"byte {line[error.start]:#04x}"
    if received is not None:
        wrong = errors.DataError(
            f"{place} is not UTF-8 text" if takes_texts else f"{place} is no text",
            received=received,
            expected=None if takes_texts else _wanted(task, objects=objects),
            hint=None if takes_texts or objects else _hint_of_path(name),
        )
        if not takes_texts and (number == 1 or received == "byte 0x00"):
            raise wrong
        return Line(place, text, error=wrong)
    try:
        return Line(place, text, parse(task, text, place, objects=objects))
    except errors.DataError as error:
        return Line(place, text, error=error)


def parse(task: task_lib.Task, text: str, place: str, *, objects: bool = False) -> Given:
    """Returns the input that a line stands for: itself, or the JSON object in it.

    Args:
      task: with several inputs every line is an object.
      text: the line.
      place: where it stands, for errors.
      objects: lines are objects for one input too.

    Raises:
      DataError: for a line that should be an object of strings and is not.
    """
    if not text.strip() or (len(task.inputs) <= 1 and not objects):
        return text
    return _object(text, place)


def check_line(task: task_lib.Task, line: Line) -> None:
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


def request_or_error(task: task_lib.Task, line: Line) -> Request:
    """Returns the request of a line, with the error in it if it cannot be used."""
    if line.error is not None or line.given is None:
        return Request(line.shown, None, line.error)
    try:
        return request(task, line.given, line.place)
    except errors.UserError as error:
        if not is_of_one_input(error):
            raise
        return Request(_shown(line.given), None, error)


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
            yield request_or_error(task, Line(place, "", value))


def number(raw: Mapping[str, bytes], *, asked: int = 0) -> int:
    """Returns what samples of an input depend on beside the seed: a hash of what it holds.

    Args:
      raw: record bytes by input name.
      asked: how often the same was asked before, where each time another sample is wanted.
    """
    made = hashlib.blake2b(str(asked).encode(), digest_size=8)
    for name, value in sorted(raw.items()):
        made.update(f"/{name}/{len(value)}/".encode())
        made.update(value)
    return int.from_bytes(made.digest(), "little") >> 1


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


def _object(text: str, place: str) -> Mapping[str, Value]:
    array = text.lstrip().startswith("[")
    hint = "Of a JSON array, make lines: jq -c '.[]' FILE > FILE.jsonl" if array else None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter for nests beyond all measure
        raise errors.DataError(
            f"{place} is not JSON",
            received=error,
            expected='an object such as {"inputs": "..."}',
            hint=hint,
        ) from error
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise errors.DataError(
            f"{place} is not an object of strings",
            received=errors.shortened(text, 60),
            expected="values by input name: a text, or the path of a file",
            hint=hint,
        )
    return value


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


def _wanted(task: task_lib.Task, *, objects: bool) -> str:
    """Returns what a line of a file for a task holds."""
    if objects:
        return f"a JSON object with {', '.join(task.given())}"
    (declared,) = task.given().values()
    return "a text" if declared.is_text else f"the path of a file ({declared.kind})"


def _hint_of_path(name: str) -> str:
    """Returns what to do where a picture or sound itself was given for a list of them."""
    file = "FILE" if name == STANDARD_INPUT else name
    return f"echo {file} | mm-decoder ... --input=- decodes {file} itself"


def _shown(given: Given) -> Any:
    if isinstance(given, Mapping):
        return {str(name): _shown(value) for name, value in given.items()}
    if isinstance(given, bytes):
        return f"({len(given)} bytes)"
    return str(given) if isinstance(given, (str, os.PathLike)) else arrays.shown(given)
