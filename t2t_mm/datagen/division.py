"""Division: which parts of a split are whose work.

Parts that a corpus declares are read by one worker each. Where there are fewer of them than
workers, or one is far larger than others, several workers go through the same part, and
each encodes the examples of its turn. Neither changes the records: their keys order them.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from collections.abc import Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.corpus import parts, raw
from t2t_mm.datagen import failures

_SHARES = 4  # for each worker, of what can be shared at will: the last ones even out the time


@dataclasses.dataclass(frozen=True)
class Slice:
    """Examples of a part: of every `step`, the one after the first `turn`.

    Args:
      number: of the part, for the order of what is reported.
      part: to be read.
      turn: from 0, below `step`.
      step: how many slices go through the same part.
    """

    number: int
    part: parts.Part
    turn: int = 0
    step: int = 1

    @property
    def cost(self) -> float:
        """The work in it, in bytes if these are known."""
        return max(self.part.size_bytes, 1) / (self.step * self.part.shares)


def divide(
    problem: Any, split: str, files: raw.RawFiles, *, workers: int, max_examples: int | None
) -> list[tuple[Slice, ...]]:
    """Returns the slices of a split, in groups of about the same work; a group is one job.

    Args:
      problem: an instance.
      split: to be generated.
      files: of the corpus.
      workers: that will do it.
      max_examples: of the split; such first examples only a whole generator can count.

    Raises:
      UserError: for errors of raw files, or of `Problem.parts`.
    """
    whole = (parts.Part(),)
    if max_examples is None and workers > 1 and _declares_parts(type(problem)):
        with failures.of_plugin(f"parts of {problem.name!r} failed", problem):
            whole = tuple(problem.parts(split, files))
        _check(whole, problem.name)
    slices = _slices(whole, workers)
    count = min(len(slices), _SHARES * workers)
    loads = [(0.0, number) for number in range(count)]
    groups: list[list[Slice]] = [[] for _ in range(count)]
    for one in sorted(slices, key=lambda one: (-one.cost, one.number, one.turn)):
        load, number = heapq.heappop(loads)
        groups[number].append(one)
        heapq.heappush(loads, (load + one.cost, number))
    return [tuple(sorted(group, key=lambda one: (one.number, one.turn))) for group in groups]


def _slices(found: Sequence[parts.Part], workers: int) -> list[Slice]:
    """Returns all parts, cut where that helps some workers to end at the same time."""
    total = sum(max(part.size_bytes, 1) for part in found)
    slices: list[Slice] = []
    for part in found:
        ideal = max(part.size_bytes, 1) * workers / total
        if part.units > 1:
            shares = min(part.units, math.ceil(ideal * _SHARES)) if workers > 1 else 1
            for share in range(shares):
                cut = dataclasses.replace(part, share=share, shares=shares)
                slices.append(Slice(len(slices), cut))
        else:
            step = min(math.ceil(ideal), workers)
            number = len(slices)
            slices += [Slice(number, part, turn, step) for turn in range(step)]
    return slices


def _declares_parts(problem: type) -> bool:
    """Says whether a class's parts are of its own generator, not of one that it replaces."""
    order = problem.__mro__
    generator, division = (
        next(number for number, cls in enumerate(order) if name in vars(cls))
        for name in ("generate_examples", "parts")
    )
    return division <= generator


def _check(found: Sequence[parts.Part], name: str) -> None:
    if found and all(isinstance(part, parts.Part) for part in found):
        return
    raise errors.PluginError(
        f"parts of {name!r} returned something odd",
        received=errors.shortened(repr(found), 120),
        expected="one t2t_mm.corpus.parts.Part or more, as of_texts and of_units return them",
    )
