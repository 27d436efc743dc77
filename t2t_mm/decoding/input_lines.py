"""Lines of a file of inputs, each with the input that it stands for, or why it stands for none.

A line holds a text, the path of a file, or a JSON object keyed by input name.

Without TensorFlow, so that a wrong line is found before a model is loaded.
"""

from __future__ import annotations

import codecs
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from t2t_mm import errors
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import lines as lines_lib
from t2t_mm.files import paths

Input = str | Mapping[str, str]
"""What a line stands for: a text or path, or several of them by input name."""

STANDARD_INPUT = "Standard input"


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
    given: Input | None = None
    error: errors.UserError | None = None


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


def parse(task: task_lib.Task, text: str, place: str, *, objects: bool = False) -> Input:
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


def _object(text: str, place: str) -> Mapping[str, str]:
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
