"""The weights that a warm start has transferred: a table for people, and JSON. No TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from t2t_mm.runs import origin as origin_lib


@dataclasses.dataclass
class PartTransfer:
    """A net, a part of the body, or a table of the model.

    Attributes:
      weights: how many it has.
      restored: how many of them were taken over.
      fresh: what begins anew, and why.
    """

    weights: int = 0
    restored: int = 0
    fresh: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What was taken over, and what was not.

    Attributes:
      origin: the checkpoint.
      parts: of the new model, by name.
      left: parts of the old model that have no place in the new one.
    """

    origin: origin_lib.Origin
    parts: dict[str, PartTransfer]
    left: list[str]

    def describe(self) -> dict[str, Any]:
        """Returns all of it as JSON values."""
        return {
            "origin": str(self.origin.folder),
            "step": self.origin.step,
            "parts": {name: dataclasses.asdict(part) for name, part in self.parts.items()},
            "left": self.left,
        }

    def show(self, line: Callable[[str], None]) -> None:
        """Prints the table of what was restored."""
        line(f"Warm start with weights of {self.origin}:")
        width = max(len(name) for name in self.parts)
        line(f"  {'':<{width}} {'weights':>13} {'restored':>13}  begins anew")
        for name, part in self.parts.items():
            why = "; ".join(part.fresh) or "-"
            line(f"  {name:<{width}} {part.weights:>13,} {part.restored:>13,}  {why}")
        if self.left:
            line(f"  Left behind: {', '.join(self.left)}.")
