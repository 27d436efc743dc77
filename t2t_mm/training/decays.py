"""The learning rate of each step: a linear warm-up, then a decay. No TensorFlow."""

from __future__ import annotations

import math

from t2t_mm.settings import training


def learning_rate(settings: training.OptimizerSettings, step: int, train_steps: int) -> float:
    """Returns the learning rate of `step`, the first being 0.

    It grows linearly over the warm-up and then decays: with the inverse square root
    of the step, linearly or as half a cosine to 0 at `train_steps`, or not at all.
    """
    warmup, peak = settings.warmup_steps, settings.learning_rate
    if step < warmup:
        return peak * (step + 1) / warmup
    left = max(0.0, 1 - (step - warmup) / max(1, train_steps - warmup))
    match settings.decay:
        case "rsqrt":
            return peak * math.sqrt(max(1, warmup) / (step + 1))
        case "linear":
            return peak * left
        case "cosine":
            return peak * 0.5 * (1 - math.cos(math.pi * left))
        case _:
            return peak
