"""The page of all commands, made from the flags themselves.

python -m t2t_mm.reports.command_reference > docs/reference/commands.md
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys

from t2t_mm.cli import help_text

_HEAD = """\
# Commands

A flag is given as `--flag=value`, one that is on or off as `--flag` or `--noflag`. Exit codes: 0
done; 2 the request cannot be carried out, and one line says why; 1 a fault of t2t-mm, or of a
plugin, which the last line names; 130 interrupted, with the state saved. This page is made by
`python -m t2t_mm.reports.command_reference > docs/reference/commands.md`.
"""
_FLAGS_HEAD = "| flag | value | default | |\n|---|---|---|---|\n"


def page() -> str:
    """Returns the page, Markdown: a section for each installed command, in order of names."""
    commands = _commands()
    common = "".join(_row(flag) for flag in commands[0].shown if help_text.is_common(flag))
    sections = [f"## Flags of every command\n\n{_FLAGS_HEAD}{common}", *map(_section, commands)]
    return "\n".join([_HEAD, *sections])


def _commands() -> list[help_text.Command]:
    points = importlib.metadata.entry_points(group="console_scripts")
    modules = {point.name: point.module for point in points if point.name.startswith("mm-")}
    ours = sorted(name for name in modules if modules[name].startswith("t2t_mm.bin."))
    return [importlib.import_module(modules[name])._COMMAND for name in ours]


def _section(command: help_text.Command) -> str:
    own = "".join(_row(flag) for flag in command.shown if not help_text.is_common(flag))
    description = " ".join(command.description.split())
    example = f"```shell\n{command.example.strip()}\n```\n"
    return f"## {command.name}\n\n{description}\n\n{example}\n{_FLAGS_HEAD}{own}"


def _row(flag: help_text.Shown) -> str:
    names = " ".join(f"`--{name}`" for name in (flag.name, flag.also) if name)
    default = "needed" if flag.required else f"{flag.default}"
    cells = (names, flag.value, default, flag.text)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
