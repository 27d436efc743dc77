"""CER: the character error rate of transcripts."""

from __future__ import annotations

from typing import Any

from t2t_mm.evaluation import transcripts, wer
from t2t_mm.modality.language import words


class Cer(wer.ErrorRate):
    """Character error rate of the corpus, a fraction of 1 (and over 1 for very long outputs).

    The measure for languages that write their words together, and for words that are nearly
    right. Both sides are compared as `transcripts.normalize` writes them: the space between
    two words is a character, but between letters of a script that needs none it is left out.
    """

    name = "cer"
    unit = "characters"

    def written(self, text: str) -> str:
        return words.close_gaps(transcripts.normalize(text))

    def align(self, wanted: str, said: str) -> Any:
        return self.jiwer.process_characters(wanted, said)
