"""The division of a training into workers and replicas, and the effect of changing it.

Each worker reads its own part of the data, and a step takes one batch for each replica, so
saved iterators are valid only for the same division. No TensorFlow in here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Division:
    """The division of a training.

    Attributes:
      workers: processes that train together.
      replicas: devices of all workers; each computes one batch a step.
    """

    workers: int
    replicas: int

    def change_from(self, sidecar: Mapping[str, Any]) -> str | None:
        """Describes, in a line, what cannot be resumed exactly; None if everything can.

        Args:
          sidecar: of the checkpoint; those of earlier versions have no division.
        """
        held = Division(
            workers=sidecar.get("workers", self.workers),
            replicas=sidecar.get("replicas", self.replicas),
        )
        if held == self:
            return None
        return (
            f"The checkpoint of step {sidecar['step']:,} was written by {held}, and {self} train "
            "now. An exact continuation is not possible: weights and optimizer go on, the data "
            "begin a fresh epoch, and a step holds other batches."
        )

    def __str__(self) -> str:
        return f"{_counted(self.workers, 'worker')} with {_counted(self.replicas, 'replica')}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count > 1 else ''}"
