"""Caption BLEU: BLEU-4 as the COCO caption evaluation computes it.

It differs from `bleu` in what it compares: words in lower case without punctuation. The
length of the references is, for each caption, that of the nearest one, of two equally
near the shorter. Figures in papers on captions are these, mostly times 100.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from t2t_mm.evaluation import base, captions
from t2t_mm.modality.language import words

_TINY, _SMALL = 1e-15, 1e-9
"""What the evaluation adds to counts and to totals, so that none of them is 0."""


class CaptionBleu(base.Metric):
    """Corpus BLEU-4 of captions with several references, 0 to 100.

    Captions are compared as `captions.words` cuts them, each letter of a script without
    spaces as a word (or as `Problem.metric_tokenizer` says; see `words.spacing`).
    """

    name = "caption_bleu"
    higher_is_better = True
    needs = "decodes"
    decimals = 2

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._part = words.spacing(task)
        self._hits = [0] * captions.LONGEST
        self._totals = [0] * captions.LONGEST
        self._length = 0
        self._wanted_length = 0

    def update(self, given: base.Decodes) -> None:
        for output, references in zip(given.outputs, given.references, strict=True):
            text = captions.words(self._part(output))
            texts = [captions.words(self._part(reference)) for reference in references]
            self._length += len(text)
            nearest = min((abs(len(other) - len(text)), len(other)) for other in texts)
            self._wanted_length += nearest[1]
            most: Counter[captions.Ngram] = Counter()
            for other in texts:
                most |= captions.ngrams(other)
            for ngram, count in captions.ngrams(text).items():
                self._hits[len(ngram) - 1] += min(count, most[ngram])
            for place in range(captions.LONGEST):
                self._totals[place] += max(0, len(text) - place)

    def result(self) -> dict[str, float]:
        if not self._wanted_length:
            return {self.name: base.ratio(0, 0)}
        precisions = [
            (hits + _TINY) / (total + _SMALL)
            for hits, total in zip(self._hits, self._totals, strict=True)
        ]
        mean = math.prod(precisions) ** (1 / captions.LONGEST)
        ratio = (self._length + _TINY) / (self._wanted_length + _SMALL)
        brevity = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
        return {self.name: 100 * mean * brevity}

    def notes(self) -> dict[str, str]:
        """Returns how texts are compared."""
        return {self.name: "BLEU-4, lower case, no punctuation, nearest reference length"}
