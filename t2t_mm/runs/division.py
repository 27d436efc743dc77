"""How a training is divided among workers and replicas, and what a change of it costs.

Each worker reads its own part of the data, and a step takes one batch for each replica, so
a place in the data is of use to the same division only. No TensorFlow in here.
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
      replicas: devices of all of them, each of which computes a batch a step.
    """

    workers: int
    replicas: int

    def change_from(self, sidecar: Mapping[str, Any]) -> str | None:
        """Returns what a resumption cannot keep, in a line; None where it keeps all.

        Args:
          sidecar: of the checkpoint; an earlier version of the code did not note these.
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
