"""German: three genders and cases, adjective endings, and the verb's bracket.

A verb has a finite part and, often, a second one that closes the clause:
"Der Stern sieht den Kreis *an*", "hat den Kreis *angesehen*", "wird ihn *ansehen*".
The finite part stands second; in a subordinate clause it goes to the very end.
"""

from __future__ import annotations

import dataclasses

from t2t_mm.problems.sample_world import scene

_NOUNS = {
    "circle": ("Kreis", "m", "Kreise"),
    "square": ("Quadrat", "n", "Quadrate"),
    "triangle": ("Dreieck", "n", "Dreiecke"),
    "star": ("Stern", "m", "Sterne"),
    "heart": ("Herz", "n", "Herzen"),
    "moon": ("Mond", "m", "Monde"),
    "ring": ("Ring", "m", "Ringe"),
    "cross": ("Kreuz", "n", "Kreuze"),
    "diamond": ("Raute", "f", "Rauten"),
    "arrow": ("Pfeil", "m", "Pfeile"),
    "flower": ("Blume", "f", "Blumen"),
    "cloud": ("Wolke", "f", "Wolken"),
}
_ADJECTIVES = {
    "red": "rot", "blue": "blau", "green": "grün", "yellow": "gelb", "black": "schwarz",
    "white": "weiß", "grey": "grau", "brown": "braun", "purple": "violett",
    "tiny": "winzig", "small": "klein", "big": "groß", "huge": "riesig",
    "striped": "gestreift", "dotted": "gepunktet", "checked": "kariert",
}  # fmt: skip
_DEFINITE = {
    "nom": {"m": "er", "f": "ie", "n": "as", "p": "ie"},
    "acc": {"m": "en", "f": "ie", "n": "as", "p": "ie"},
    "dat": {"m": "em", "f": "er", "n": "em", "p": "en"},
}
"""The definite article after its d-; "dies-" and adjectives say -es and -e for -as and -ie."""
_INDEFINITE = {
    "nom": {"m": "ein", "f": "eine", "n": "ein"},
    "acc": {"m": "einen", "f": "eine", "n": "ein"},
    "dat": {"m": "einem", "f": "einer", "n": "einem"},
}
_NUMERALS = {"two": "zwei", "three": "drei", "four": "vier"}
_RELATIONS = {
    "above": "über", "below": "unter", "behind": "hinter", "in front of": "vor",
    "next to": "neben", "near": "bei", "to the left of": "links von",
    "to the right of": "rechts von",
}  # fmt: skip
_CONTRACTIONS = {"bei dem": "beim", "von dem": "vom"}


@dataclasses.dataclass(frozen=True)
class _Verb:
    """Infinitive and third person singular without the particle; participle whole."""

    infinitive: str
    third: str
    participle: str
    particle: str = ""
    reflexive: bool = False
    auxiliary: str = "haben"
    case: str = "acc"


