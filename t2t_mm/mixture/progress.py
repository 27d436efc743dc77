"""The progress of problems: each one's running loss, and the best that it has been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_KEPT = 0.95
"""Decay of the running mean, at every step of a problem."""


class Loss(NamedTuple):
    """How a problem's loss stands.

    Attributes:
      running: mean cross-entropy of a target token in nats, over about its last 20 steps.
      best: the lowest that this mean has been, once it was one of 20 steps or more.
    """

    running: float
    best: float


class Progress:
    """Keeps the running loss of each problem, and shows it at set steps only.

    Results of steps come late from some devices, and workers may read them at different times.
    So what a schedule sees is what was known at the last of these steps, when all were read: the
    draws of a run are the same on every worker, and when it was stopped and goes on.
    """

    def __init__(self) -> None:
        self._states: dict[str, dict[str, float]] = {}
        self._shown: dict[str, Loss] = {}

    def see(self, name: str, loss: float) -> None:
        """Takes the loss of a step of a problem, which is finite."""
        state = self._states.setdefault(name, {"mean": 0.0, "weight": 0.0, "best": -1.0})
        state["mean"] = _KEPT * state["mean"] + (1 - _KEPT) * loss
        state["weight"] = _KEPT * state["weight"] + (1 - _KEPT)
        running = state["mean"] / state["weight"]
        # 1 - 0.95^20: the mean of the first few steps may be low by chance.
        if state["weight"] > 0.64 and not 0 <= state["best"] <= running:
            state["best"] = running

    def show(self) -> None:
        """Shows what is known by now."""
        self._shown = {
            name: Loss(state["mean"] / state["weight"], state["best"])
            for name, state in self._states.items()
            if state["best"] >= 0
        }

    def losses(self, names: Sequence[str]) -> list[Loss | None]:
        """Returns what was shown last of each problem, None for one with too few steps."""
        return [self._shown.get(name) for name in names]

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps."""
        return {
            "states": {name: dict(state) for name, state in self._states.items()},
            "shown": {name: list(loss) for name, loss in self._shown.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state` gave."""
        self._states = {name: dict(kept) for name, kept in state["states"].items()}
        self._shown = {name: Loss(*kept) for name, kept in state["shown"].items()}
