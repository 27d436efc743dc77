"""The common parts of all commands: flags, help, one-line errors, streams of answers."""

from t2t_mm.cli.command import Command, console, info

__all__ = ["Command", "console", "info"]
