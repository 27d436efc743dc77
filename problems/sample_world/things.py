"""What a picture shows, in English words: no tense, no determiner, nothing unseen."""

from __future__ import annotations

from t2t_mm.problems.sample_world import scene

NUMBERS = ("", "one", "two", "three", "four")
"""By how many there are."""

OPPOSITES = {
    "above": "below", "below": "above", "to the left of": "to the right of",
    "to the right of": "to the left of", "behind": "in front of", "in front of": "behind",
    "next to": "next to", "near": "near",
}  # fmt: skip
"""Where the one is, seen from the other, if the other is there seen from the one."""


def noun(shape: str, count: int) -> str:
    """Returns "star" or "stars"."""
    if count == 1:
        return shape
    return f"{shape}es" if shape.endswith("s") else f"{shape}s"


def phrase(thing: scene.Thing, *, pattern: bool = True) -> str:
    """Returns "a red star" or "three striped red stars"; sizes are left out.

    In a picture, a size would have to be told from a number, a distance and an edge.

    Args:
      thing: to be named.
      pattern: whether to tell it.
    """
    words = [thing.pattern if pattern else "", thing.colour, noun(thing.shape, thing.count)]
    said = " ".join(filter(None, words))
    return f"{NUMBERS[thing.count]} {said}" if thing.count > 1 else f"{article(said)} {said}"


def article(said: str) -> str:
    """Returns "an" before a vowel, else "a"."""
    return "an" if said[0] in "aeiou" else "a"


def are(thing: scene.Thing) -> str:
    """Returns "is" or "are"."""
    return "are" if thing.count > 1 else "is"
