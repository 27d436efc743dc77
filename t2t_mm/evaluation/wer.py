"""WER: the errors of a transcript, for each word that was said."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

from t2t_mm.evaluation import base, transcripts
from t2t_mm.modality.language import words
from t2t_mm.process import extras


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
        for output, references in zip(given.outputs, given.references, strict=True):
            said = self.written(output)
            counts = [self._errors(self.written(reference), said) for reference in references]
            nearest = min(counts, key=lambda count: sum(count[:3]))
            self._substitutions += nearest[0]
            self._deletions += nearest[1]
            self._insertions += nearest[2]
            self._units += nearest[3]

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

    def _errors(self, wanted: str, said: str) -> tuple[int, int, int, int]:
        """Returns substitutions, deletions, insertions, and the units of the reference."""
        found = self.align(wanted, said)
        units = found.hits + found.substitutions + found.deletions
        return found.substitutions, found.deletions, found.insertions, units


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
