"""Damage to training inputs, of the kinds by which robustness is measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated

from t2t_mm import config, errors
from t2t_mm.config import ranges


@config.register
@dataclasses.dataclass(frozen=True)
class AugmentSettings:
    """Training on damaged inputs: noise, blur, typos and others of `mm-eval --robustness`.

    An input is damaged in one way, drawn among `kinds`, at a strength between 0 and `strength`,
    so in general not at one of the five that are measured.

    Args:
      share: of the inputs that are damaged; 0 for none.
      strength: the greatest, on the scale of 1 to 5 of the measurement.
      kinds: as in "gaussian_noise"; empty for all that modalities can draw while training
        (`Modality.augmentations`).
    """

    share: Annotated[float, ranges.numbers(0, 1)] = 0.0
    strength: Annotated[float, ranges.numbers(0, 5)] = 3.0
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ranges.check(self)

    def check(self, known: Sequence[str]) -> None:
        """Raises a ConfigError for a kind that is not `known`, or damage that would have no effect.

        Args:
          known: kinds that the inputs of a training can take.
        """
        if self.share and not known:
            raise errors.ConfigError(
                "AugmentSettings.share has no input to damage",
                received=f"{self.share:g}",
                expected="0, or a problem with pictures, sounds or texts as inputs",
            )
        for kind in self.kinds:
            if kind not in known:
                raise errors.ConfigError(
                    f"AugmentSettings.kinds has no input to damage by {kind!r}",
                    expected=f"some of {', '.join(dict.fromkeys(known))}" if known else None,
                    hint=errors.did_you_mean(kind, known),
                )
