"""Captions as words: what the COCO caption evaluation compares, without its Java.

The evaluation of COCO captions (Chen et al. 2015) runs Stanford's PTBTokenizer: lower
case, the conventions of the Penn Treebank (`it's` is `it 's`, `don't` is `do n't`,
`cannot` is `can not`), then drops what is punctuation. This module follows it by a few
patterns, to the same words in all but 1 of 25,629 captions of COCO 2017. They differ
where a period belongs to an abbreviation that they do not know ("KY."), in addresses of
the web, and in letters and marks beyond Latin-1: a letter here keeps the marks that belong to
it, as the vowels of Hindi do.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

Ngram = tuple[str, ...]

LONGEST = 4
"""The longest n-gram that is compared."""

_PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u00b4": "'", "\u201c": '"', "\u201d": '"'})
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
"""The evaluation looks for them in upper case, after lower-casing: so they stay words."""

_ABBREVIATION = (
    r"[a-z](?:\.[a-z])+\b\.?|"
    r"(?:mrs?|ms|dr|ste?|jr|sr|vs|mt|ft|ave|blvd|rd|gen|lt|col|sgt|capt|rev|inc|corp|ltd)\."
)
_INITIAL = r"(?<!\w)(?-i:[A-HJ-Z])\.(?=\s+\S)"
_NUMBER = r"\d+(?:[.,:]\d+)+"
_MARKS = "".join(c for c in map(chr, range(0x300, 0xABFF)) if unicodedata.category(c)[0] == "M")
_LETTERS = rf"(?:[^\W_][{_MARKS}]*)+"
_WORD = rf"{_LETTERS}(?:[-_/&.']{_LETTERS})*"
_CLITIC = r"'(?:s|m|d|re|ve|ll)(?![^\W_])"
_SIGN = r"[&$%#@+=*~^|<>\\/\u00a3\u20ac\u00b0\u00bd\u00bc\u00be()\[\]{}]"
_TOKEN = re.compile(
    f"{_ABBREVIATION}|{_INITIAL}|{_NUMBER}|{_CLITIC}|{_WORD}|{_SIGN}", re.IGNORECASE
)

_NEGATION = re.compile(r"(.+)(n't)")
_ENDING = re.compile(r"(.+)('(?:s|m|d|re|ve|ll))")
_JOINED = {
    "cannot": ("can", "not"), "gonna": ("gon", "na"), "gotta": ("got", "ta"),
    "wanna": ("wan", "na"), "gimme": ("gim", "me"), "lemme": ("lem", "me"),
}  # fmt: skip


def words(caption: str) -> list[str]:
    """Returns the words of a caption, in lower case and without punctuation."""
    tokens: list[str] = []
    plain = unicodedata.normalize("NFC", caption).translate(_PLAIN)
    for token in map(str.lower, _TOKEN.findall(plain)):
        if token in _BRACKETS:
            tokens.append(_BRACKETS[token])
        elif token in _JOINED:
            tokens.extend(_JOINED[token])
        elif split := _NEGATION.fullmatch(token) or _ENDING.fullmatch(token):
            tokens.extend(split.groups())
        else:
            tokens.append(token)
    return tokens


def ngrams(text: Sequence[str]) -> Counter[Ngram]:
    """Counts the n-grams of 1 to `LONGEST` words."""
    return Counter(
        tuple(text[start : start + n])
        for n in range(1, LONGEST + 1)
        for start in range(len(text) - n + 1)
    )


def all_ngrams(captions: Iterable[str]) -> list[Counter[Ngram]]:
    """Returns the counts of each of several captions."""
    return [ngrams(words(caption)) for caption in captions]