_VERBS = {
    "lie": _Verb("liegen", "liegt", "gelegen"),
    "stand": _Verb("stehen", "steht", "gestanden"),
    "float": _Verb("schweben", "schwebt", "geschwebt"),
    "hang": _Verb("hängen", "hängt", "gehangen"),
    "shine": _Verb("leuchten", "leuchtet", "geleuchtet"),
    "turn": _Verb("drehen", "dreht", "gedreht", reflexive=True),
    "hide": _Verb("verstecken", "versteckt", "versteckt", reflexive=True),
    "appear": _Verb("tauchen", "taucht", "aufgetaucht", "auf", auxiliary="sein"),
    "dance": _Verb("tanzen", "tanzt", "getanzt"),
    "sleep": _Verb("schlafen", "schläft", "geschlafen"),
    "wait": _Verb("warten", "wartet", "gewartet"),
    "stop": _Verb("halten", "hält", "angehalten", "an"),
    "fall asleep": _Verb("schlafen", "schläft", "eingeschlafen", "ein", auxiliary="sein"),
    "cover": _Verb("verdecken", "verdeckt", "verdeckt"),
    "touch": _Verb("berühren", "berührt", "berührt"),
    "carry": _Verb("tragen", "trägt", "getragen"),
    "follow": _Verb("folgen", "folgt", "gefolgt", auxiliary="sein", case="dat"),
    "watch": _Verb("sehen", "sieht", "angesehen", "an"),
    "attract": _Verb("ziehen", "zieht", "angezogen", "an"),
    "push away": _Verb("schieben", "schiebt", "weggeschoben", "weg"),
    "light up": _Verb("leuchten", "leuchtet", "angeleuchtet", "an"),
    "hold": _Verb("halten", "hält", "festgehalten", "fest"),
    "help": _Verb("helfen", "hilft", "geholfen", case="dat"),
    "admire": _Verb("bewundern", "bewundert", "bewundert"),
    "wake up": _Verb("wecken", "weckt", "aufgeweckt", "auf"),
    "see": _Verb("sehen", "sieht", "gesehen"),
    "look for": _Verb("suchen", "sucht", "gesucht"),
}
_AUXILIARIES = {
    "haben": ("hat", "haben"),
    "sein": ("ist", "sind"),
    "future": ("wird", "werden"),
    "can": ("kann", "können"),
    "must": ("muss", "müssen"),
}
_ADVERBS = {
    "often": "oft", "always": "immer", "sometimes": "manchmal", "slowly": "langsam",
    "quietly": "leise", "gladly": "gern",
}  # fmt: skip
_TIMES = {
    "now": "jetzt", "today": "heute", "in the morning": "am Morgen", "every day": "jeden Tag",
    "at night": "in der Nacht", "in winter": "im Winter", "yesterday": "gestern",
    "last night": "letzte Nacht", "on Sunday": "am Sonntag", "a week ago": "vor einer Woche",
    "tomorrow": "morgen", "soon": "bald", "next year": "nächstes Jahr",
    "this evening": "heute Abend",
}  # fmt: skip
_REPORTS = {
    "I believe": "ich glaube", "we know": "wir wissen", "the child sees": "das Kind sieht",
    "she says": "sie sagt", "everyone thinks": "jeder denkt", "they hope": "sie hoffen",
}  # fmt: skip
_SUBORDINATING = {"because": "weil", "while": "während", "when": "wenn"}
_COORDINATING = {"and": "und", "but": "aber"}


def write(what: scene.Scene) -> str:
    """Returns the sentence of a scene."""
    first, second = what.first, what.second
    if what.frame == "question":
        return _finish(_verb_first(first), "?")
    if what.frame == "report":
        return _finish(f"{_REPORTS[what.opener]}, dass {_verb_last(first)}")
    if what.frame == "pair" and second is not None:
        if what.opener in _COORDINATING:
            joined = f"{_COORDINATING[what.opener]} {_verb_second(second)}"
        else:
            # "when" of what is past is "als".
            past_when = what.opener == "when" and second.tense == "past"
            conjunction = "als" if past_when else _SUBORDINATING[what.opener]
            joined = f"{conjunction} {_verb_last(second)}"
        return _finish(f"{_verb_second(first)}, {joined}")
    if what.frame == "relative" and second is not None:
        pronoun = f"d{_DEFINITE['nom'][_gender(first.subject)]}"
        subject = f"{_nominal(first.subject, 'nom')}, {_verb_last(second, pronoun)},"
        return _finish(_verb_second(first, subject))
    if what.frame == "existence" and first.target is not None:
        both = f"{_nominal(first.subject, 'acc')} und {_nominal(first.target, 'acc')}"
        return _finish(f"es gibt {both} {_place(first)}")
    return _finish(_verb_second(first))


