"""WER: the errors of a transcript, for each word that was said."""

from __future__ import annotations

from typing import Any

from t2t_mm import errors
from t2t_mm.evaluation import base, transcripts


class Wer(base.Metric):
    """Word error rate of the corpus, a fraction of 1 (and over 1 for very long outputs).

        (substitutions + deletions + insertions) / words of the references

    over all utterances together, by the alignment with the fewest errors (jiwer).
    Both sides are compared as `transcripts.normalize` writes them. Where an
    utterance has several acceptable transcripts, the one with the fewest errors
    counts, of equal ones the first. Without any reference word it is NaN.
    """

    name = "wer"
    higher_is_better = False
    needs = "decodes"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        try:
            import jiwer
        except ImportError as error:
            raise errors.ConfigError(
                "The word error rate needs the package jiwer",
                received=error,
                hint="Install what sounds need: pip install 't2t-mm[audio]'",
            ) from error
        self._align = jiwer.process_words
        self._substitutions = 0
        self._deletions = 0
        self._insertions = 0
        self._words = 0

    def update(self, given: base.Decodes) -> None:
        for output, references in zip(given.outputs, given.references, strict=True):
            said = transcripts.normalize(output)
            counts = [self._errors(said, transcripts.normalize(wanted)) for wanted in references]
            nearest = min(counts, key=lambda count: sum(count[:3]))
            self._substitutions += nearest[0]
            self._deletions += nearest[1]
            self._insertions += nearest[2]
            self._words += nearest[3]

    def result(self) -> dict[str, float]:
        wrong = self._substitutions + self._deletions + self._insertions
        return {self.name: base.ratio(wrong, self._words)}

    def notes(self) -> dict[str, str]:
        """Returns the kinds of errors, the normalisation and jiwer's version."""
        if not self._words:
            return {}
        import importlib.metadata

        return {
            self.name: f"{self._substitutions:,} substitutions, {self._deletions:,} deletions, "
            f"{self._insertions:,} insertions, {self._words:,} words; {transcripts.RULE}; "
            f"jiwer {importlib.metadata.version('jiwer')}"
        }

    def _errors(self, said: str, wanted: str) -> tuple[int, int, int, int]:
        """Returns substitutions, deletions, insertions, and the words of the reference."""
        found = self._align(wanted, said)
        words = found.hits + found.substitutions + found.deletions
        return found.substitutions, found.deletions, found.insertions, words
