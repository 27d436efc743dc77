"""Linear trees: constituency trees as a decoder writes them, and back from whatever it wrote.

    (S (NP DT NN )NP (VP VBZ )VP . )S

is the tree of "The star shines .": each phrase opens and closes with its label, a word
is its part-of-speech tag, and the words themselves are left out, for the input has
them. So do Vinyals et al. 2015 (Grammar as a Foreign Language), but for the tags, which
they made all alike: with their tags the answer is the whole tree, and the tags tell
punctuation, which scoring leaves out. Why in this way:

- One token a symbol. `SYMBOLS` (brackets with labels, and tags) are under a hundred and get
  a token each in a vocabulary (`Problem.symbols`), so a tree costs as many steps as it
  has words and, twice, phrases: 62 on average of the Wall Street Journal, whose
  sentences have 24 words. As ordinary text, whose tokens hold either signs or letters,
  the same would be 100 tokens, and 81 without labels at closing brackets.
- A closing bracket has its label, which costs nothing then. After `)NP )PP )VP` it is
  plain where one is; after `) ) )` a net has to count.
- Nothing is lost: a tree comes back as it was, whatever its labels.
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
"""All that linear trees of the Penn Treebank are made of."""
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
    """Returns the tags of a linear tree, one a word."""
    return [symbol for symbol in text.split() if symbol[0] not in "()"]


def read(
    text: str, words: Sequence[str], *, known: Collection[str] = ()
) -> tuple[penn.Tree, Repairs]:
    """Returns a tree over exactly `words`, whatever `text` is, and what had to be mended.

    Symbols are taken from left to right:

    - An unknown tag becomes the usual one of its word; an unknown bracket is dropped.
    - A closing bracket closes the nearest phrase of its label, and with it those inside
      that are still open (their brackets are added); where there is no such phrase, it is
      dropped. So is one that would close the whole tree before the last word.
    - Tags beyond the last word are dropped; words without a tag are added at the end of the
      outermost phrase, with their usual tags.
    - Phrases without a word are dropped; several roots, or none, are put under an S.

    Args:
      text: a linear tree, as far as it is one.
      words: of the sentence, one or more.
      known: symbols that are not unknown, beside `SYMBOLS`.

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
      repairs: what was mended so far.
    """

    def __init__(self, words: Sequence[str], known: Collection[str]) -> None:
        self._words = words
        self._known = known
        self._used = 0
        # Labels and children of the phrases that are open, around them the place of the root.
        self._open: list[tuple[str, list[penn.Tree]]] = [("", [])]
        self.repairs: Repairs = collections.Counter()

    def take(self, symbol: str, *, last: bool) -> None:
        """Takes the next symbol; `last` if none follows."""
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
        """Returns the tree, having closed what is open and added the words that are left."""
        self._close_to(1)
        ((_, found),) = self._open
        if len(found) == 1 and found[0].word is None:
            label, children = found[0].label, list(found[0].children)
        else:
            label, children = "S", found
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
        """Adds the closing brackets of all phrases but `depth`, the root's place included."""
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
