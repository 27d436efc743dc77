"""WER: the errors of a transcript, for each word that was said."""

from __future__ import annotations

import abc
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from t2t_mm.evaluation import base, breakdown, transcripts
from t2t_mm.modality.language import words
from t2t_mm.process import extras

_NOTHING = "\N{EM DASH}"


class ErrorRate(base.Metric):
    """Errors of all outputs together, for each unit of the references.

        (substitutions + deletions + insertions) / units of the references

    by the alignment with the fewest errors (jiwer). Where an example has several
    references, the one with the fewest errors counts, of equal ones the first.
    """

    higher_is_better = False
    needs = "decodes"
    unit: ClassVar[str]
    """What errors are counted of, in the plural."""

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        what = f"The metric {self.name}"
        self.jiwer: Any = extras.load("jiwer", extra="audio", what=what)
        self._substitutions = 0
        self._deletions = 0
        self._insertions = 0
        self._units = 0

    @abc.abstractmethod
    def written(self, text: str) -> str:
        """Returns a text as it is compared."""

    @abc.abstractmethod
    def align(self, wanted: str, said: str) -> Any:
        """Returns jiwer's alignment of two texts that are `written`."""

    def update(self, given: base.Decodes) -> None:
        for alignment in self._alignments(given):
            self._substitutions += alignment.substitutions
            self._deletions += alignment.deletions
            self._insertions += alignment.insertions
            self._units += _units(alignment)

    def result(self) -> dict[str, float]:
        wrong = self._substitutions + self._deletions + self._insertions
        return {self.name: base.ratio(wrong, self._units)}

    def notes(self) -> dict[str, str]:
        """Returns the kinds of errors, the normalisation and jiwer's version."""
        if not self._units:
            return {}
        import importlib.metadata

        return {
            self.name: f"{self._substitutions:,} substitutions, {self._deletions:,} deletions, "
            f"{self._insertions:,} insertions, {self._units:,} {self.unit}; {self.rule()}; "
            f"jiwer {importlib.metadata.version('jiwer')}"
        }

    def rule(self) -> str:
        """Returns how texts are compared."""
        return transcripts.RULE

    def statistics(self, decodes: base.Decodes) -> np.ndarray:
        """Returns errors and units of each example, then its errors by kind, float [N, 5]."""
        rows = [(_errors(a), _units(a), *_kinds(a)) for a in self._alignments(decodes)]
        return np.array(rows, np.float64).reshape(-1, 5)

    def breakdowns(self, decodes: base.Decodes) -> list[breakdown.Breakdown]:
        """Returns errors by kind, the most frequent ones, and the rate by length."""
        statistics = self.statistics(decodes)
        total = statistics.sum(0)
        kinds = zip(("substitutions", "deletions", "insertions"), total[2:].tolist(), strict=True)
        tables = [
            breakdown.Breakdown(
                f"{self.name.upper()} by kind of error",
                ("kind", f"for each of the {self.unit}", "errors"),
                tuple((kind, base.ratio(count, total[1]), int(count)) for kind, count in kinds),
                f"{int(total[1]):,} {self.unit} in the references",
                shown_as="bars",
            )
        ]
        frequent = Counter(pair for a in self._alignments(decodes) for pair in _wrong(a))
        if frequent:
            rows = [(own, n, said) for (own, said), n in frequent.most_common(breakdown.MOST_ROWS)]
            tables.append(
                breakdown.Breakdown(
                    f"Most frequent errors in {self.unit}",
                    ("reference", "errors", "output"),
                    tuple(rows),
                    "a dash stands for nothing: a deletion, or an insertion",
                    shown_as="bars",
                )
            )
        tables += breakdown.by_size(
            f"{self.name.upper()} by length",
            statistics[:, 1].astype(int).tolist(),
            statistics,
            self.value,
            size=f"{self.unit} of the reference",
            name=self.name,
        )
        return tables

    def _alignments(self, decodes: base.Decodes) -> Iterator[Any]:
        """Yields of each example the alignment to its nearest reference."""
        for output, references in zip(decodes.outputs, decodes.references, strict=True):
            said = self.written(output)
            yield min((self.align(self.written(own), said) for own in references), key=_errors)


def _kinds(alignment: Any) -> tuple[int, int, int]:
    return alignment.substitutions, alignment.deletions, alignment.insertions


def _errors(alignment: Any) -> int:
    return sum(_kinds(alignment))


def _units(alignment: Any) -> int:
    """Returns the units of the reference."""
    return int(alignment.hits + alignment.substitutions + alignment.deletions)


def _wrong(alignment: Any) -> Iterator[tuple[str, str]]:
    """Yields what was wanted and what was written instead, unit by unit."""
    wanted, said = alignment.references[0], alignment.hypotheses[0]
    for part in alignment.alignments[0]:
        if part.type != "equal":
            own = wanted[part.ref_start_idx : part.ref_end_idx]
            other = said[part.hyp_start_idx : part.hyp_end_idx]
            yield from itertools.zip_longest(own, other, fillvalue=_NOTHING)


class Wer(ErrorRate):
    """Word error rate of the corpus, a fraction of 1 (and over 1 for very long outputs).

    Both sides are compared as `transcripts.normalize` writes them. Of a script that writes
    its words together, such as Chinese, each letter is a word, as in the mixed error rate of
    Chinese with English in it, unless the problem names a tokenizer (`words.spacing`);
    whatever spaces stand between such letters do not count. Without any reference word it
    is NaN.
    """

    name = "wer"
    unit = "words"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._part = words.spacing(task)
        self._parted = 0

    def written(self, text: str) -> str:
        plain = words.close_gaps(transcripts.normalize(text))
        parted = self._part(plain)
        self._parted += parted != plain
        return parted

    def align(self, wanted: str, said: str) -> Any:
        return self.jiwer.process_words(wanted, said)

    def rule(self) -> str:
        if not self._parted:
            return transcripts.RULE
        return f"{transcripts.RULE}; {words.rule(self.task)}"
