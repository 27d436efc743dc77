"""Trees: what English says of a scene, bracketed as in the Penn Treebank.

Each function returns the brackets of a part of the sentence as text, parts that are
not there as nothing, and the whole is parsed at the end. Labels, functions, traces
and attachment follow the treebank: a time or a place belongs to the verb phrase,
an adverb before a finite verb to the sentence.
"""

from __future__ import annotations

import re

from t2t_mm.problems.sample_world import scene
from t2t_mm.trees import penn

_PLURALS = {"cross": "crosses"}
_DETERMINERS = {
    "a": "(DT a)", "the": "(DT the)", "this": "(DT this)", "two": "(CD two)",
    "three": "(CD three)", "four": "(CD four)", "several": "(JJ several)",
}  # fmt: skip
_THIRD = {"carry": "carries", "push": "pushes", "touch": "touches", "watch": "watches"}
_PAST = {
    "lie": "lay", "stand": "stood", "hang": "hung", "shine": "shone", "hide": "hid",
    "sleep": "slept", "stop": "stopped", "fall": "fell", "carry": "carried", "light": "lit",
    "hold": "held", "wake": "woke", "see": "saw",
}  # fmt: skip
_AUXILIARIES = {"future": "(MD will)", "can": "(MD can)", "must": "(MD must)"}
_PARTICLES = {"away": "(PRT (RP away))", "up": "(PRT (RP up))", "asleep": "(ADJP-PRD (JJ asleep))"}
_ADVERBS = {
    "often": "(ADVP-TMP (RB often))", "always": "(ADVP-TMP (RB always))",
    "sometimes": "(ADVP-TMP (RB sometimes))", "slowly": "(ADVP-MNR (RB slowly))",
    "quietly": "(ADVP-MNR (RB quietly))", "gladly": "(ADVP-MNR (RB gladly))",
}  # fmt: skip
_RELATIONS = {
    "above": "(PP-LOC (IN above) {})",
    "below": "(PP-LOC (IN below) {})",
    "behind": "(PP-LOC (IN behind) {})",
    "in front of": "(PP-LOC (IN in) (NP (NP (NN front)) (PP (IN of) {})))",
    "next to": "(ADJP-LOC (JJ next) (PP (TO to) {}))",
    "near": "(PP-LOC (IN near) {})",
    "to the left of": "(PP-LOC (TO to) (NP (NP (DT the) (NN left)) (PP (IN of) {})))",
    "to the right of": "(PP-LOC (TO to) (NP (NP (DT the) (NN right)) (PP (IN of) {})))",
}
_TIMES = {
    "": "",
    "now": "(ADVP-TMP (RB now))",
    "today": "(NP-TMP (NN today))",
    "in the morning": "(PP-TMP (IN in) (NP (DT the) (NN morning)))",
    "every day": "(NP-TMP (DT every) (NN day))",
    "at night": "(PP-TMP (IN at) (NP (NN night)))",
    "in winter": "(PP-TMP (IN in) (NP (NN winter)))",
    "yesterday": "(NP-TMP (NN yesterday))",
    "last night": "(NP-TMP (JJ last) (NN night))",
    "on Sunday": "(PP-TMP (IN on) (NP (NNP Sunday)))",
    "a week ago": "(ADVP-TMP (NP (DT a) (NN week)) (RB ago))",
    "tomorrow": "(NP-TMP (NN tomorrow))",
    "soon": "(ADVP-TMP (RB soon))",
    "next year": "(NP-TMP (JJ next) (NN year))",
    "this evening": "(NP-TMP (DT this) (NN evening))",
}
_REPORTS = {
    "I believe": ("(NP-SBJ (PRP I))", "(VBP believe)"),
    "we know": ("(NP-SBJ (PRP we))", "(VBP know)"),
    "the child sees": ("(NP-SBJ (DT the) (NN child))", "(VBZ sees)"),
    "she says": ("(NP-SBJ (PRP she))", "(VBZ says)"),
    "everyone thinks": ("(NP-SBJ (NN everyone))", "(VBZ thinks)"),
    "they hope": ("(NP-SBJ (PRP they))", "(VBP hope)"),
}
_TRACE = "(-NONE- *T*-1)"
_LEAF = re.compile(r"\((\S+) ([^()\s]+)\)")


def tree(what: scene.Scene) -> penn.Tree:
    """Returns the tree of a scene's sentence, with functions and traces."""
    found = penn.parse(_sentence(what))
    return found.with_words(_spelled(found.words))


def words(what: scene.Scene) -> list[str]:
    """Returns the words of the tree, without building it, which takes most of the time."""
    leaves = _LEAF.findall(_sentence(what))
    return _spelled([word for tag, word in leaves if tag != penn.NONE])


