"""The contract of corruptions: damage to raw values, at five strengths, and gradient attacks.

A modality lists its own (`Modality.corruptions`, `Modality.attack`), and `mm-eval --robustness`
applies whatever is listed. A corruption takes the bytes of a record and returns such bytes, of
the same form and within the same limits, so that all that follows is as for any record:

    def _noisy(data: bytes, strength: int, rng: np.random.Generator) -> bytes: ...

    corruption.Corruption("noise", "noise", _noisy)

The five strengths are those of ImageNet-C (Hendrycks and Dietterich 2019, "Benchmarking Neural
Network Robustness to Common Corruptions and Perturbations"): 1 is hardly seen or heard, 5 leaves
a person in doubt. This module imports neither TensorFlow nor NumPy.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

STRENGTHS = (1, 2, 3, 4, 5)

Apply = Callable[[bytes, int, "np.random.Generator"], bytes]
"""Record bytes, a strength of `STRENGTHS` and random numbers to corrupted record bytes."""


@dataclasses.dataclass(frozen=True)
class Corruption:
    """One kind of damage.

    Attributes:
      kind: its name, such as "gaussian_noise".
      family: of similar kinds, such as "noise".
      apply: see `Apply`.
    """

    kind: str
    family: str
    apply: Apply


@dataclasses.dataclass(frozen=True)
class Attack:
    """The ball that a gradient attack may search, by strength.

    Attributes:
      norm: "linf": the greatest change of a single value; "relative_l2": the norm of the change
        of an example over the norm of the example.
      radii: of the ball, by strength; in the units of the values for "linf".
      low: the least that a value may become; None for no limit.
      high: the most.
    """

    norm: Literal["linf", "relative_l2"] = "relative_l2"
    radii: tuple[float, float, float, float, float] = (0.02, 0.05, 0.1, 0.2, 0.4)
    low: float | None = None
    high: float | None = None


def generator(seed: int, key: str, kind: str, strength: int) -> np.random.Generator:
    """Returns the random numbers of one corrupted value, the same for the same arguments.

    Args:
      seed: of the measurement.
      key: of the record.
      kind: of the corruption.
      strength: of it.
    """
    import numpy as np

    digest = hashlib.sha256(f"{seed}/{kind}/{strength}/{key}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
