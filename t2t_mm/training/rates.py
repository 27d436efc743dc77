"""The learning rate over the steps of a run."""

from __future__ import annotations

import math

from t2t_mm.settings import training


def learning_rate(settings: training.OptimizerSettings, step: int, total_steps: int) -> float:
    """Returns the rate of `step`, the first being 0.

    It grows linearly over the warm-up and then decays: with the inverse square root
    of the step, linearly or as half a cosine to 0 at `total_steps`, or not at all.
    """
    warmup, peak = settings.warmup_steps, settings.learning_rate
    if step < warmup:
        return peak * (step + 1) / warmup
    left = max(0.0, 1 - (step - warmup) / max(1, total_steps - warmup))
    match settings.decay:
        case "rsqrt":
            return peak * math.sqrt(max(1, warmup) / (step + 1))
        case "linear":
            return peak * left
        case "cosine":
            return peak * 0.5 * (1 - math.cos(math.pi * left))
        case _:
            return peak
