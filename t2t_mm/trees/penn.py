r"""Penn Treebank bracketings: reads, cleans and writes constituency trees.

    ( (S (NP-SBJ-1 (DT The) (NN star) ) (VP (VBZ shines) ) (. .) ))

A tree has an outer bracket without a label. A phrase has a label with functions and
indices after it (`NP-SBJ-1`), a word has its part-of-speech tag, and an empty element the
tag `-NONE-`. Brackets in the text are written `-LRB-` and `-RRB-`, a slash and an asterisk
with a backslash before them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from t2t_mm import errors

NONE = "-NONE-"
"""The tag of empty elements: traces, omitted words, units."""
TOP = "TOP"
"""The label of a tree of several phrases."""
PHRASES = (
    "ADJP", "ADVP", "CONJP", "FRAG", "INTJ", "LST", "NAC", "NP", "NX", "PP", "PRN", "PRT", "QP",
    "RRC", "S", "SBAR", "SBARQ", "SINV", "SQ", TOP, "UCP", "VP", "WHADJP", "WHADVP", "WHNP",
    "WHPP", "X",
)  # fmt: skip
"""The labels of the Penn Treebank."""
TAGS = (
    "#", "$", "''", ",", "-LRB-", "-RRB-", ".", ":", "CC", "CD", "DT", "EX", "FW", "IN", "JJ",
    "JJR", "JJS", "LS", "MD", "NN", "NNP", "NNPS", "NNS", "PDT", "POS", "PRP", "PRP$", "RB",
    "RBR", "RBS", "RP", "SYM", "TO", "UH", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "WDT", "WP",
    "WP$", "WRB", "``",
)  # fmt: skip
"""The tags of the words of the Penn Treebank."""
DEEPEST = 200
"""Maximal depth of brackets; real trees have some 30."""

_OUTER = ("", TOP, "ROOT", "S1")
_BRACKETS = {
    "(": "-LRB-", ")": "-RRB-", "[": "-LSB-", "]": "-RSB-", "{": "-LCB-", "}": "-RCB-",
}  # fmt: skip
_ESCAPES = {escape: character for character, escape in _BRACKETS.items()}
_USUAL = {
    ",": ",", ".": ".", "?": ".", "!": ".", ":": ":", ";": ":", "--": ":", "-": ":", "...": ":",
    "``": "``", "''": "''", "(": "-LRB-", "{": "-LRB-", ")": "-RRB-", "}": "-RRB-", "$": "$",
    "#": "#",
}  # fmt: skip
_PART = re.compile(r"[()]|[^()\s]+")
_LINE_OF_TREE = re.compile(r"^(?=\()", re.MULTILINE)
_BARE = re.compile(r"[^-=|]+(?=[-=|])")


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """A phrase, or a word.

    Attributes:
      label: of a phrase, or the tag of a word.
      children: of a phrase, one or more; a word has none.
      word: None for a phrase.
    """

    label: str
    children: tuple[Tree, ...] = ()
    word: str | None = None

    def leaves(self) -> Iterator[Tree]:
        """Yields the words with their tags from left to right, empty elements included."""
        if self.word is not None:
            yield self
        for child in self.children:
            yield from child.leaves()

    @property
    def words(self) -> list[str]:
        """The words, without empty elements."""
        return [leaf.word or "" for leaf in self.leaves() if leaf.label != NONE]

    def with_words(self, words: Iterable[str]) -> Tree:
        """Returns the tree over other words, as many as in `words`."""
        return self._over(iter(words))

    def _over(self, words: Iterator[str]) -> Tree:
        if self.word is None:
            children = tuple(child._over(words) for child in self.children)
            return dataclasses.replace(self, children=children)
        return self if self.label == NONE else dataclasses.replace(self, word=next(words))


def read(text: str, name: str) -> list[Tree | errors.BadExampleError]:
    """Returns the trees of a file, whatever its line breaks.

    If brackets do not match, a line that begins with a bracket is taken for the beginning
    of a tree, so that one broken tree does not spoil the others.

    Args:
      text: of the file.
      name: of the file, for errors.

    Returns:
      the trees in order; for one that cannot be read, the error.
    """
    chunks = _even(text)
    if chunks is None:
        chunks = [chunk for chunk in _LINE_OF_TREE.split(text) if chunk.strip()]
    trees: list[Tree | errors.BadExampleError] = []
    for number, chunk in enumerate(chunks, start=1):
        try:
            trees.append(parse(chunk))
        except ValueError as error:
            trees.append(
                errors.BadExampleError(
                    f"A tree cannot be read: tree {number:,} of {name}",
                    received=str(error),
                    expected="balanced brackets, in each a label and then a word or brackets",
                )
            )
    return trees


def parse(text: str) -> Tree:
    """Returns the tree of a text with one tree.

    Raises:
      ValueError: for anything else, with the reason.
    """
    whole: list[Tree] = []
    inside: list[_Bracket] = []
    for part in _PART.findall(text):
        if part == "(":
            if len(inside) == DEEPEST:
                raise ValueError(f"more than {DEEPEST} brackets inside each other")
            inside.append(_Bracket([], []))
        elif part == ")":
            if not inside:
                raise ValueError("a closing bracket too many")
            bracket = inside.pop()
            outer = inside[-1].children if inside else whole
            outer.append(bracket.tree(outermost=not inside))
        elif not inside:
            raise ValueError(f"{part!r} outside all brackets")
        elif inside[-1].children:
            raise ValueError(f"{part!r} beside brackets")
        else:
            inside[-1].atoms.append(part)
    if inside:
        raise ValueError("an opening bracket too many")
    if len(whole) != 1:
        raise ValueError(f"{len(whole)} trees" if whole else "no tree")
    return whole[0]


def clean(tree: Tree) -> Tree | None:
    """Returns the tree in the form that parsers are trained and scored on; None if empty.

    That is without the outer bracket, without functions and indices of labels, and without
    empty elements and the phrases that hold only these.
    """
    spoken = _spoken(tree)
    if spoken is None:
        return None
    while spoken.label in _OUTER and len(spoken.children) == 1 and spoken.children[0].word is None:
        spoken = spoken.children[0]
    if spoken.word is not None:
        return Tree(TOP, (spoken,))
    return dataclasses.replace(spoken, label=spoken.label or TOP)


def write(tree: Tree) -> str:
    """Returns the bracketing on one line, without an outer bracket; `parse` inverts it.

    Raises:
      ValueError: for a word that is empty or holds white space.
    """
    if tree.word is None:
        return f"({tree.label} {' '.join(write(child) for child in tree.children)})"
    if len(tree.word.split()) != 1:
        raise ValueError(f"{tree.word!r} is not one word")
    return f"({tree.label} {tree.word if tree.label == NONE else _escape(tree.word)})"


def lay_out(tree: Tree) -> str:
    """Returns the bracketing on several lines, with the outer bracket, as in `.mrg` files."""
    return f"( {_laid_out(tree, 4)})\n"


def usual_tag(word: str) -> str:
    """Returns the likeliest tag of a word: that of the punctuation mark, else of a noun."""
    return _USUAL.get(word, "NN")


@dataclasses.dataclass(slots=True)
class _Bracket:
    """A bracket that is being read."""

    atoms: list[str]
    children: list[Tree]

    def tree(self, *, outermost: bool) -> Tree:
        if not self.children:
            if len(self.atoms) != 2:
                raise ValueError(f"the bracket ({' '.join(self.atoms)[:80]})")
            tag, word = self.atoms
            return Tree(tag, word=word if tag == NONE else _unescape(word))
        if len(self.atoms) > 1 or not (self.atoms or outermost):
            raise ValueError(f"a phrase with {len(self.atoms)} labels")
        return Tree("".join(self.atoms), tuple(self.children))


def _even(text: str) -> list[str] | None:
    """Splits a text into its outermost brackets; None if they do not match."""
    chunks = []
    depth = start = 0
    before = ""
    for match in _PART.finditer(text):
        part = match[0]
        if part == "(":
            if depth == 0:
                start = match.start()
            elif depth > 1 and before == "(":
                return None  # Only an outermost bracket has no label, so another tree begins here.
            depth += 1
        elif part == ")":
            depth -= 1
            if depth == 0:
                chunks.append(text[start : match.end()])
        if depth < 0 or (depth == 0 and part != ")"):
            return None
        before = part
    return chunks if depth == 0 else None


def _spoken(tree: Tree) -> Tree | None:
    bare = _BARE.match(tree.label)
    label = bare[0] if bare else tree.label
    if tree.word is not None:
        return None if tree.label == NONE else dataclasses.replace(tree, label=label)
    children = tuple(kept for child in tree.children if (kept := _spoken(child)) is not None)
    return Tree(label, children) if children else None


def _laid_out(tree: Tree, indent: int) -> str:
    if all(child.word is not None for child in tree.children):
        return write(tree)
    children = "".join(f"\n{' ' * indent}{_laid_out(child, indent + 2)}" for child in tree.children)
    return f"({tree.label} {children})"


def _escape(word: str) -> str:
    word = word.replace("/", r"\/").replace("*", r"\*")
    return "".join(_BRACKETS.get(character, character) for character in word)


def _unescape(word: str) -> str:
    return _ESCAPES.get(word, word).replace(r"\/", "/").replace(r"\*", "*")
