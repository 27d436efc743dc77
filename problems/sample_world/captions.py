"""Five captions of a scene's picture, as five people might write them.

They tell what the picture shows: the subject of the first clause, its colour, number and
pattern, what is around it, and where. What happens, when, and who says so is in no
picture, and in no caption.
"""

from __future__ import annotations

import random

from t2t_mm.problems.sample_world import scene, things

COUNT = 5

_WHERE = {
    "above": ("above", "over"),
    "below": ("below", "under", "beneath"),
    "behind": ("behind",),
    "in front of": ("in front of", "before"),
    "next to": ("next to", "beside"),
    "near": ("near", "close to"),
    "to the left of": ("to the left of", "on the left of"),
    "to the right of": ("to the right of", "on the right of"),
}

# {s} the subject, {l} the landmark, {t} the target of the verb, which is somewhere around;
# {where} and {back} the place of the subject seen from the landmark, and the reverse.
_BESIDE_LANDMARK = (
    "{s} {where} {l}",
    "there {are} {s} {where} {l}",
    "{s} can be seen {where} {l}",
    "a picture of {s} {where} {l}",
    "{l} {back} {s}",
    "a photo with {l} {back} {s}",
    "we see {s}, and {l} {back} {them}",
    "{s} with {l} {back} {them}",
)
_WITH_TARGET = (
    "{s} and {t}",
    "{s} with {t}",
    "a picture of {s} and {t}",
    "there {are} {s} and also {t}",
    "{t} beside {s}",
    "we see {s} close to {t}",
    "{t} together with {s}",
    "a photo with {s}, not far from {t}",
)
_WITH_BOTH = (
    "{s} {where} {l}, and {t}",
    "{s} and {t}, with {l} {back} the {plain}",
    "a picture of {s} {where} {l}, with {t} as well",
    "there {are} {s} {where} {l}, and {t} too",
    "{l} {back} {s}, and {t} close by",
    "{t} and {s}, the {plain} {where} {l}",
    "we see {s} {where} {l}; there {t_are} also {t}",
)
_ALONE = (
    "{s}",
    "a picture of {s}",
    "there {are} {s}",
    "{s} in a photo",
    "we see {s}",
    "this photo shows {s}",
)


def write(what: scene.Scene, dice: random.Random) -> list[str]:
    """Returns five captions, all different; `dice` decides who writes what."""
    clause = what.first
    subject, landmark, target = clause.subject, clause.landmark, clause.target
    values = {
        "are": things.are(subject),
        "them": "them" if subject.count > 1 else "it",
        "plain": things.noun(subject.shape, subject.count),
    }
    patterns: tuple[str, ...] = _ALONE
    if target is not None:
        patterns = _WITH_TARGET
        values |= {"t": things.phrase(target), "t_are": things.are(target)}
    if landmark is not None:
        patterns = _WITH_BOTH if target is not None else _BESIDE_LANDMARK
        values["l"] = things.phrase(landmark)
    written = []
    for pattern in dice.sample(patterns, COUNT):
        # Not everybody looks so closely.
        values["s"] = things.phrase(subject, pattern=dice.random() < 0.8)
        if landmark is not None:
            values["where"] = dice.choice(_WHERE[clause.relation])
            values["back"] = dice.choice(_WHERE[things.OPPOSITES[clause.relation]])
        written.append(_finish(pattern.format(**values), stop=dice.random() < 0.8))
    return written


def _finish(text: str, *, stop: bool) -> str:
    return f"{text[0].upper()}{text[1:]}{'.' if stop else ''}"
