"""Speech: who says the sample world's sentences, and how to come by a recording.

Synthesis needs NumPy, which lists of problems do without: `synthesis` is imported with the
first recording.
"""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True)
class Voice:
    """Who speaks.

    Args:
      pitch_hz: the middle of the sentence's pitch.
      tract: factor on all formants; a short tract has high ones.
      speed: factor on the speed.
      breath: level of breath beside the voice.
    """

    pitch_hz: float
    tract: float
    speed: float
    breath: float

    @classmethod
    def draw(cls, dice: random.Random) -> Voice:
        """Returns a voice, as often a low as a high one."""
        low = dice.random() < 0.5
        return cls(
            pitch_hz=dice.uniform(95, 140) if low else dice.uniform(170, 230),
            tract=dice.uniform(0.94, 1.03) if low else dice.uniform(1.06, 1.18),
            speed=dice.uniform(0.95, 1.2),
            breath=dice.uniform(0.01, 0.05),
        )


def say(text: str, voice: Voice, *, rate: int, dice: random.Random) -> np.ndarray:
    """Returns a recording of some English words, as float32 samples [N] in -1..1.

    Args:
      text: words that `pronunciation` knows; a comma is a short pause, and the voice
        rises before a question mark.
      voice: who says them.
      rate: samples a second, 8,000 or 16,000.
      dice: decides what text and voice leave open.
    """
    from t2t_mm.problems.sample_world import synthesis

    return synthesis.say(text, voice, rate=rate, dice=dice)
