"""Labelled bracket F1 of parse trees, counted as EVALB counts it."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from t2t_mm import errors
from t2t_mm.evaluation import base, breakdown
from t2t_mm.trees import linear_trees, penn

DELETED = frozenset(("TOP", penn.NONE, ",", ":", "``", "''", "."))
"""What COLLINS.prm deletes: brackets of these labels, words of these tags."""
_EQUAL = {"PRT": "ADVP"}
_TAIL = re.compile("[-=].*")


@dataclasses.dataclass(frozen=True)
class Counts:
    """Brackets of trees over the same words.

    Attributes:
      matched: that both have.
      gold: of the right tree.
      found: of the tree to be judged.
    """

    matched: int = 0
    gold: int = 0
    found: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.matched + other.matched, self.gold + other.gold, self.found + other.found
        )

    @property
    def precision(self) -> float:
        """The share of the brackets found that are right."""
        return base.ratio(self.matched, self.found)

    @property
    def recall(self) -> float:
        """The share of the right brackets that were found."""
        return base.ratio(self.matched, self.gold)

    @property
    def f1(self) -> float:
        """The harmonic mean of the two; NaN where there is no bracket at all."""
        return base.ratio(2 * self.matched, self.gold + self.found)


def compare(gold: penn.Tree, found: penn.Tree) -> Counts:
    """Counts the brackets of two trees over the same words as EVALB does with COLLINS.prm.

    A bracket is a label and the words from its first to its last. It matches one of the
    other tree that is equal, one each: a phrase over the same words twice counts twice.
    Not counted are words and their tags; punctuation, around which brackets are
    moved; brackets that then hold nothing; and `TOP`. ADVP and PRT are the same.

    The tags of the right tree say what is punctuation. EVALB asks each tree for itself,
    and leaves a sentence out in which they differ; where they do not, the counts are
    EVALB's, and where they do, a wrong tag does not take a hard sentence out of the test.

    Raises:
      ValueError: for trees over different numbers of words.
    """
    return sum(by_label(gold, found).values(), Counts())


def by_label(gold: penn.Tree, found: penn.Tree) -> dict[str, Counts]:
    """Counts the brackets of each label, as `compare` does those of all.

    Raises:
      ValueError: for trees over different numbers of words.
    """
    kept = [leaf.label not in DELETED for leaf in gold.leaves()]
    sizes = len(kept), sum(1 for _ in found.leaves())
    if sizes[0] != sizes[1]:
        raise ValueError(f"The trees are over {sizes[0]} and {sizes[1]} words")
    places = list(itertools.accumulate(kept, initial=0))
    of_gold, of_found = (_brackets(tree, places) for tree in (gold, found))
    totals = [collections.Counter[str]() for _ in range(3)]
    for total, counted in zip(totals, (of_gold & of_found, of_gold, of_found), strict=True):
        for (label, *_), count in counted.items():
            total[label] += count
    return {label: Counts(*(total[label] for total in totals)) for label in totals[1] | totals[2]}


class BracketF1(base.Metric):
    """Labelled bracket F1 over all trees together, a fraction of 1.

    Outputs and references are linear trees (`t2t_mm.trees.linear_trees`). An output that is
    not well formed, or not over as many words as the reference, is mended and counted
    in `bracket_repaired`; every sentence counts, whatever was written for it.

    Values: `bracket_f1`, `bracket_precision`, `bracket_recall`; `bracket_complete`, the
    share of sentences whose brackets are all right and no more; `bracket_repaired`, the
    share of outputs that had to be mended.
    """

    name = "bracket_f1"
    higher_is_better = True
    needs = "decodes"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._sum = Counts()
        self._sentences = self._scored = self._complete = self._repaired = 0
        self._repairs: linear_trees.Repairs = collections.Counter()

    def update(self, given: base.Decodes) -> None:
        for tags, gold, found, repairs in _trees(given):
            counts = compare(gold, found)
            self._sum += counts
            self._sentences += 1
            if not DELETED.issuperset(tags):  # EVALB skips a sentence of punctuation alone.
                self._scored += 1
                self._complete += counts.matched == counts.gold == counts.found
            self._repaired += bool(repairs)
            self._repairs += repairs

    def result(self) -> dict[str, float]:
        return {
            self.name: self._sum.f1,
            "bracket_precision": self._sum.precision,
            "bracket_recall": self._sum.recall,
            "bracket_complete": base.ratio(self._complete, self._scored),
            "bracket_repaired": base.ratio(self._repaired, self._sentences),
        }

    def statistics(self, decodes: base.Decodes) -> np.ndarray:
        """Returns twice the brackets matched, and those of both trees, of each: float [N, 2]."""
        counts = [compare(gold, found) for _, gold, found, _ in _trees(decodes)]
        rows = [(2 * own.matched, own.gold + own.found) for own in counts]
        return np.array(rows, np.float64).reshape(-1, 2)

    def breakdowns(self, decodes: base.Decodes) -> list[breakdown.Breakdown]:
        """Returns F1 by label, and by length of the sentence."""
        of_labels: dict[str, Counts] = {}
        words = []
        for tags, gold, found, _ in _trees(decodes):
            words.append(len(tags))
            for label, counts in by_label(gold, found).items():
                of_labels[label] = of_labels.get(label, Counts()) + counts
        labels = sorted(of_labels.items(), key=lambda item: (-item[1].gold, item[0]))
        rows = tuple(
            (label, own.f1, own.precision, own.recall, own.gold)
            for label, own in labels[: breakdown.MOST_ROWS]
        )
        columns = ("label", "F1", "precision", "recall", "brackets")
        by_words = breakdown.by_size(
            "F1 by length",
            words,
            self.statistics(decodes),
            self.value,
            size="words of the sentence",
            name="F1",
        )
        return [breakdown.Breakdown("F1 by label", columns, rows, shown_as="bars"), *by_words]

    def notes(self) -> dict[str, str]:
        """Returns the rules of counting, and how often each repair was made."""
        if not self._sentences:
            return {}
        repairs = ", ".join(f"{count:,} {name}" for name, count in sorted(self._repairs.items()))
        return {
            self.name: "as EVALB with COLLINS.prm; punctuation by the tags of the reference; "
            f"{self._repaired:,} of {self._sentences:,} outputs repaired"
            + (f" ({repairs})" if repairs else "")
        }


def _trees(
    decodes: base.Decodes,
) -> Iterator[tuple[Sequence[str], penn.Tree, penn.Tree, linear_trees.Repairs]]:
    """Yields of each example the tags, the right tree, the tree found, and its repairs."""
    keys: Sequence[str] = decodes.keys or [""] * len(decodes.outputs)
    for output, references, key in zip(decodes.outputs, decodes.references, keys, strict=True):
        tags = linear_trees.tags(references[0])
        gold = _gold(references[0], tags, key)
        # Which words the tree is over is of no consequence here, only how many.
        yield tags, gold, *linear_trees.read(output, tags, known=references[0].split())


def _gold(reference: str, tags: Sequence[str], key: str) -> penn.Tree:
    if tags:
        tree, repairs = linear_trees.read(reference, tags, known=reference.split())
    if not tags or repairs:
        raise errors.DataError(
            f"The target of {key or 'an example'} is not a linear tree",
            received=repr(reference[:80]),
            expected="symbols such as '(S (NP NN )NP (VP VBZ )VP . )S'",
        )
    return tree


def _brackets(tree: penn.Tree, places: Sequence[int]) -> collections.Counter[tuple[str, int, int]]:
    """Returns the brackets that count, each with its label, first and last place.

    Args:
      tree: over all words.
      places: of each boundary between words, once those that do not count are gone.
    """
    found: collections.Counter[tuple[str, int, int]] = collections.Counter()

    def visit(node: penn.Tree, first: int) -> int:
        """Counts what is below and returns the boundary after it."""
        last = first + (node.word is not None)
        for child in node.children:
            last = visit(child, last)
        label = _TAIL.sub("", node.label)
        if node.word is None and places[first] < places[last] and label not in DELETED:
            found[_EQUAL.get(label, label), places[first], places[last]] += 1
        return last

    visit(tree, 0)
    return found
