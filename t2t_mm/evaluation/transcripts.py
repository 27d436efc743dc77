"""Transcripts: the one form in which words that were spoken are written.

Corpora differ in case and punctuation, which nobody can hear. Problems give their
transcripts in this form as targets, and the word error rate compares words in it.
"""

from __future__ import annotations

import re
import unicodedata

RULE = "lower case, punctuation out, apostrophes within words kept"

_APOSTROPHES = str.maketrans({"\N{RIGHT SINGLE QUOTATION MARK}": "'"})
_AT_AN_EDGE = re.compile(r"(?<!\S)'+|'+(?!\S)")
_OF_WORDS = "LMN"
"""What words are made of, by the first letter of its Unicode category: letters, the
marks that some scripts add to them, and numbers."""


def normalize(text: str) -> str:
    """Returns words in lower case with one space between.

    Whatever is neither a letter nor a number parts words ("one-stop" are two),
    except an apostrophe within one: "Don't!" is "don't", and "'tis" is "tis".
    """
    composed = unicodedata.normalize("NFKC", text).lower().translate(_APOSTROPHES)
    bare = "".join(
        c if c == "'" or unicodedata.category(c)[0] in _OF_WORDS else " " for c in composed
    )
    return " ".join(_AT_AN_EDGE.sub(" ", bare).split())
