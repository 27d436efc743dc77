"""BLEU: sacreBLEU over the corpus, on detokenised text, cased."""

from __future__ import annotations

import itertools
from typing import Any

from t2t_mm.evaluation import base
from t2t_mm.modality.language import words


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
        found = words.scripts(text for own in self._references for text in own)
        name = self._declared or words.chosen(found)
        if not self._declared:
            self._bleu = words.bleu(name)
        self._said = words.note(name, found, is_declared=bool(self._declared))
        # sacreBLEU wants a list for the first references, one for the second ones, and so
        # on; None stands where an example has fewer than another.
        streams = [list(stream) for stream in itertools.zip_longest(*self._references)]
        score = self._bleu.corpus_score(self._outputs, streams)
        return {self.name: float(score.score)}

    def notes(self) -> dict[str, str]:
        """Returns sacreBLEU's signature, and what must be said of its tokenizer.

        There is one only once `result` was asked for.
        """
        if not self._outputs:
            return {}
        signature = {self.name: str(self._bleu.get_signature())}
        return {**signature, f"{self.name}_tokenizer": self._said} if self._said else signature
