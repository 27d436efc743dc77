"""Scenes: what a sample sentence says and a sample picture shows.

A scene is drawn from (seed, split, number) alone, so any one of them can be made
by itself, in any order, on any machine. It holds meanings only; each language
finds its own words and order for them, and the picture its own pixels.
"""

from __future__ import annotations

import dataclasses
import random
import zlib
from typing import Literal

Tense = Literal["present", "past", "future", "can", "must"]
Frame = Literal["statement", "question", "report", "pair", "relative", "existence"]

SHAPES = (
    "circle", "square", "triangle", "star", "heart", "moon",
    "ring", "cross", "diamond", "arrow", "flower", "cloud",
)  # fmt: skip
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "grey", "brown", "purple")
SIZES = ("tiny", "small", "big", "huge")
PATTERNS = ("striped", "dotted", "checked")
RELATIONS = (
    "above", "below", "behind", "in front of", "next to", "near",
    "to the left of", "to the right of",
)  # fmt: skip
LABELS = tuple(
    f"{colour} {shape}"
    for shape in ("square", "star", "ring", "cross")
    for colour in ("red", "blue", "green", "yellow")
)
"""The classes of pictures: few, with colours that stand out from any background."""

SINGULAR = ("a", "the", "this")
PLURAL = {"two": 2, "three": 3, "four": 4, "several": 4, "the": 2, "this": 2}
"""Determiners of a plural, and how many things the picture shows for them."""

INTRANSITIVE = (
    "lie", "stand", "float", "hang", "shine", "turn", "hide", "appear", "dance", "sleep",
    "wait", "stop", "fall asleep",
)  # fmt: skip
TRANSITIVE = (
    "cover", "touch", "carry", "follow", "watch", "attract", "push away", "light up", "hold",
    "help", "admire", "wake up", "see", "look for",
)  # fmt: skip
ADVERBS = ("often", "always", "sometimes", "slowly", "quietly", "gladly")
TIMES: dict[Tense, tuple[str, ...]] = {
    "present": ("now", "today", "in the morning", "every day", "at night", "in winter"),
    "past": ("yesterday", "last night", "on Sunday", "a week ago"),
    "future": ("tomorrow", "soon", "next year", "this evening"),
    "can": ("today", "tomorrow", "at night"),
    "must": ("now", "every day", "this evening"),
}
REPORTS = ("I believe", "we know", "the child sees", "she says", "everyone thinks", "they hope")
CONJUNCTIONS = ("because", "while", "when", "and", "but")
SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Thing:
    """One or several equal shapes: "three small striped red stars".

    Attributes:
      shape, colour: always told.
      size, pattern: told where not empty; else of middling size, and plain.
      determiner: of `SINGULAR`, or of `PLURAL` where `plural`.
    """

    shape: str
    colour: str
    size: str
    pattern: str
    determiner: str
    plural: bool

    @property
    def count(self) -> int:
        """How many a picture shows."""
        return PLURAL[self.determiner] if self.plural else 1


@dataclasses.dataclass(frozen=True)
class Clause:
    """Who does what, to whom, where, how and when."""

    subject: Thing
    verb: str
    tense: Tense
    target: Thing | None = None
    relation: str = ""
    landmark: Thing | None = None
    adverb: str = ""
    time: str = ""


@dataclasses.dataclass(frozen=True)
class Scene:
    """One sentence's meaning; the first clause is what the picture shows.

    Attributes:
      frame: how the sentence is built; `report`, `pair` and `relative` make
        subordinate clauses, where German puts the verb last.
      opener: who reports (`report`), or the conjunction (`pair`).
      first, second: its clauses; `second` in `pair` and `relative` only.
    """

    frame: Frame
    first: Clause
    opener: str = ""
    second: Clause | None = None

    @property
    def label(self) -> str:
        """The class of the picture: what stands in the foreground."""
        return f"{self.first.subject.colour} {self.first.subject.shape}"


def draw(seed: int, split: str, number: int, *, labelled: bool = False) -> Scene:
    """Returns scene `number` of `split`.

    A hash of the scene itself says to which split it belongs, and drawing goes
    on until one belongs here: no test scene is ever a training scene.

    Args:
      seed: of all scenes.
      split: of `SPLITS`.
      number: from 0.
      labelled: only scenes whose label is one of `LABELS`.
    """
    dice = random.Random(f"{seed}/{split}/{number}")
    while True:
        scene = _scene(dice)
        if _home(scene) == split and (not labelled or scene.label in LABELS):
            return scene


def _home(scene: Scene) -> str:
    place = zlib.crc32(repr(scene).encode()) % 20
    return {0: "validation", 1: "test"}.get(place, "train")


def _scene(dice: random.Random) -> Scene:
    frame: Frame = dice.choices(
        ("statement", "question", "report", "pair", "relative", "existence"),
        weights=(35, 10, 20, 15, 12, 8),
    )[0]
    if frame == "existence":
        things = Clause(_thing(dice), "be", "present", target=_thing(dice))
        return Scene(frame, dataclasses.replace(things, **_place(dice, always=True)))
    first = _clause(dice)
    if frame == "report":
        return Scene(frame, first, opener=dice.choice(REPORTS))
    if frame == "pair":
        return Scene(frame, first, opener=dice.choice(CONJUNCTIONS), second=_clause(dice))
    if frame == "relative":
        aside = dataclasses.replace(_clause(dice), subject=first.subject, time="")
        return Scene(frame, first, second=aside)
    return Scene(frame, first)


def _clause(dice: random.Random) -> Clause:
    tense: Tense = dice.choices(
        ("present", "past", "future", "can", "must"), weights=(40, 20, 15, 15, 10)
    )[0]
    transitive = dice.random() < 0.55
    place = _place(dice, always=not transitive) if not transitive or _chance(dice, 0.2) else {}
    return Clause(
        subject=_thing(dice),
        verb=dice.choice(TRANSITIVE if transitive else INTRANSITIVE),
        tense=tense,
        target=_thing(dice) if transitive else None,
        adverb=dice.choice(ADVERBS) if _chance(dice, 0.25) else "",
        time=dice.choice(TIMES[tense]) if _chance(dice, 0.35) else "",
        **place,
    )


def _place(dice: random.Random, *, always: bool) -> dict:
    if not always and _chance(dice, 0.5):
        return {}
    return {"relation": dice.choice(RELATIONS), "landmark": _thing(dice)}


def _thing(dice: random.Random) -> Thing:
    plural = _chance(dice, 0.3)
    return Thing(
        shape=dice.choice(SHAPES),
        colour=dice.choice(COLOURS),
        size=dice.choice(SIZES) if _chance(dice, 0.4) else "",
        pattern=dice.choice(PATTERNS) if _chance(dice, 0.25) else "",
        determiner=dice.choice(tuple(PLURAL) if plural else SINGULAR),
        plural=plural,
    )


def _chance(dice: random.Random, share: float) -> bool:
    return dice.random() < share
