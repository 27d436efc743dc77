"""Linearised constituency trees, as decoder outputs, and the trees of arbitrary outputs.

    (S (NP DT NN )NP (VP VBZ )VP . )S

is the tree of "The star shines .": each phrase opens and closes with its label, a word is
replaced by its part-of-speech tag, and the input has the words. This follows Vinyals et al.
2015 (Grammar as a Foreign Language), except that they normalise all tags to one. With tags
the output is the whole tree, and they mark punctuation, which scoring leaves out.

- One token for each symbol. `SYMBOLS` (labelled brackets, and tags) are fewer than a hundred
  and become tokens of a vocabulary (`Problem.symbols`). So a tree takes a token for each
  word and two for each phrase: 62 on average in the Wall Street Journal, whose sentences
  have 24 words. As ordinary text, whose tokens hold either signs or letters, it would be
  100 tokens, or 81 without labels at closing brackets.
- Closing brackets are labelled, which costs no token. After `)NP )PP )VP` the position in
  the tree is clear; after `) ) )` a net has to count.
- The tree can be restored exactly, whatever its labels.
"""

from __future__ import annotations

import collections
from collections.abc import Collection, Sequence

from t2t_mm.trees import penn

SYMBOLS = (
    *(f"({label}" for label in penn.PHRASES),
    *(f"){label}" for label in penn.PHRASES),
    *penn.TAGS,
)
"""All symbols of linearised trees of the Penn Treebank."""
_KNOWN = frozenset(SYMBOLS)

Repairs = collections.Counter[str]
"""How often each kind of repair was made; empty for a well-formed tree."""

BRACKETS_ADDED = "brackets added"
BRACKETS_DROPPED = "brackets dropped"
WORDS_ADDED = "words added"
WORDS_DROPPED = "words dropped"
UNKNOWN = "unknown symbols"
EMPTY = "empty phrases dropped"
ROOTED = "roots made"


def write(tree: penn.Tree) -> str:
    """Returns the linear form of a cleaned tree."""
    return " ".join(_symbols(tree))


def tags(text: str) -> list[str]:
    """Returns the tags of a linear tree, one for each word."""
    return [symbol for symbol in text.split() if symbol[0] not in "()"]


def read(
    text: str, words: Sequence[str], *, known: Collection[str] = ()
) -> tuple[penn.Tree, Repairs]:
    """Returns a tree over exactly `words`, whatever `text` is, and the repairs.

    Symbols are read from left to right:

    - An unknown tag is replaced by the usual one of its word; an unknown bracket is dropped.
    - A closing bracket closes the nearest open phrase of its label, and all open phrases
      inside it. Without such a phrase it is dropped, and also if it would close the whole
      tree before the last word.
    - Tags after the last word are dropped; words without a tag are added at the end of the
      outermost phrase, with their usual tags.
    - Phrases without a word are dropped; several roots, or none, are put under an S.

    Args:
      text: a linear tree, possibly malformed.
      words: of the sentence, one or more.
      known: known symbols, in addition to `SYMBOLS`.

    Raises:
      ValueError: for no words.
    """
    if not words:
        raise ValueError("A tree needs a word")
    mending = _Mending(words, _KNOWN.union(known))
    symbols = text.split()
    for place, symbol in enumerate(symbols, start=1):
        mending.take(symbol, last=place == len(symbols))
    return mending.finish(), mending.repairs


class _Mending:
    """Builds a tree symbol by symbol.

    Attributes:
      repairs: the repairs so far.
    """

    def __init__(self, words: Sequence[str], known: Collection[str]) -> None:
        self._words = words
        self._known = known
        self._used = 0
        # Labels and children of open phrases; the first entry collects roots.
        self._open: list[tuple[str, list[penn.Tree]]] = [("", [])]
        self.repairs: Repairs = collections.Counter()

    def take(self, symbol: str, *, last: bool) -> None:
        """Reads the next symbol; `last` if none follows."""
        label = symbol[1:]
        if symbol[0] not in "()":
            self._word(symbol)
        elif symbol not in self._known:
            self.repairs[UNKNOWN] += 1
        elif symbol[0] == ")":
            self._close(label, last=last)
        elif len(self._open) == penn.DEEPEST:
            self.repairs[BRACKETS_DROPPED] += 1
        else:
            self._open.append((label, []))

    def finish(self) -> penn.Tree:
        """Closes open phrases, adds the remaining words, and returns the tree."""
        self._close_to(1)
        ((_, roots),) = self._open
        if len(roots) == 1 and roots[0].word is None:
            label, children = roots[0].label, list(roots[0].children)
        else:
            label, children = "S", roots
            self.repairs[ROOTED] += 1
        for word in self._words[self._used :]:
            children.append(penn.Tree(penn.usual_tag(word), word=word))
            self.repairs[WORDS_ADDED] += 1
        return penn.Tree(label, tuple(children))

    def _word(self, tag: str) -> None:
        if self._used == len(self._words):
            self.repairs[WORDS_DROPPED] += 1
            return
        word = self._words[self._used]
        self._used += 1
        if tag not in self._known:
            self.repairs[UNKNOWN] += 1
            tag = penn.usual_tag(word)
        self._open[-1][1].append(penn.Tree(tag, word=word))

    def _close(self, label: str, *, last: bool) -> None:
        places = [place for place, (open_label, _) in enumerate(self._open) if place]
        places = [place for place in places if self._open[place][0] == label]
        early = not last and self._used < len(self._words)
        if not places or (places[-1] == 1 and early):
            self.repairs[BRACKETS_DROPPED] += 1
            return
        self._close_to(places[-1] + 1)
        self._end_phrase()

    def _close_to(self, depth: int) -> None:
        """Closes phrases until `depth` entries are open, that of the roots included."""
        while len(self._open) > depth:
            self.repairs[BRACKETS_ADDED] += 1
            self._end_phrase()

    def _end_phrase(self) -> None:
        label, children = self._open.pop()
        if children:
            self._open[-1][1].append(penn.Tree(label, tuple(children)))
        else:
            self.repairs[EMPTY] += 1


def _symbols(tree: penn.Tree) -> list[str]:
    if tree.word is not None:
        return [tree.label]
    inside = [symbol for child in tree.children for symbol in _symbols(child)]
    return [f"({tree.label}", *inside, f"){tree.label}"]
