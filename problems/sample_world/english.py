"""English: the plain one. Plurals, third persons, do-support, "a" or "an".

Its sentences are the words of their trees (`trees`), written together.
"""

from __future__ import annotations

import re

from t2t_mm.problems.sample_world import scene, trees


def write(what: scene.Scene) -> str:
    """Returns the sentence of a scene."""
    return re.sub(" (?=[,.?])", "", " ".join(trees.words(what)))
