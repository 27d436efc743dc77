"""Detects divergence: a loss far above its own best. No TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2t_mm.data import task as tasks

_KEPT = 0.9
"""Decay of the running mean, at every step of a problem."""

_LEAST_RISE = 1.0
"""A loss diverges if it is so many nats above its best ..."""

_RISE_OF_CHANCE = 0.25
"""... or this fraction of the log-perplexity of guessing, if that is more."""


def chance(task: tasks.Task) -> float | None:
    """Returns the log-perplexity of guessing: log of the number of tokens or classes.

    None if that number is unknown.
    """
    size = len(task.targets.row_names(task.vocabularies))
    return math.log(size) if size else None


def worse_than_chance(
    tasks: Sequence[tasks.Task], results: Mapping[str, Mapping[str, float]]
) -> str:
    """Returns in words which problems' log-perplexity is that of a guess or worse; or "".

    Args:
      tasks: the problems.
      results: of an evaluation, values by problem and metric.
    """
    names = []
    for task in tasks:
        bound, value = chance(task), results.get(task.name, {}).get("log_perplexity")
        if bound is not None and value is not None and not value < bound:
            names.append(f"{task.name} (log-perplexity {value:.4g}, chance {bound:.4g})")
    return "; ".join(names)


class Divergence:
    """Tracks the running mean of each problem's loss, and warns once when it diverges.

    It warns again only after the loss has come back at least half of the way.

    Args:
      tasks: the problems trained.
      advise: says, given a step, what to try.
    """

    def __init__(self, tasks: Sequence[tasks.Task], advise: Callable[[int], str]) -> None:
        self._advise = advise
        self._rises = {
            task.name: max(_LEAST_RISE, _RISE_OF_CHANCE * (chance(task) or 0.0)) for task in tasks
        }
        self._chances = {task.name: chance(task) for task in tasks}
        self._states: dict[str, dict[str, Any]] = {}

    def see(self, name: str, step: int, loss: float, learning_rate: float) -> str | None:
        """Adds the loss of a step; returns a warning if it diverges.

        Args:
          name: of the problem.
          step: its number.
          loss: mean cross-entropy of a target token; finite.
          learning_rate: of the step.
        """
        state = self._states.setdefault(
            name, {"mean": 0.0, "weight": 0.0, "best": loss, "best_step": step, "is_up": False}
        )
        state["mean"] = _KEPT * state["mean"] + (1 - _KEPT) * loss
        state["weight"] = _KEPT * state["weight"] + (1 - _KEPT)
        mean = state["mean"] / state["weight"]
        if mean <= state["best"]:
            state["best"], state["best_step"] = mean, step
        above = mean - state["best"]
        if state["is_up"]:
            state["is_up"] = above > self._rises[name] / 2
            return None
        # The mean of a few steps is uncertain: of two, it takes five times as much.
        if above * state["weight"] <= self._rises[name]:
            return None
        state["is_up"] = True
        bound = self._chances[name]
        guess = f"; chance is {bound:.3g}" if bound is not None else ""
        return (
            f"Warning: the training diverges: the loss of {name} is {loss:.3g} at step {step}, "
            f"and was {state['best']:.3g} on average at step {state['best_step']}{guess}. The "
            f"learning rate is {learning_rate:.3g}: try {self._advise(step)}."
        )

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps."""
        return {name: dict(state) for name, state in self._states.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state` gave."""
        self._states = {name: dict(held) for name, held in state.items()}
