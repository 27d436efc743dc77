"""Caption BLEU: BLEU-4 as the COCO caption evaluation computes it.

It differs from `bleu` in what it compares: words in lower case without punctuation. The
length of the references is, for each caption, that of the nearest one, of two equally
near the shorter. Figures in papers on captions are these, mostly times 100.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from t2t_mm.evaluation import base, breakdown, captions
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
        self._sums = np.zeros(2 * captions.LONGEST + 2)

    def update(self, given: base.Decodes) -> None:
        self._sums += self.statistics(given).sum(0)

    def result(self) -> dict[str, float]:
        return {self.name: float(self.value(self._sums))}

    def statistics(self, decodes: base.Decodes) -> np.ndarray:
        """Returns of each example the n-grams that match, all n-grams, and two lengths.

        Float [N, 10]: matches of 1 to 4 words, n-grams of 1 to 4 words, words written, words
        of the nearest reference.
        """
        rows = []
        for output, references in zip(decodes.outputs, decodes.references, strict=True):
            text = captions.words(self._part(output))
            texts = [captions.words(self._part(reference)) for reference in references]
            nearest = min((abs(len(other) - len(text)), len(other)) for other in texts)
            most: Counter[captions.Ngram] = Counter()
            for other in texts:
                most |= captions.ngrams(other)
            hits = [0] * captions.LONGEST
            for ngram, count in captions.ngrams(text).items():
                hits[len(ngram) - 1] += min(count, most[ngram])
            totals = [max(0, len(text) - place) for place in range(captions.LONGEST)]
            rows.append((*hits, *totals, len(text), nearest[1]))
        return np.array(rows, np.float64).reshape(-1, len(self._sums))

    def value(self, sums: np.ndarray) -> np.ndarray:
        hits = sums[..., : captions.LONGEST]
        totals = sums[..., captions.LONGEST : 2 * captions.LONGEST]
        length, wanted = sums[..., -2], sums[..., -1]
        precisions = (hits + _TINY) / (totals + _SMALL)
        mean = precisions.prod(-1) ** (1 / captions.LONGEST)
        ratio = (length + _TINY) / (wanted + _SMALL)
        brevity = np.exp(np.minimum(0.0, 1 - 1 / ratio))
        return np.where(wanted > 0, 100 * mean * brevity, math.nan)

    def breakdowns(self, decodes: base.Decodes) -> list[breakdown.Breakdown]:
        """Returns the value by length."""
        statistics = self.statistics(decodes)
        return breakdown.by_size(
            "Caption BLEU by length",
            statistics[:, -1].astype(int).tolist(),
            statistics,
            self.value,
            size="words of the nearest reference",
            name=self.name,
            decimals=2,
        )

    def notes(self) -> dict[str, str]:
        """Returns how texts are compared."""
        return {self.name: "BLEU-4, lower case, no punctuation, nearest reference length"}
