"""The text of `--help`: what a command does, a line that works, and its flags."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
from typing import Protocol

_COMMON = ("usr_dir", "json", "debug")
_INDENT = 26


@dataclasses.dataclass(frozen=True)
class Shown:
    """A flag as the help shows it: its name, the form of its value, and a text."""

    name: str
    value: str
    default: object
    text: str
    required: bool = False
    also: str = ""


class Command(Protocol):
    """What the help needs of a command."""

    name: str
    description: str
    example: str
    shown: list[Shown]


def text(command: Command) -> str:
    """Returns the help of a command, wrapped to the width of the terminal."""
    width = min(100, max(60, shutil.get_terminal_size((100, 24)).columns))
    own = [flag for flag in command.shown if not is_common(flag)]
    common = [flag for flag in command.shown if is_common(flag)]
    parts = [
        f"usage: {command.name} [flags]",
        textwrap.fill(" ".join(command.description.split()), width),
        "Example:\n" + textwrap.indent(textwrap.dedent(command.example).strip(), "  "),
    ]
    if own:
        parts.append("Flags:\n" + "\n".join(_line(flag, width) for flag in own))
    parts.append("Flags of every command:\n" + "\n".join(_line(flag, width) for flag in common))
    return "\n\n".join(parts)


def is_common(flag: Shown) -> bool:
    """Says whether every command has this flag."""
    return flag.name in _COMMON


def _line(flag: Shown, width: int) -> str:
    head = f"  --{flag.name}" + (f"={flag.value}" if flag.value else "")
    notes = []
    if flag.also:
        notes.append(f"also --{flag.also}")
    if flag.required:
        notes.append("must be given")
    elif flag.default not in (None, ""):
        notes.append(f"default {flag.default}")
    said = flag.text + (f" ({'; '.join(notes)})" if notes else "")
    body = textwrap.wrap(said, width - _INDENT)
    if len(head) + 2 > _INDENT:
        return "\n".join([head, *(" " * _INDENT + line for line in body)])
    rest = [" " * _INDENT + line for line in body[1:]]
    return "\n".join([head.ljust(_INDENT) + body[0], *rest])
