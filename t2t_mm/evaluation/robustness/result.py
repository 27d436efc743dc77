"""What a measurement of robustness gives: metrics by kind and strength, and one number."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from t2t_mm.evaluation.robustness import kinds

Values = dict[str, float]
"""By name of the metric."""

Curves = dict[str, dict[str, Values]]
"""By name of the kind and strength, "1" to "5"."""


@dataclasses.dataclass(frozen=True)
class Robustness:
    """The metrics of one problem on damaged inputs, and on the same ones undamaged.

    Attributes:
      split: of the examples.
      examples: how many.
      step: of the checkpoint.
      seed: of the damage.
      clean: without damage.
      curves: of all kinds.
      families: of each kind.
    """

    split: str
    examples: int
    step: int
    seed: int
    clean: Values
    curves: Curves
    families: Mapping[str, str]

    def describe(self) -> dict[str, Any]:
        """Returns it as JSON values.

        `score` has, for each metric, the mean over all kinds of corruption and strengths, and
        `relative` its quotient by the clean value, as ImageNet-C's mean and relative corruption
        errors have them for errors. `attack_score` and `attack_relative` are those of gradient
        attacks: what an adversary finds does not belong into a mean with what happens.
        """
        described: dict[str, Any] = {
            "clean": self.clean,
            "kinds": self.curves,
            "families": dict(self.families),
            "split": self.split,
            "examples": self.examples,
            "step": self.step,
            "seed": self.seed,
        }
        for prefix, is_attack in (("", False), ("attack_", True)):
            own = [
                values
                for name, values in self.curves.items()
                if (self.families[name] == kinds.ATTACK) == is_attack
            ]
            score = _means([each for values in own for each in values.values()])
            described[f"{prefix}score"] = score
            described[f"{prefix}relative"] = {
                metric: _quotient(value, self.clean.get(metric, math.nan))
                for metric, value in score.items()
            }
        return described


def _means(values: list[Values]) -> Values:
    """Returns the mean of each metric."""
    names = dict.fromkeys(name for each in values for name in each)
    return {
        name: math.fsum(found) / len(found)
        for name in names
        if all(map(math.isfinite, found := [each[name] for each in values if name in each]))
    }


def _quotient(value: float, clean: float) -> float:
    return value / clean if clean else math.nan
