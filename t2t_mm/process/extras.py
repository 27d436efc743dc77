"""Packages that only an extra of t2t-mm brings: `pip install 't2t-mm[EXTRA]'`."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from t2t_mm import errors


def load(module: str, *, extra: str, what: str) -> Any:
    """Returns a module of a package that need not be installed.

    Args:
      module: its name.
      extra: that brings the package.
      what: needs it; begins the message.

    Raises:
      ConfigError: the package is not installed, or a library that it needs does not load.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise _missing(module, extra, what, error) from error


def require(*modules: str, extra: str, what: str) -> None:
    """Raises unless packages are installed; imports none of them.

    Args:
      *modules: names of their modules.
      extra: that brings them all.
      what: needs them; begins the message.

    Raises:
      ConfigError: one of them is not installed.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise _missing(module, extra, what)


def install(extra: str) -> str:
    """Returns the command that installs what an extra brings."""
    return f"pip install 't2t-mm[{extra}]'"


def _missing(
    module: str, extra: str, what: str, error: Exception | None = None
) -> errors.ConfigError:
    package = module.partition(".")[0].replace("_", "-")
    return errors.ConfigError(
        f"{what} needs the package {package}",
        received=error or "it is not installed",
        hint=f"Install it: {install(extra)}",
    )
