"""What to do about a training that diverges, or whose numbers are no longer finite, in words."""

from __future__ import annotations

from t2t_mm.settings import training

_EARLY = 1000
"""Steps at whose rate a training without any warm-up is often too fast."""

_FLOAT32 = "TrainSettings.precision = 'float32'"


def lower_rate(
    settings: training.OptimizerSettings, step: int, *, has_schedule: bool = False
) -> str:
    """Returns how the learning rate of a step is made lower.

    A longer warm-up is of use in the warm-up alone. After it, it makes the rate of a decay larger
    that begins where the warm-up ends, and to go through it once more is not to be had.

    Args:
      settings: of the rate.
      step: its number, the first being 1.
      has_schedule: whether the optimizer brings a schedule, which the settings do not change.
    """
    if has_schedule:
        return f"a lower rate in the schedule of the optimizer {settings.optimizer!r}"
    lower = "a lower OptimizerSettings.learning_rate"
    if step <= settings.warmup_steps:
        return f"{lower}, or a longer warmup_steps"
    if not settings.warmup_steps and step <= _EARLY:
        return f"{lower}, or a warm-up (warmup_steps)"
    return lower


def on_not_finite(
    settings: training.OptimizerSettings,
    *,
    step: int,
    precision: str,
    policy: str,
    is_of_input: bool,
    has_schedule: bool = False,
) -> str:
    """Returns what may keep a step that was not finite from being so again.

    Args:
      settings: of the rate and of clipping.
      step: its number, the first being 1.
      precision: that was computed in.
      policy: of `NotFiniteSettings`; another than "stop" has used up its bounds.
      is_of_input: whether an example is itself not finite: then no rate helps.
      has_schedule: as of `lower_rate`.
    """
    ways = [] if is_of_input else [lower_rate(settings, step, has_schedule=has_schedule)]
    if not (is_of_input or settings.clip_norm):
        ways.append("clipping (OptimizerSettings.clip_norm = 1.0)")
    if not is_of_input and precision != "float32":
        ways.append(_FLOAT32)
    if policy == "stop":
        ways.append("NotFiniteSettings.policy = 'skip'")
    if is_of_input:
        ways.insert(0, "records made again without these examples")
    return ", or ".join(ways)


def such_as(precision: str) -> str:
    """Returns an example of what changes the arithmetic of a step; "" where there is none."""
    return "" if precision == "float32" else f", such as {_FLOAT32}"
