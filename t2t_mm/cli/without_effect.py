"""Refuses flags that were given where they have no effect."""

from __future__ import annotations

from collections.abc import Collection

from t2t_mm import errors
from t2t_mm.cli import command as commands

COMMON = ("usr_dir", "json", "debug")
"""Flags of every command, which always have one."""


def beside(
    command: commands.Command, flag: str, *, used: Collection[str], hint: str | None = None
) -> None:
    """Raises for a flag that was given beside another one, where it has no effect.

    Args:
      command: whose flags are parsed.
      flag: the other one, as it is typed: "--repeat_crash".
      used: names of all flags that have an effect beside it.
      hint: what to do for what was wanted.

    Raises:
      ConfigError: names them.
    """
    name = flag.lstrip("-")
    given = [one for one in command.flags if command.flags[one].present]
    idle = [f"--{one}" for one in given if one not in (name, *used, *COMMON)]
    if idle:
        raise errors.ConfigError(
            f"Beside {flag} there is no effect of {', '.join(idle)}",
            expected=f"{flag} with no flag but {', '.join(f'--{one}' for one in used)}",
            hint=hint or "Leave one of them out",
        )


def without(command: commands.Command, flag: str, *, flags: Collection[str]) -> None:
    """Raises for flags that were given without another one, of which alone they tell more.

    Args:
      command: whose flags are parsed.
      flag: the other one, which was not given, as it is typed.
      flags: names of those that need it.

    Raises:
      ConfigError: names them.
    """
    idle = [f"--{one}" for one in flags if command.flags[one].present]
    if idle:
        raise errors.ConfigError(
            f"Without {flag} there is no effect of {', '.join(idle)}", hint=f"Add {flag}"
        )
