"""The learning rate of each step: a linear warm-up, then a registered decay. No TensorFlow.

A decay is a function that gives the share of the highest rate at each step after the warm-up:

    @t2t_mm.register_decay("halving")
    def halving(step, train_steps, settings):
        return 0.5 ** ((step - settings.warmup_steps) / 10_000)
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import TypeAlias

from t2t_mm import errors, registry
from t2t_mm.settings import training

Decay: TypeAlias = Callable[[int, int, training.OptimizerSettings], float]
"""Of (step, train_steps, settings); steps count from 0."""


def learning_rate(settings: training.OptimizerSettings, step: int, train_steps: int) -> float:
    """Returns the learning rate of `step`, the first being 0.

    It grows linearly over the warm-up, and is then what the decay leaves of it.

    Raises:
      ConfigError: the decay is not registered, or gives no number of 0 or more.
    """
    warmup, peak = settings.warmup_steps, settings.learning_rate
    if step < warmup:
        return peak * (step + 1) / warmup
    share = registry.decays.get(settings.decay)(step, train_steps, settings)
    value = float(share) if isinstance(share, numbers.Real) else math.nan
    if not (math.isfinite(value) and value >= 0):
        raise errors.ConfigError(
            f"The decay {settings.decay!r} gives no share of the learning rate at step {step:,}",
            received=errors.shortened(repr(share)),
            expected="a number of 0 or more",
        )
    return peak * value


def constant(_step: int, _train_steps: int, _settings: training.OptimizerSettings) -> float:
    """The highest rate to the end."""
    return 1.0


def rsqrt(step: int, _train_steps: int, settings: training.OptimizerSettings) -> float:
    """By the inverse square root of the step (Vaswani et al. 2017, arXiv 1706.03762, 5.3)."""
    return math.sqrt(max(1, settings.warmup_steps) / (step + 1))


def linear(step: int, train_steps: int, settings: training.OptimizerSettings) -> float:
    """On a straight line to 0 at `train_steps`."""
    return _left(step, train_steps, settings)


def cosine(step: int, train_steps: int, settings: training.OptimizerSettings) -> float:
    """Along half a cosine to 0 at `train_steps` (Loshchilov and Hutter 2017, arXiv 1608.03983)."""
    return 0.5 * (1 - math.cos(math.pi * _left(step, train_steps, settings)))


def _left(step: int, train_steps: int, settings: training.OptimizerSettings) -> float:
    """Returns the share of the steps after the warm-up that is still to come."""
    warmup = settings.warmup_steps
    return max(0.0, 1 - (step - warmup) / max(1, train_steps - warmup))
