"""`t2t_mm.list_problems`: what problems there are, as JSON values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from t2t_mm import plugins, registry


def list_problems(patterns: str | Sequence[str] = ()) -> list[dict[str, Any]]:
    """Returns the declaration of every registered problem, sorted by name.

    Example:
        [problem["name"] for problem in t2t_mm.list_problems("wmt_*")]

    Args:
      patterns: names or globs; all problems where there are none.

    Returns:
      `name`, `version`, `inputs` (modalities by name), `targets`, `command`, `metrics`,
      `splits`, `sources`, `corpus`, `layout` and `plugin` of each, as `mm-list --json` has
      them. Of one that cannot describe itself a Python warning tells.

    Raises:
      ConfigError: for an unknown name, or a glob that matches nothing.
    """
    plugins.load_all()
    asked = [patterns] if isinstance(patterns, str) else list(patterns)
    return describe_problems(asked, warn=lambda line: warnings.warn(line, stacklevel=3))


def describe_problems(patterns: list[str], *, warn: Callable[[str], None]) -> list[dict[str, Any]]:
    """Returns the problems that match names or globs, all for none.

    Args:
      patterns: names or globs.
      warn: is told of a problem that cannot describe itself, and is left out.

    Raises:
      ConfigError: for an unknown name, or a glob that matches nothing.
    """
    names = registry.problems.match(patterns) if patterns else registry.problems.names()
    described = []
    for entry in registry.problems.entries():
        if entry.name not in names:
            continue
        try:
            declaration = registry.problems.get(entry.name)().describe()
        except Exception as error:
            # One problem that cannot describe itself must not hide the others.
            what = f"{type(error).__name__}: {error}"
            warn(f"warning: problem {entry.name} ({entry.place}) is left out: {what}")
            continue
        described.append({**declaration, "plugin": entry.plugin})
    return described
