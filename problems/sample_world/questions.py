"""Questions about a scene's picture, and what ten people answer.

What is asked is in the picture and has one answer: only a thing that no other in the
picture can be mistaken for is asked about. Wrong alternatives are asked for as often as
right ones, and numbers above one as often as there are, so that no answer is right so
often that looking at the picture would not pay.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from t2t_mm.problems.sample_world import scene, things

PEOPLE = 10

_SURE = {
    "above": "below", "below": "above",
    "to the left of": "to the right of", "to the right of": "to the left of",
}  # fmt: skip
"""Relations that a picture leaves no doubt about, and what they are not."""

Question = tuple[str, str, tuple[str, ...]]
"""A question, its answer, and what people who err might say."""


def ask(what: scene.Scene, dice: random.Random, count: int) -> list[Question]:
    """Returns up to `count` questions about the picture of a scene, all different."""
    shown = [t for t in (what.first.subject, what.first.target, what.first.landmark) if t]
    found: dict[str, Question] = {}
    makers = [*_MAKERS]
    dice.shuffle(makers)
    # Two rounds: what some pictures cannot be asked, others are asked twice.
    for maker in makers * 2:
        for question in maker(what, shown, dice):
            found.setdefault(question[0], question)
    return dice.sample(sorted(found.values()), min(count, len(found)))


def poll(question: Question, dice: random.Random) -> list[str]:
    """Returns what ten people answer: six or more of them what is right."""
    _, answer, wrong = question
    astray = dice.choices((0, 1, 2, 3, 4), weights=(5, 2, 1, 1, 1))[0] if wrong else 0
    given = [answer] * (PEOPLE - astray) + [dice.choice(wrong) for _ in range(astray)]
    dice.shuffle(given)
    return given


def _colour(what: scene.Scene, shown: list[scene.Thing], dice: random.Random) -> Iterator[Question]:
    del what
    for thing in _told_by(shown, "shape"):
        many = thing.count > 1
        noun = things.noun(thing.shape, thing.count)
        asked = dice.choice(
            (
                f"What colour {things.are(thing)} the {noun}?",
                f"Which colour {'do' if many else 'does'} the {noun} have?",
            )
        )
        yield asked, thing.colour, _others(scene.COLOURS, thing.colour, dice)


def _shape(what: scene.Scene, shown: list[scene.Thing], dice: random.Random) -> Iterator[Question]:
    del what
    for thing in _told_by(shown, "colour"):
        one = "things" if thing.count > 1 else "thing"
        asked = dice.choice(
            (
                f"What {things.are(thing)} the {thing.colour} {one}?",
                f"What shape {things.are(thing)} the {thing.colour} {one}?",
            )
        )
        yield asked, thing.shape, _others(scene.SHAPES, thing.shape, dice)


def _number(what: scene.Scene, shown: list[scene.Thing], dice: random.Random) -> Iterator[Question]:
    del what
    for thing in _told_by(shown, "shape"):
        # Most things come alone: asked about each time, "1" would nearly always be right.
        if thing.count > 1 or dice.random() < 0.15:
            noun = things.noun(thing.shape, 2)
            asked = dice.choice((f"How many {noun} are there?", f"How many {noun} can you see?"))
            near = tuple(str(n) for n in (thing.count - 1, thing.count + 1) if n)
            yield asked, str(thing.count), near


def _presence(
    what: scene.Scene, shown: list[scene.Thing], dice: random.Random
) -> Iterator[Question]:
    del what
    there = {(thing.colour, thing.shape) for thing in shown}
    thing = dice.choice(shown)
    colour, shape = thing.colour, thing.shape
    answer = dice.choice(("yes", "no"))
    while answer == "no" and (colour, shape) in there:
        # What is not there resembles what is, or it would be told by colours alone.
        if dice.random() < 0.5:
            colour = dice.choice(scene.COLOURS)
        else:
            shape = dice.choice(scene.SHAPES)
    if thing.count > 1:
        asked = f"Are there {colour} {things.noun(shape, thing.count)}?"
    else:
        asked = f"Is there {things.article(colour)} {colour} {shape}?"
    yield asked, answer, ("yes" if answer == "no" else "no",)


def _relation(
    what: scene.Scene, shown: list[scene.Thing], dice: random.Random
) -> Iterator[Question]:
    clause = what.first
    subject, landmark = clause.subject, clause.landmark
    if landmark is None or clause.relation not in _SURE:
        return
    distinct = _told_by(shown, "shape")
    if subject not in distinct or landmark not in distinct:
        return
    answer = dice.choice(("yes", "no"))
    relation = clause.relation if answer == "yes" else _SURE[clause.relation]
    one = things.noun(subject.shape, subject.count)
    other = things.noun(landmark.shape, landmark.count)
    asked = f"{things.are(subject).title()} the {one} {relation} the {other}?"
    yield asked, answer, ("yes" if answer == "no" else "no",)


def _neighbour(
    what: scene.Scene, shown: list[scene.Thing], dice: random.Random
) -> Iterator[Question]:
    clause = what.first
    if clause.landmark is None or clause.relation not in _SURE:
        return
    if clause.subject in _told_by(shown, "shape"):
        noun = things.noun(clause.subject.shape, clause.subject.count)
        asked = f"What is {_SURE[clause.relation]} the {noun}?"
        answer = clause.landmark.shape
        yield asked, answer, _others(scene.SHAPES, answer, dice)


_MAKERS: tuple[
    Callable[[scene.Scene, list[scene.Thing], random.Random], Iterator[Question]], ...
] = (_colour, _shape, _number, _presence, _relation, _neighbour)


def _told_by(shown: list[scene.Thing], attribute: str) -> list[scene.Thing]:
    """Returns the things that differ from all others in an attribute."""
    values = [getattr(thing, attribute) for thing in shown]
    return [t for t, value in zip(shown, values, strict=True) if values.count(value) == 1]


def _others(options: tuple[str, ...], answer: str, dice: random.Random) -> tuple[str, ...]:
    return tuple(dice.sample([option for option in options if option != answer], 2))