def _sentence(what: scene.Scene) -> str:
    first, second = what.first, what.second
    if what.frame == "question":
        return _question(first)
    if what.frame == "report":
        subject, verb = _REPORTS[what.opener]
        said = f"(SBAR (IN that) {_clause(first)})"
        return f"(S {subject} (VP {verb} {said}) (. .))"
    if what.frame == "pair" and second is not None:
        return _pair(first, what.opener, second)
    if what.frame == "relative" and second is not None:
        aside = f"(S (NP-SBJ {_TRACE}) {_predicate(second)})"
        aside = f"(SBAR (WHNP-1 (WDT that)) {aside})"
        subject = f"(NP-SBJ {_nominal(first.subject)} {aside})"
        return f"(S {subject} {_predicate(first)} (. .))"
    if what.frame == "existence" and first.target is not None:
        be = "(VBP are)" if first.subject.plural else "(VBZ is)"
        both = f"(NP-PRD {_nominal(first.subject)} (CC and) {_nominal(first.target)})"
        return f"(S (NP-SBJ (EX there)) (VP {be} {both} {_place(first)}) (. .))"
    return f"(S {_nominal(first.subject, '-SBJ')} {_predicate(first)} (. .))"


def _pair(first: scene.Clause, opener: str, second: scene.Clause) -> str:
    if opener in ("and", "but"):
        return f"(S {_clause(first)} (, ,) (CC {opener}) {_clause(second)} (. .))"
    if opener == "when":
        when = _clause(second, closing=f"(ADVP-TMP {_TRACE})")
        joined = f"(SBAR-TMP (WHADVP-1 (WRB when)) {when})"
    else:
        function = {"because": "-PRP", "while": "-TMP"}[opener]
        joined = f"(SBAR{function} (IN {opener}) {_clause(second)})"
    return f"(S {_nominal(first.subject, '-SBJ')} {_predicate(first, joined)} (. .))"


def _question(clause: scene.Clause) -> str:
    does = "(VBP do)" if clause.subject.plural else "(VBZ does)"
    auxiliary = {**_AUXILIARIES, "present": does, "past": "(VBD did)"}[clause.tense]
    asked = f"{_nominal(clause.subject, '-SBJ')} {_ADVERBS.get(clause.adverb, '')}"
    return f"(SQ {auxiliary} {asked} {_verb_phrase(clause, 'VB')} (. ?))"


def _clause(clause: scene.Clause, closing: str = "") -> str:
    return f"(S {_nominal(clause.subject, '-SBJ')} {_predicate(clause, closing)})"


def _predicate(clause: scene.Clause, closing: str = "") -> str:
    """All after the subject; `closing` is what ends the verb phrase."""
    adverb = _ADVERBS.get(clause.adverb, "")
    if clause.tense in _AUXILIARIES:
        inner = _verb_phrase(clause, "VB", closing)
        return f"(VP {_AUXILIARIES[clause.tense]} {adverb} {inner})"
    present = "VBP" if clause.subject.plural else "VBZ"
    tag = "VBD" if clause.tense == "past" else present
    return f"{adverb} {_verb_phrase(clause, tag, closing)}"


def _verb_phrase(clause: scene.Clause, tag: str, closing: str = "") -> str:
    stem, *particle = clause.verb.split()
    target = _nominal(clause.target) if clause.target else ""
    if particle == ["for"]:
        target = f"(PP-CLR (IN for) {target})"
    after = "".join(_PARTICLES.get(word, "") for word in particle)
    verb = f"({tag} {_inflected(stem, tag)}) {after} {target}"
    return f"(VP {verb} {_place(clause)} {_TIMES[clause.time]} {closing})"


def _inflected(stem: str, tag: str) -> str:
    if tag == "VBD":
        return _PAST.get(stem) or (f"{stem}d" if stem.endswith("e") else f"{stem}ed")
    return _THIRD.get(stem, f"{stem}s") if tag == "VBZ" else stem


def _place(clause: scene.Clause) -> str:
    if clause.landmark is None:
        return ""
    return _RELATIONS[clause.relation].format(_nominal(clause.landmark))


def _nominal(thing: scene.Thing, function: str = "") -> str:
    determiner = _DETERMINERS[thing.determiner]
    noun = f"(NN {thing.shape})"
    if thing.plural:
        determiner = determiner.replace("this", "these")
        noun = f"(NNS {_PLURALS.get(thing.shape, f'{thing.shape}s')})"
    told = [f"(JJ {word})" for word in (thing.size, thing.pattern, thing.colour) if word]
    return f"(NP{function} {determiner} {' '.join(told)} {noun})"


def _spelled(words: list[str]) -> list[str]:
    """Puts "an" before vowels and a capital at the beginning."""
    spelled = [
        "an" if word == "a" and after[:1] in tuple("aeiou") else word
        for word, after in zip(words, [*words[1:], ""], strict=True)
    ]
    return [spelled[0][0].upper() + spelled[0][1:], *spelled[1:]]
