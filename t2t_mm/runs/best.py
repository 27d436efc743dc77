"""What a checkpoint says of itself when it was marked as the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2t_mm import registry


def why(state: Mapping[str, Any]) -> str:
    """Returns in words what makes a checkpoint the best one, from what it keeps.

    Args:
      state: of `training.selection.Selection.state`.
    """
    problem, _, metric = state["of"].partition("/")
    if not problem:
        return f"lowest mean {metric} over problems, {state['value']:.4g} at step {state['step']}"
    direction = "best"
    if metric in registry.metrics:
        direction = "highest" if registry.metrics.get(metric).higher_is_better else "lowest"
    return f"{direction} {metric} of {problem}, {state['value']:.4g} at step {state['step']}"
