"""Corruptions of texts: of letters, as typists and forgers make them, and of words.

    strength            1      2      3      4      5
    typos             .02    .04    .08    .12    .20   share of letters hit beside their key
    swapped_letters   .10    .20    .40    .60    .80   share of words with two letters swapped
    homoglyphs        .02    .05    .10    .20    .30   share of letters that look the same only
    case              .10    .25    .50    .75   1.00   share of words as with caps lock on
    dropped_words     .05    .10    .15    .20    .30   share of words left out
    swapped_words     .05    .10    .20    .30    .50   share of words that change places

Kinds of Belinkov and Bisk 2018 ("Synthetic and Natural Noise Both Break Neural Machine
Translation": keyboard typos, swapped inner letters), Rychalska et al. 2019 (words) and Boucher et
al. 2022 ("Bad Characters": homoglyphs, from Unicode's confusables). A share is of what can be
hit, at random: typos of letters on a Latin or Russian keyboard, swaps of words of four letters or
more. In scripts without spaces each sign counts as a word. A text never becomes empty.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np

from t2t_mm.modality import corruption
from t2t_mm.modality.language import words

SHARES: dict[str, tuple[float, ...]] = {
    "typos": (0.02, 0.04, 0.08, 0.12, 0.2),
    "swapped_letters": (0.1, 0.2, 0.4, 0.6, 0.8),
    "homoglyphs": (0.02, 0.05, 0.1, 0.2, 0.3),
    "case": (0.1, 0.25, 0.5, 0.75, 1.0),
    "dropped_words": (0.05, 0.1, 0.15, 0.2, 0.3),
    "swapped_words": (0.05, 0.1, 0.2, 0.3, 0.5),
}
"""By kind, at strengths 1 to 5."""

Change = Callable[[str, float, np.random.Generator], str]
"""A text, the share that is changed, and random numbers to a text."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm"), ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
"""Of keyboards; a row is half a key, or a bit less, to the right of the one above."""

_LOOK_ALIKES = {
    "a": "а", "c": "с", "e": "е", "i": "і", "j": "ј", "o": "о", "p": "р", "s": "ѕ", "x": "х",  # noqa: RUF001
    "y": "у", "A": "А", "B": "В", "C": "С", "E": "Е", "H": "Н", "I": "І", "J": "Ј", "K": "К",  # noqa: RUF001
    "M": "М", "N": "Ν", "O": "О", "P": "Р", "S": "Ѕ", "T": "Т", "X": "Х", "Y": "Υ", "Z": "Ζ",  # noqa: RUF001
}  # fmt: skip
HOMOGLYPHS = {**_LOOK_ALIKES, **{other: own for own, other in _LOOK_ALIKES.items()}}
"""Latin letters to Cyrillic or Greek ones, and the other way round (Unicode TR 39)."""

_SHORTEST_SWAPPED = 4


def corruptions() -> tuple[corruption.Corruption, ...]:
    """Returns the corruptions of texts."""
    return tuple(
        corruption.Corruption(kind, family, functools.partial(_apply, change, SHARES[kind]))
        for kind, (family, change) in _KINDS.items()
    )


def _apply(
    change: Change, shares: tuple[float, ...], data: bytes, strength: int, rng: np.random.Generator
) -> bytes:
    return change(data.decode("utf-8"), shares[strength - 1], rng).encode("utf-8")


@functools.cache
def neighbours() -> dict[str, str]:
    """Returns, for each letter of a keyboard, the letters on the keys around it."""
    found: dict[str, str] = {}
    for keyboard in _ROWS:
        places = {
            letter: (row, column + 0.5 * row)
            for row, letters in enumerate(keyboard)
            for column, letter in enumerate(letters)
        }
        for letter, (row, column) in places.items():
            near = [
                other
                for other, (its_row, its_column) in places.items()
                if other != letter and abs(its_row - row) <= 1 and abs(its_column - column) <= 1
            ]
            found[letter] = "".join(near)
            found[letter.upper()] = "".join(near).upper()
    return found


def _typos(text: str, share: float, rng: np.random.Generator) -> str:
    return _replaced(text, neighbours(), share, rng)


def _homoglyphs(text: str, share: float, rng: np.random.Generator) -> str:
    return _replaced(text, HOMOGLYPHS, share, rng)


def _replaced(text: str, others: dict[str, str], share: float, rng: np.random.Generator) -> str:
    """Replaces a share of the letters that have `others` by one of these."""
    hit, which = rng.random(len(text)) < share, rng.random(len(text))
    return "".join(
        others[letter][int(draw * len(others[letter]))] if is_hit and letter in others else letter
        for letter, is_hit, draw in zip(text, hit, which, strict=True)
    )


def _swapped_letters(text: str, share: float, rng: np.random.Generator) -> str:
    """Swaps two neighbours within words; their first and last letters stay."""

    def swapped(word: str) -> str:
        if len(word) < _SHORTEST_SWAPPED or rng.random() >= share:
            return word
        place = int(rng.integers(1, len(word) - 2))
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

    return words.WORD.sub(lambda found: swapped(found[0]), text)


def _case(text: str, share: float, rng: np.random.Generator) -> str:
    return words.WORD.sub(
        lambda found: found[0].swapcase() if rng.random() < share else found[0], text
    )


def _dropped_words(text: str, share: float, rng: np.random.Generator) -> str:
    """Leaves out words, with the space behind them; one word stays at least."""
    found = list(words.WORD.finditer(text))
    kept = rng.random(len(found)) >= share
    if not found:
        return text
    if not kept.any():
        kept[int(rng.integers(len(found)))] = True
    starts = [0, *(word.start() for word in found[1:]), len(text)]
    parts = [text[start:stop] for start, stop in itertools.pairwise(starts)]
    left = "".join(part for part, is_kept in zip(parts, kept, strict=True) if is_kept)
    return left if kept[-1] else left.rstrip()


def _swapped_words(text: str, share: float, rng: np.random.Generator) -> str:
    """Swaps neighbours, from left to right, so that `share` of the words have moved."""
    found = list(words.WORD.finditer(text))
    order = [word[0] for word in found]
    place = 0
    while place + 1 < len(order):
        # Of n words with swaps at rate r a share of 2 r / (1 + r) moves.
        if rng.random() < share / (2 - share):
            order[place], order[place + 1] = order[place + 1], order[place]
            place += 1
        place += 1
    others = iter(order)
    return words.WORD.sub(lambda _: next(others), text)


_KINDS: dict[str, tuple[str, Change]] = {
    "typos": ("letters", _typos),
    "swapped_letters": ("letters", _swapped_letters),
    "homoglyphs": ("letters", _homoglyphs),
    "case": ("letters", _case),
    "dropped_words": ("words", _dropped_words),
    "swapped_words": ("words", _swapped_words),
}
