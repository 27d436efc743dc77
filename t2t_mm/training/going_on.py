"""What a training that goes on does otherwise than the run so far, in words.

The run's `config.gin` says how it was trained so far, until this training writes its own.
"""

from __future__ import annotations

import math
from typing import Any

from t2t_mm import config, errors, registry
from t2t_mm.runs import run_folder
from t2t_mm.settings import training
from t2t_mm.training import decays

_SHOWN = 12
_LONGEST_VALUE = 60


def recorded(folder: run_folder.RunFolder, name: str) -> dict[str, Any]:
    """Returns the fields of a class of settings as the run in a folder has them so far.

    Args:
      folder: of a run, or one that is still to be.
      name: of the class, such as "TrainSettings".
    """
    if not folder.config_path.is_file():
        return {}
    return {b.parameter: b.value for b in folder.bindings() if b.name == name}


def changes(folder: run_folder.RunFolder) -> str | None:
    """Returns a line of the settings that are no longer those of the run so far, if any.

    The loaded configuration is asked, all of which must be built.
    """
    if not folder.config_path.is_file():
        return None
    now = config.values()
    differing = []
    for binding in folder.bindings():
        old, new = binding.value, now.get(binding.key, binding.value)
        if old != new and repr(old) != repr(new):  # references to a plugin's functions differ
            shown = [errors.shortened(repr(value), _LONGEST_VALUE) for value in (old, new)]
            differing.append(f"{binding.key} {' -> '.join(shown)}")
    if not differing:
        return None
    return f"Changed against the run so far: {errors.first_few(differing, _SHOWN)}."


def rate_change(
    folder: run_folder.RunFolder,
    settings: training.OptimizerSettings,
    *,
    step: int,
    train_steps: int,
) -> str | None:
    """Returns a line where the next step has another learning rate than by the run so far.

    Args:
      folder: of the run.
      settings: of this training.
      step: steps done.
      train_steps: of this training.
    """
    held = recorded(folder, training.OptimizerSettings.__name__)
    steps_before = recorded(folder, training.TrainSettings.__name__).get("train_steps")
    if not held or steps_before is None:
        return None
    so_far = training.OptimizerSettings(**held)
    if so_far.decay not in registry.decays:  # its plugin is not loaded any more
        return None
    before = decays.learning_rate(so_far, step, steps_before)
    now = decays.learning_rate(settings, step, train_steps)
    if math.isclose(before, now, rel_tol=1e-6):
        return None
    why = ""
    if not math.isclose(now, decays.learning_rate(settings, step, steps_before), rel_tol=1e-6):
        why = (
            f": the decay {settings.decay!r} goes by train_steps, which was {steps_before:,} and "
            f"is {train_steps:,}"
        )
    return (
        f"The learning rate of step {step + 1:,} is {now:.3g}, and was {before:.3g} by the "
        f"settings so far{why}."
    )
