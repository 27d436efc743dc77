"""CIDEr-D: agreement of a caption with reference captions, by n-grams weighted by TF-IDF.

Vedantam et al. 2015, as the COCO caption evaluation computes it. An n-gram in the references
of fewer pictures has more weight:

    g(n-gram, caption) = count in the caption * log(pictures / pictures with the n-gram)

    CIDEr-D_n(c, S) = 10 / |S| * sum over s in S of
        exp(-(l(c) - l(s))^2 / (2 * 6^2)) * sum(min(g(c), g(s)) * g(s)) / (|g(c)| * |g(s)|)

and CIDEr-D is the mean over n = 1 to 4 and over all pictures. Pictures with an n-gram are
counted in the references of the evaluated split, so values of different sets of pictures
cannot be compared: they grow with the number of pictures, and are 0 for a single one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from t2t_mm.evaluation import base, captions
from t2t_mm.modality.language import words

SIGMA = 6.0
"""Difference of length, in words, that costs a caption 39 % of its value."""

_SCALE = 10.0


class Cider(base.Metric):
    """Mean CIDEr-D over the examples, 0 to 10, as published (not times 100).

    Captions are compared as `captions.words` cuts them, each letter of a script without
    spaces as a word (or as `Problem.metric_tokenizer` says; see `words.spacing`).
    """

    name = "cider"
    higher_is_better = True
    needs = "decodes"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._part = words.spacing(task)
        self._outputs: list[str] = []
        self._references: list[tuple[str, ...]] = []

    def update(self, given: base.Decodes) -> None:
        self._outputs.extend(map(self._part, given.outputs))
        self._references.extend(tuple(map(self._part, own)) for own in given.references)

    def result(self) -> dict[str, float]:
        values = scores(self._outputs, self._references)
        return {self.name: base.ratio(math.fsum(values), len(values))}

    def statistics(self, decodes: base.Decodes) -> np.ndarray:
        """Returns CIDEr-D and 1 of each example, float [N, 2]; weights are of all of them."""
        references = [tuple(map(self._part, own)) for own in decodes.references]
        return base.counted(scores(list(map(self._part, decodes.outputs)), references))

    def notes(self) -> dict[str, str]:
        """Returns which variant it is, and of what its weights are."""
        count = len(self._references)
        return {self.name: f"CIDEr-D, n=1-4, sigma=6, weights of these {count:,} examples"}


def scores(outputs: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Returns CIDEr-D of each output.

    Args:
      outputs: captions to be measured.
      references: for each of them one caption or more, to be measured against.
    """
    written = captions.all_ngrams(outputs)
    counts = [captions.all_ngrams(own) for own in references]
    weigh = _Weights(counts)
    return [
        _score(weigh(candidate), [weigh(reference) for reference in own])
        for candidate, own in zip(written, counts, strict=True)
    ]


class _Vector(NamedTuple):
    """A caption: weights of its n-grams and their length, for each n; and its own length."""

    weights: list[dict[captions.Ngram, float]]
    norms: list[float]
    length: int


class _Weights:
    """Weighs n-grams by how rare they are among the references of all pictures."""

    def __init__(self, references: Sequence[Sequence[Counter[captions.Ngram]]]) -> None:
        self._pictures: Counter[captions.Ngram] = Counter()
        for own in references:
            self._pictures.update(set().union(*own))
        self._log_count = math.log(max(len(references), 1))

    def __call__(self, counts: Counter[captions.Ngram]) -> _Vector:
        weights: list[dict[captions.Ngram, float]] = [{} for _ in range(captions.LONGEST)]
        for ngram, count in counts.items():
            # One that no reference has counts as if one picture had it.
            rarity = self._log_count - math.log(max(self._pictures[ngram], 1))
            weights[len(ngram) - 1][ngram] = count * rarity
        norms = [math.sqrt(sum(weight**2 for weight in of_n.values())) for of_n in weights]
        # The evaluation counts word pairs, one less than words, which only matters to
        # captions without any word.
        length = sum(count for ngram, count in counts.items() if len(ngram) == 2)
        return _Vector(weights, norms, length)


def _score(candidate: _Vector, references: Sequence[_Vector]) -> float:
    total = sum(sum(_similarities(candidate, reference)) for reference in references)
    return _SCALE * total / captions.LONGEST / len(references)


def _similarities(candidate: _Vector, reference: _Vector) -> list[float]:
    """Returns the similarity for each n; 0 where either has no n-gram of any weight."""
    difference = candidate.length - reference.length
    penalty = math.exp(-(difference**2) / (2 * SIGMA**2))
    values = []
    for own, other, norm, other_norm in zip(
        candidate.weights, reference.weights, candidate.norms, reference.norms, strict=True
    ):
        # Clipped: a word said twice cannot make up for one left out.
        common = sum(
            min(weight, other[ngram]) * other[ngram]
            for ngram, weight in own.items()
            if ngram in other
        )
        norms = norm * other_norm
        values.append(penalty * common / norms if norms else 0.0)
    return values
