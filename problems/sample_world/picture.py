"""Pictures of scenes: their size, and how to come by one.

Drawing needs NumPy and Pillow, which lists of problems do without: `drawing` is imported with
the first picture.
"""

from __future__ import annotations

import random

from t2t_mm.problems.sample_world import scene

SIZE = 64
"""Height and width in pixels."""


def draw(what: scene.Scene, dice: random.Random, *, whole: bool = False) -> bytes:
    """Returns the JPEG of a scene.

    Args:
      what: to be shown.
      dice: decides all that the scene leaves open.
      whole: whether all things are to be seen, as captions tell of them: smaller, closer
        together, and which is in front of which is as the scene says. Otherwise the
        subject is large, and the others may be hidden or cut off.
    """
    from t2t_mm.problems.sample_world import drawing

    return drawing.draw(what, dice, whole=whole)
