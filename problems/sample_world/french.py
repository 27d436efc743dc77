"""French: adjectives agree and mostly follow the noun; participles agree after être.

Articles contract ("au-dessus du cercle") and vowels are elided ("l'étoile",
"qu'une", "s'endort"); both are done on the written words, at the very end.
"""

from __future__ import annotations

import dataclasses
import re

from t2t_mm.problems.sample_world import scene

_NOUNS = {
    "circle": ("cercle", "m", "cercles"),
    "square": ("carré", "m", "carrés"),
    "triangle": ("triangle", "m", "triangles"),
    "star": ("étoile", "f", "étoiles"),
    "heart": ("cœur", "m", "cœurs"),
    "moon": ("lune", "f", "lunes"),
    "ring": ("anneau", "m", "anneaux"),
    "cross": ("croix", "f", "croix"),
    "diamond": ("losange", "m", "losanges"),
    "arrow": ("flèche", "f", "flèches"),
    "flower": ("fleur", "f", "fleurs"),
    "cloud": ("nuage", "m", "nuages"),
}
_ADJECTIVES = {
    "red": "rouge", "blue": "bleu", "green": "vert", "yellow": "jaune", "black": "noir",
    "white": "blanc", "grey": "gris", "brown": "brun", "purple": "violet",
    "tiny": "minuscule", "small": "petit", "big": "grand", "huge": "énorme",
    "striped": "rayé", "dotted": "à pois", "checked": "à carreaux",
}  # fmt: skip
_FEMININE = {"blanc": "blanche", "violet": "violette"}
_DETERMINERS = {
    "a": ("un", "une", ""), "the": ("le", "la", "les"), "this": ("ce", "cette", "ces"),
    "two": ("", "", "deux"), "three": ("", "", "trois"), "four": ("", "", "quatre"),
    "several": ("", "", "plusieurs"),
}  # fmt: skip
"""Masculine, feminine, plural."""
_RELATIONS = {
    "above": "au-dessus de", "below": "sous", "behind": "derrière", "in front of": "devant",
    "next to": "à côté de", "near": "près de", "to the left of": "à gauche de",
    "to the right of": "à droite de",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Verb:
    """Infinitive, third persons singular and plural, masculine participle."""

    infinitive: str
    third: str
    thirds: str
    participle: str
    reflexive: bool = False
    etre: bool = False


def _er(infinitive: str, third: str = "", *, reflexive: bool = False) -> _Verb:
    """Returns a regular verb in -er; `third` where its vowel changes."""
    stem = infinitive.removesuffix("er")
    third = third or f"{stem}e"
    return _Verb(infinitive, third, f"{third}nt", f"{stem}é", reflexive, reflexive)


_VERBS = {
    "lie": _er("reposer"),
    "stand": _er("dresser", reflexive=True),
    "float": _er("flotter"),
    "hang": _Verb("pendre", "pend", "pendent", "pendu"),
    "shine": _er("briller"),
    "turn": _er("tourner"),
    "hide": _er("cacher", reflexive=True),
    "appear": _Verb("apparaître", "apparaît", "apparaissent", "apparu", etre=True),
    "dance": _er("danser"),
    "sleep": _Verb("dormir", "dort", "dorment", "dormi"),
    "wait": _Verb("attendre", "attend", "attendent", "attendu"),
    "stop": _er("arrêter", reflexive=True),
    "fall asleep": _Verb("endormir", "endort", "endorment", "endormi", reflexive=True, etre=True),
    "cover": _Verb("couvrir", "couvre", "couvrent", "couvert"),
    "touch": _er("toucher"),
    "carry": _er("porter"),
    "follow": _Verb("suivre", "suit", "suivent", "suivi"),
    "watch": _er("regarder"),
    "attract": _er("attirer"),
    "push away": _er("repousser"),
    "light up": _er("éclairer"),
    "hold": _Verb("tenir", "tient", "tiennent", "tenu"),
    "help": _er("aider"),
    "admire": _er("admirer"),
    "wake up": _er("réveiller"),
    "see": _Verb("voir", "voit", "voient", "vu"),
    "look for": _er("chercher"),
}
_AUXILIARIES = {
    "avoir": ("a", "ont"),
    "être": ("est", "sont"),
    "future": ("va", "vont"),
    "can": ("peut", "peuvent"),
    "must": ("doit", "doivent"),
}
_ADVERBS = {
    "often": "souvent", "always": "toujours", "sometimes": "parfois", "slowly": "lentement",
    "quietly": "doucement", "gladly": "volontiers",
}  # fmt: skip
_TIMES = {
    "now": "maintenant", "today": "aujourd'hui", "in the morning": "le matin",
    "every day": "chaque jour", "at night": "la nuit", "in winter": "en hiver",
    "yesterday": "hier", "last night": "la nuit dernière", "on Sunday": "dimanche",
    "a week ago": "il y a une semaine", "tomorrow": "demain", "soon": "bientôt",
    "next year": "l'année prochaine", "this evening": "ce soir",
}  # fmt: skip
_REPORTS = {
    "I believe": "je crois", "we know": "nous savons", "the child sees": "l'enfant voit",
    "she says": "elle dit", "everyone thinks": "tout le monde pense", "they hope": "ils espèrent",
}  # fmt: skip
_CONJUNCTIONS = {
    "because": "parce que", "while": "pendant que", "when": "quand", "and": "et", "but": "mais",
}  # fmt: skip


def write(what: scene.Scene) -> str:
    """Returns the sentence of a scene."""
    first, second = what.first, what.second
    if what.frame == "question":
        return _finish(f"est-ce que {_clause(first)}", " ?")
    if what.frame == "report":
        return _finish(f"{_REPORTS[what.opener]} que {_clause(first)}")
    if what.frame == "pair" and second is not None:
        comma = "," if what.opener in ("and", "but") else ""
        joined = f"{comma} {_CONJUNCTIONS[what.opener]} {_clause(second)}"
        return _finish(f"{_main(first)}{joined}")
    if what.frame == "relative" and second is not None:
        return _finish(_main(first, f"{_nominal(first.subject)} qui {_predicate(second)}"))
    if what.frame == "existence" and first.target is not None:
        both = f"{_nominal(first.subject)} et {_nominal(first.target)}"
        return _finish(f"il y a {both} {_place(first)}")
    return _finish(_main(first))


def _main(clause: scene.Clause, subject: str = "") -> str:
    """A main clause, which opens with its time."""
    time = f"{_TIMES[clause.time]}," if clause.time else ""
    return f"{time} {subject or _nominal(clause.subject)} {_predicate(clause)}"


def _clause(clause: scene.Clause) -> str:
    """A subordinate clause or a question, which ends with its time."""
    time = _TIMES.get(clause.time, "")
    return f"{_nominal(clause.subject)} {_predicate(clause)} {time}"


def _predicate(clause: scene.Clause) -> str:
    target = _nominal(clause.target) if clause.target else ""
    return f"{_verb(clause)} {target} {_place(clause)}"


def _verb(clause: scene.Clause) -> str:
    verb, plural = _VERBS[clause.verb], clause.subject.plural
    se = "se" if verb.reflexive else ""
    adverb = _ADVERBS.get(clause.adverb, "")
    if clause.tense == "present":
        return f"{se} {verb.thirds if plural else verb.third} {adverb}"
    if clause.tense == "past":
        auxiliary = _AUXILIARIES["être" if verb.etre else "avoir"][plural]
        participle = _agree(verb.participle, clause.subject) if verb.etre else verb.participle
        return f"{se} {auxiliary} {adverb} {participle}"
    return f"{_AUXILIARIES[clause.tense][plural]} {adverb} {se} {verb.infinitive}"


def _place(clause: scene.Clause) -> str:
    return f"{_RELATIONS[clause.relation]} {_nominal(clause.landmark)}" if clause.landmark else ""


def _nominal(thing: scene.Thing) -> str:
    singular, gender, plural = _NOUNS[thing.shape]
    masculine, feminine, several = _DETERMINERS[thing.determiner]
    determiner = several if thing.plural else feminine if gender == "f" else masculine
    size, colour, pattern = (
        _agree(_ADJECTIVES[word], thing) if word else ""
        for word in (thing.size, thing.colour, thing.pattern)
    )
    return f"{determiner} {size} {plural if thing.plural else singular} {colour} {pattern}"


def _agree(adjective: str, thing: scene.Thing) -> str:
    """Returns an adjective or participle in the gender and number of `thing`."""
    if adjective.startswith("à "):
        return adjective
    if _NOUNS[thing.shape][1] == "f" and not adjective.endswith("e"):
        adjective = _FEMININE.get(adjective, f"{adjective}e")
    return adjective if adjective[-1] in "sx" or not thing.plural else f"{adjective}s"


def _finish(words: str, stop: str = ".") -> str:
    text = " ".join(words.split()).replace(" ,", ",")
    text = re.sub(r"\bde les\b", "des", text)
    text = re.sub(r"\bce (?=[aeéêo])", "cet ", text)
    text = re.sub(r"\b([JjDdSs]e|[Ll][ea]|[Qq]ue) (?=[aeéêou])", lambda m: f"{m[1][:-1]}'", text)
    text = re.sub(r"\bde le\b", "du", text)
    return text[0].upper() + text[1:] + stop
