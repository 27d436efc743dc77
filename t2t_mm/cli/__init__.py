"""What every command shares: flags, help, errors in one line, streams of answers."""

from t2t_mm.cli.command import Command, console, info

__all__ = ["Command", "console", "info"]
