"""BLEU: sacreBLEU over the corpus, on detokenised text, cased."""

from __future__ import annotations

import itertools
from typing import Any

from t2t_mm.evaluation import base


class Bleu(base.Metric):
    """Corpus BLEU, 0 to 100, as sacreBLEU computes it from raw text.

    Text is compared as written: the vocabulary has undone its pieces, nothing is
    lower-cased, and sacreBLEU's own `13a` tokenisation is part of the signature. Where
    examples have several references, an n-gram may be of any one of them.
    """

    name = "bleu"
    higher_is_better = True
    needs = "decodes"
    decimals = 2

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        import sacrebleu

        self._bleu = sacrebleu.BLEU()
        self._outputs: list[str] = []
        self._references: list[tuple[str, ...]] = []

    def update(self, given: base.Decodes) -> None:
        self._outputs.extend(given.outputs)
        self._references.extend(given.references)

    def result(self) -> dict[str, float]:
        if not self._outputs:
            return {self.name: base.ratio(0, 0)}
        # sacreBLEU wants a list for the first references, one for the second ones, and so
        # on; None stands where an example has fewer than another.
        streams = [list(stream) for stream in itertools.zip_longest(*self._references)]
        score = self._bleu.corpus_score(self._outputs, streams)
        return {self.name: float(score.score)}

    def notes(self) -> dict[str, str]:
        """Returns sacreBLEU's signature; there is one only once `result` was asked for."""
        return {self.name: str(self._bleu.get_signature())} if self._outputs else {}
