"""BLEU: sacreBLEU over the corpus, on detokenised text, cased."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm.evaluation import base, breakdown
from t2t_mm.modality.language import words

_ORDERS = 4
"""The longest n-gram that BLEU counts."""


class Bleu(base.Metric):
    """Corpus BLEU, 0 to 100, as sacreBLEU computes it from raw text.

    Text is compared as written: the vocabulary has undone its tokens, and nothing is
    lower-cased. The tokenizer is the one that the problem names
    (`Problem.metric_tokenizer`), else `13a`, sacreBLEU's own; where most of the references
    are in scripts without spaces, `zh` for Chinese and `char` for others. It is part of the
    signature. Where examples have several references, an n-gram may be of any one of them.
    """

    name = "bleu"
    higher_is_better = True
    needs = "decodes"
    decimals = 2

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._declared = words.declared(task)
        self._bleu = words.bleu(self._declared or words.DEFAULT)
        self._said = ""
        self._outputs: list[str] = []
        self._references: list[tuple[str, ...]] = []

    def update(self, given: base.Decodes) -> None:
        self._outputs.extend(given.outputs)
        self._references.extend(given.references)

    def result(self) -> dict[str, float]:
        if not self._outputs:
            return {self.name: base.ratio(0, 0)}
        self._choose(self._references)
        # sacreBLEU wants a list for the first references, one for the second ones, and so
        # on; None stands where an example has fewer than another.
        streams = [list(stream) for stream in itertools.zip_longest(*self._references)]
        score = self._bleu.corpus_score(self._outputs, streams)
        return {self.name: float(score.score)}

    def statistics(self, decodes: base.Decodes) -> np.ndarray:
        """Returns of each example the n-grams that match, all n-grams, and two lengths.

        Float [N, 10]: matches of 1 to 4 words, n-grams of 1 to 4 words, words written, words
        of the reference, all from sacreBLEU's scores.
        """
        self._choose(decodes.references)
        rows = []
        for output, references in zip(decodes.outputs, decodes.references, strict=True):
            # As a corpus of one: of a sentence sacreBLEU would warn that it needs smoothing.
            score = self._bleu.corpus_score([output], [[text] for text in references])
            rows.append((*score.counts, *score.totals, score.sys_len, score.ref_len))
        return np.array(rows, np.float64).reshape(-1, 2 * _ORDERS + 2)

    def value(self, sums: np.ndarray) -> np.ndarray:
        rows = sums.reshape(-1, sums.shape[-1]).astype(int).tolist()
        values = [self._of_counts(row).score if row[-1] else math.nan for row in rows]
        return np.array(values).reshape(sums.shape[:-1])

    def breakdowns(self, decodes: base.Decodes) -> list[breakdown.Breakdown]:
        """Returns the precisions that BLEU is made of, and BLEU by length."""
        statistics = self.statistics(decodes)
        if not len(statistics):
            return []
        score = self._of_counts(statistics.sum(0).astype(int).tolist())
        parts = [
            (f"precision of {n} word{'s' * (n > 1)}", float(p))
            for n, p in enumerate(score.precisions, start=1)
        ]
        note = f"{score.sys_len:,} words for {score.ref_len:,} of the references"
        return [
            breakdown.Breakdown(
                "What BLEU is made of",
                ("part", "value"),
                (*parts, ("brevity penalty, times 100", 100 * float(score.bp))),
                note,
                shown_as="bars",
                decimals=1,
            ),
            *breakdown.by_size(
                "BLEU by length",
                statistics[:, -1].astype(int).tolist(),
                statistics,
                self.value,
                size="words of the reference",
                name="BLEU",
                decimals=2,
            ),
        ]

    def _choose(self, references: Sequence[tuple[str, ...]]) -> None:
        """Takes the tokenizer that fits the references, where the problem names none."""
        found = words.scripts(text for own in references for text in own)
        name = self._declared or words.chosen(found)
        if not self._declared:
            self._bleu = words.bleu(name)
        self._said = words.note(name, found, is_declared=bool(self._declared))

    def _of_counts(self, row: Sequence[int]) -> Any:
        """Returns sacreBLEU's score of sums of `statistics`."""
        return self._bleu.compute_bleu(
            correct=row[:_ORDERS],
            total=row[_ORDERS : 2 * _ORDERS],
            sys_len=row[-2],
            ref_len=row[-1],
            smooth_method=self._bleu.smooth_method,
            smooth_value=self._bleu.smooth_value,
            effective_order=self._bleu.effective_order,
            max_ngram_order=_ORDERS,
        )

    def notes(self) -> dict[str, str]:
        """Returns sacreBLEU's signature, and what must be said of its tokenizer.

        There is one only once `result` was asked for.
        """
        if not self._outputs:
            return {}
        signature = {self.name: str(self._bleu.get_signature())}
        return {**signature, f"{self.name}_tokenizer": self._said} if self._said else signature
