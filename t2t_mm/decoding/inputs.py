"""What a user asks to decode: lines, paths and JSON objects to raw features.

To a problem without inputs, a language model, the beginning of a text is given: what
it writes goes on with it, or is a whole text where the beginning is empty. In a JSON
object its name is `prefix`, and it may be left out.

Free of TensorFlow, so that a wrong line is found before a model is loaded.
"""

from __future__ import annotations

import codecs
import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from t2t_mm import errors, paths
from t2t_mm.data import task as task_lib
from t2t_mm.modality import base as modality

Value = str | bytes | os.PathLike[str]
Given = Value | Mapping[str, Value]
"""One input: a text, a path, encoded bytes, or several of these by input name."""

STANDARD_INPUT = "Standard input"

TYPED = frozenset(("language", "categorical"))
"""Modalities whose value is written in the line itself; other lines are paths."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One input as given, and as the pipeline takes it.

    Args:
      shown: as given, for the answer.
      raw: record bytes by input name; None for an empty line, which is not decoded
        but keeps its place (unless it is the beginning of a text).
    """

    shown: Any
    raw: dict[str, bytes] | None


def task_of_run(folder: str | os.PathLike[str], problem: str | None) -> task_lib.Task:
    """Returns a problem of a run without loading its model.

    Raises:
      ConfigError: when there is no such run or problem, or several to choose from.
    """
    from t2t_mm import loaded_run
    from t2t_mm import run as run_lib

    tasks = run_lib.RunFolder.open(pathlib.Path(folder)).tasks()
    return loaded_run.pick({task.name: task for task in tasks}, problem)


def read_file(task: task_lib.Task, name: str) -> list[tuple[str, Given]]:
    """Returns `(place, input)` for each line of a file; `-` is standard input.

    Raises:
      DataError: for a file that is not there, or a line that cannot be meant.
    """
    objects = name.endswith(".jsonl") or len(task.inputs) > 1
    if name == "-":
        return list(read(task, sys.stdin.buffer, STANDARD_INPUT, objects=objects))
    path = paths.expanded(name)
    if not path.is_file():
        raise errors.DataError(
            f"{path} is a folder, and no file to decode"
            if path.is_dir()
            else f"There is no file {path} to decode",
            hint=f"Give --input=FILE, with {_wanted(task, objects=objects)} in each line, or - for "
            "standard input",
        )
    with path.open("rb") as file:
        return list(read(task, file, str(path), objects=objects))


def read(
    task: task_lib.Task, source: BinaryIO, name: str, *, objects: bool
) -> Iterator[tuple[str, Given]]:
    """Yields `(place, input)` for each line.

    Args:
      task: whose inputs they are.
      source: the file, opened for bytes.
      name: of the file, for errors.
      objects: each line is a JSON object keyed by input name; empty lines stay empty.

    Raises:
      DataError: for a line that is not UTF-8 or, with `objects`, not such an object.
    """
    takes_texts = all(declared.kind in TYPED for declared in task.given().values())
    for number, line in enumerate(source, start=1):
        place = f"{name} line {number}"
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        try:
            text = line.decode("utf-8").rstrip("\r\n")
            wrong = "\0" in text and not takes_texts  # no path, but what a sound may hold
            received = "byte 0x00"
        except UnicodeDecodeError as error:
            wrong, received = True, f"byte {line[error.start]:#04x}"
        if wrong:
            raise errors.DataError(
                f"{place} is not UTF-8 text" if takes_texts else f"{place} is no text",
                received=received,
                expected=None if takes_texts else _wanted(task, objects=objects),
                hint=None if takes_texts or objects else _hint_of_path(name),
            )
        yield place, parse(task, text, place, objects=objects)


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
        if declared[name].kind in TYPED:
            _encode(declared[name], value, place)
        elif not isinstance(value, bytes):
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
    """
    values = _values(task, given, place)
    if values is None:
        return Request(_shown(given), None)
    declared = task.given()
    raw = {name: _encode(declared[name], value, place) for name, value in values.items()}
    return Request(_shown(given), raw)


def requests(task: task_lib.Task, given: Iterable[Given]) -> Iterator[Request]:
    """Yields a request for each of some inputs that came from Python."""
    if isinstance(given, (str, bytes, Mapping)):
        raise errors.ConfigError(
            "decode takes a list of inputs", received=type(given).__name__, expected="a list"
        )
    for number, value in enumerate(given):
        yield request(task, value, f"Input {number}")


def _values(task: task_lib.Task, given: Given, place: str) -> Mapping[str, Value] | None:
    """Returns the values by input name; None for an empty line that begins no text.

    Raises:
      ConfigError: for a name that is no input of the task, or one that is missing.
    """
    if isinstance(given, str) and not given.strip() and task.inputs:
        return None
    values = given if isinstance(given, Mapping) else _single(task, given, place)
    if not task.inputs:
        values = {task_lib.PREFIX: "", **values}
    declared = task.given()
    if set(values) != set(declared):
        odd = sorted(set(values) ^ set(declared))[0]
        raise errors.ConfigError(
            f"{place} does not have the inputs of {task.name!r}",
            received=", ".join(sorted(values)) or "none",
            expected=", ".join(sorted(declared)),
            hint=errors.did_you_mean(odd, declared),
        )
    return values


def _object(text: str, place: str) -> Mapping[str, Value]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter for nests beyond all measure
        raise errors.DataError(
            f"{place} is not JSON", received=error, expected='an object such as {"inputs": "..."}'
        ) from error
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise errors.DataError(
            f"{place} is not an object of strings",
            received=text if len(text) <= 60 else text[:57] + "...",
            expected="values by input name: a text, or the path of a file",
        )
    return value


def _single(task: task_lib.Task, given: Value, place: str) -> dict[str, Value]:
    if len(task.inputs) > 1:
        raise errors.ConfigError(
            f"{task.name!r} has several inputs, and {place} is a single one",
            expected=f"an object with {', '.join(task.inputs)}",
            hint="Give --input a .jsonl file of such objects",
        )
    return {next(iter(task.given())): given}


def _encode(declaration: modality.Modality, value: Value, place: str) -> bytes:
    if declaration.kind in TYPED or isinstance(value, bytes):
        encoded: Any = value
    else:
        encoded = _file(declaration, value, place)
    try:
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
        raise errors.DataError(f"{place}: no look at {path}", received=error.strerror) from error
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
    return "a text" if declared.kind in TYPED else f"the path of a file ({declared.kind})"


def _hint_of_path(name: str) -> str:
    """Returns what to do where a picture or sound itself was given for a list of them."""
    file = "FILE" if name == STANDARD_INPUT else name
    return f"echo {file} | mm-decoder ... --input=- decodes {file} itself"


def _shown(given: Given) -> Any:
    if isinstance(given, Mapping):
        return {name: _shown(value) for name, value in given.items()}
    return f"({len(given)} bytes)" if isinstance(given, bytes) else str(given)
