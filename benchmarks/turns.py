"""Takes turns: ours, the other, ours, the other, so that a drifting machine drifts for both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def alternate(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Calls each side once a round, in the opposite order every other round.

    Args:
      sides: functions that measure and return a figure.
      rounds: how often.

    Returns:
      the figures of each side, one a round.
    """
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        names = list(sides) if turn % 2 == 0 else list(sides)[::-1]
        for name in names:
            found[name].append(sides[name]())
    return found


def rate(function: Callable[[], None], seconds: float, *, least: int = 2) -> float:
    """Returns how often a second `function` runs.

    Args:
      function: does one thing and waits for it.
      seconds: for how long.
      least: runs at least, however long they take.
    """
    count, begin = 0, time.perf_counter()
    while count < least or time.perf_counter() - begin < seconds:
        function()
        count += 1
    return count / (time.perf_counter() - begin)


def median_seconds(function: Callable[[], None], seconds: float, *, least: int = 3) -> float:
    """Returns the median time of a run of `function`."""
    taken: list[float] = []
    begin = time.perf_counter()
    while len(taken) < least or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return sorted(taken)[len(taken) // 2]
