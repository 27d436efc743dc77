"""English: the plain one. Plurals, third persons, do-support, "a" or "an"."""

from __future__ import annotations

import re

from t2t_mm.problems.sample_world import scene

_PLURALS = {"cross": "crosses"}
_DETERMINERS = {("this", True): "these"}
_THIRD = {"carry": "carries", "push": "pushes", "touch": "touches", "watch": "watches"}
_PAST = {
    "lie": "lay", "stand": "stood", "hang": "hung", "shine": "shone", "hide": "hid",
    "sleep": "slept", "stop": "stopped", "fall": "fell", "carry": "carried", "light": "lit",
    "hold": "held", "wake": "woke", "see": "saw",
}  # fmt: skip
_AUXILIARIES = {"future": "will", "can": "can", "must": "must"}


def write(what: scene.Scene) -> str:
    """Returns the sentence of a scene."""
    first, second = what.first, what.second
    if what.frame == "question":
        return _finish(_question(first), "?")
    if what.frame == "report":
        return _finish(f"{what.opener} that {_clause(first)}")
    if what.frame == "pair" and second is not None:
        comma = "," if what.opener in ("and", "but") else ""
        return _finish(f"{_clause(first)}{comma} {what.opener} {_clause(second)}")
    if what.frame == "relative" and second is not None:
        subject = f"{_nominal(first.subject)} that {_predicate(second)}"
        return _finish(f"{subject} {_predicate(first)}")
    if what.frame == "existence" and first.target is not None:
        be = "are" if first.subject.plural else "is"
        both = f"{_nominal(first.subject)} and {_nominal(first.target)}"
        return _finish(f"there {be} {both} {_place(first)}")
    return _finish(_clause(first))


def _clause(clause: scene.Clause) -> str:
    return f"{_nominal(clause.subject)} {_predicate(clause)}"


def _predicate(clause: scene.Clause) -> str:
    plural = clause.subject.plural
    if clause.tense in _AUXILIARIES:
        verb = f"{_AUXILIARIES[clause.tense]} {clause.adverb} {clause.verb}"
    else:
        verb = f"{clause.adverb} {_finite(clause.verb, clause.tense, plural=plural)}"
    return f"{verb} {_rest(clause)}"


def _question(clause: scene.Clause) -> str:
    does = "do" if clause.subject.plural else "does"
    auxiliary = {**_AUXILIARIES, "present": does, "past": "did"}[clause.tense]
    return f"{auxiliary} {_nominal(clause.subject)} {clause.adverb} {clause.verb} {_rest(clause)}"


def _rest(clause: scene.Clause) -> str:
    target = _nominal(clause.target) if clause.target else ""
    return f"{target} {_place(clause)} {clause.time}"


def _place(clause: scene.Clause) -> str:
    return f"{clause.relation} {_nominal(clause.landmark)}" if clause.landmark else ""


def _finite(verb: str, tense: str, *, plural: bool) -> str:
    """Inflects the first word: "push away" to "pushes away"."""
    stem, *particle = verb.split()
    if tense == "past":
        form = _PAST.get(stem) or (f"{stem}d" if stem.endswith("e") else f"{stem}ed")
    elif plural:
        form = stem
    else:
        form = _THIRD.get(stem, f"{stem}s")
    return " ".join([form, *particle])


def _nominal(thing: scene.Thing) -> str:
    noun = _PLURALS.get(thing.shape, f"{thing.shape}s") if thing.plural else thing.shape
    determiner = _DETERMINERS.get((thing.determiner, thing.plural), thing.determiner)
    return f"{determiner} {thing.size} {thing.pattern} {thing.colour} {noun}"


def _finish(words: str, stop: str = ".") -> str:
    text = " ".join(words.split()).replace(" ,", ",")
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    return text[0].upper() + text[1:] + stop
