"""Whose fault an exception is that is no `UserError`: the framework's, or a plugin's."""

from __future__ import annotations

import pathlib
import sys
import traceback

from t2t_mm import registry
from t2t_mm.plugins import load

_OURS = "t2t-mm "
"""Begins the origin of the plugins that come with the framework."""


def at_fault(error: BaseException) -> str | None:
    """Returns the plugin in whose code an exception was raised, and where: "NAME (FILE:LINE)".

    Libraries that a plugin, or the framework, has called are passed over.

    Args:
      error: as it was caught.

    Returns:
      None where it was raised in the framework, or by what it called.
    """
    framework = pathlib.Path(__file__).parents[1]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = pathlib.Path(frame.filename)
        owner = _owner(path)
        if owner is not None:
            is_ours = owner.name == registry.FRAMEWORK or owner.origin.startswith(_OURS)
            return None if is_ours else f"{owner.name} ({path}:{frame.lineno})"
        if path.is_relative_to(framework):
            return None
    return None


def _owner(path: pathlib.Path) -> load.LoadReport | None:
    """Returns the report of the plugin whose file this is, if it is a plugin's."""
    for report in load.reports():
        file = getattr(sys.modules.get(report.name), "__file__", None)  # of an installed package
        if path == pathlib.Path(file or report.origin):
            return report
        origin = pathlib.Path(report.origin)  # of a folder of the user's: a file or a package
        if origin.is_absolute() and path.is_relative_to(origin):
            return report
    return None