def _verb_second(clause: scene.Clause, subject: str = "") -> str:
    subject = subject or _nominal(clause.subject, "nom")
    finite, closing = _bracket(clause)
    sich = _sich(clause)
    if clause.time:
        opening = f"{_TIMES[clause.time]} {finite} {sich} {subject}"
    else:
        opening = f"{subject} {finite} {sich}"
    return f"{opening} {_middle(clause)} {closing}"


def _verb_first(clause: scene.Clause) -> str:
    finite, closing = _bracket(clause)
    subject, time = _nominal(clause.subject, "nom"), _TIMES.get(clause.time, "")
    return f"{finite} {_sich(clause)} {subject} {time} {_middle(clause)} {closing}"


def _verb_last(clause: scene.Clause, subject: str = "") -> str:
    subject = subject or _nominal(clause.subject, "nom")
    finite, closing = _bracket(clause)
    # A particle grows together with its finite verb: "dass er ihn ansieht".
    end = f"{closing}{finite}" if clause.tense == "present" else f"{closing} {finite}"
    return f"{subject} {_sich(clause)} {_TIMES.get(clause.time, '')} {_middle(clause)} {end}"


def _bracket(clause: scene.Clause) -> tuple[str, str]:
    """Returns the finite part and what closes the clause (perhaps nothing)."""
    verb, plural = _VERBS[clause.verb], clause.subject.plural
    if clause.tense == "present":
        return (verb.infinitive if plural else verb.third), verb.particle
    if clause.tense == "past":
        return _AUXILIARIES[verb.auxiliary][plural], verb.participle
    return _AUXILIARIES[clause.tense][plural], f"{verb.particle}{verb.infinitive}"


def _middle(clause: scene.Clause) -> str:
    target = _nominal(clause.target, _VERBS[clause.verb].case) if clause.target else ""
    return f"{_ADVERBS.get(clause.adverb, '')} {target} {_place(clause)}"


def _sich(clause: scene.Clause) -> str:
    return "sich" if _VERBS[clause.verb].reflexive else ""


def _place(clause: scene.Clause) -> str:
    if clause.landmark is None:
        return ""
    place = f"{_RELATIONS[clause.relation]} {_nominal(clause.landmark, 'dat')}"
    for apart, joined in _CONTRACTIONS.items():
        place = place.replace(f"{apart} ", f"{joined} ", 1)
    return place


def _gender(thing: scene.Thing) -> str:
    return "p" if thing.plural else _NOUNS[thing.shape][1]


def _nominal(thing: scene.Thing, case: str) -> str:
    gender = _gender(thing)
    strong = {"as": "es", "ie": "e"}.get(_DEFINITE[case][gender], _DEFINITE[case][gender])
    weak = "e" if gender != "p" and (case == "nom" or strong in ("e", "es")) else "en"
    if thing.determiner == "the":
        determiner, ending = f"d{_DEFINITE[case][gender]}", weak
    elif thing.determiner == "this":
        determiner, ending = f"dies{strong}", weak
    elif thing.determiner == "a":
        determiner = _INDEFINITE[case][gender]
        # "ein" shows no gender, so the adjective has to.
        ending = strong if determiner == "ein" else weak
    elif thing.determiner == "several":
        determiner, ending = f"mehrer{strong}", strong
    else:
        determiner, ending = _NUMERALS[thing.determiner], strong
    told = [word for word in (thing.size, thing.pattern, thing.colour) if word]
    adjectives = " ".join(f"{_ADJECTIVES[word]}{ending}" for word in told)
    return f"{determiner} {adjectives} {_noun(thing, case)}"


def _noun(thing: scene.Thing, case: str) -> str:
    singular, _, plural = _NOUNS[thing.shape]
    if thing.plural:
        return f"{plural}n" if case == "dat" and not plural.endswith("n") else plural
    return "Herzen" if case == "dat" and singular == "Herz" else singular


def _finish(words: str, stop: str = ".") -> str:
    text = " ".join(words.split()).replace(" ,", ",")
    return text[0].upper() + text[1:] + stop
