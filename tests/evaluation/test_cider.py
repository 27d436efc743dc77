"""CIDEr-D against the formula in NumPy, and against figures of the published evaluation."""

import collections
import math
import random

import numpy as np
import pytest

from t2t_mm.evaluation import base, cider

WORDS = "a the red big dog cat bus runs sits on under near two and street".split()


def generated(count, seed=0):
    """Returns outputs, and one to six references each, of words that are often shared."""
    dice = random.Random(seed)
    outputs, references = [], []
    for _ in range(count):
        own = [dice.choices(WORDS, k=dice.randint(1, 14)) for _ in range(dice.randint(1, 6))]
        outputs.append(
            " ".join(dice.choices([*dice.choice(own), "unheard"], k=dice.randint(0, 12)))
        )
        references.append(tuple(" ".join(words) for words in own))
    return outputs, references


def by_formula(outputs, references):
    """CIDEr-D with one dense vector a caption and n, straight from the paper."""

    def grams(text, n):
        words = text.split()
        return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]

    found = np.zeros(len(outputs))
    for n in (1, 2, 3, 4):
        every = sorted(
            {g for own in [*references, outputs] for text in own for g in grams(text, n)}
        )
        place = {gram: i for i, gram in enumerate(every)}
        pictures = np.zeros(len(every))
        for own in references:
            for gram in {g for text in own for g in grams(text, n)}:
                pictures[place[gram]] += 1
        weights = np.log(len(references)) - np.log(np.maximum(pictures, 1))

        def vector(text, n=n, place=place, weights=weights):
            counts = np.zeros(len(weights))
            for gram, count in collections.Counter(grams(text, n)).items():
                counts[place[gram]] = count
            return counts * weights

        for i, (output, own) in enumerate(zip(outputs, references, strict=True)):
            candidate = vector(output)
            for text in own:
                other = vector(text)
                norms = np.linalg.norm(candidate) * np.linalg.norm(other)
                if norms == 0:
                    continue
                pairs = max(len(output.split()) - 1, 0) - max(len(text.split()) - 1, 0)
                near = np.exp(-(pairs**2) / (2 * 6.0**2))
                found[i] += 10 * near * np.minimum(candidate, other) @ other / norms / len(own) / 4
    return found


def test_equals_the_formula_on_generated_captions():
    outputs, references = generated(220)
    expected = by_formula(outputs, references)
    assert len({round(value, 6) for value in expected}) > 150  # a test of more than zeros
    np.testing.assert_allclose(cider.scores(outputs, references), expected, rtol=1e-12, atol=1e-12)
    metric = cider.Cider()
    metric.update(base.Decodes(outputs[:100], references[:100]))
    metric.update(base.Decodes(outputs[100:], references[100:]))
    assert metric.result()["cider"] == pytest.approx(expected.mean(), rel=1e-12)
    assert "CIDEr-D" in metric.notes()["cider"]
    assert "220 examples" in metric.notes()["cider"]


def test_a_reference_itself_scores_ten_less_what_the_others_differ():
    references = [("a red bus stops here",), ("two cats sleep on it",)]
    assert cider.scores([own[0] for own in references], references) == pytest.approx([10, 10])


def test_what_every_picture_has_weighs_nothing():
    references = [("the dog runs",), ("the cat sits",)]
    assert cider.scores(["the", "the"], references) == [0, 0]


def test_one_picture_alone_is_zero_and_none_is_nan():
    assert cider.scores(["a dog"], [("a dog",)]) == [0]
    assert math.isnan(cider.Cider().result()["cider"])


def test_a_word_said_again_and_again_gains_nothing():
    references = [("a red bus stops here",), ("two cats sleep on it",)]
    once, often = (cider.scores([text, "x"], references)[0] for text in ("bus", "bus " * 5))
    assert often < once


def test_letters_of_scripts_without_spaces_are_words():
    """As the same captions with a space between any two letters."""
    outputs = ["一只黑色的狗。", "两个孩子在玩球"]
    references = [("一只白色的狗", "一只小狗在跑。"), ("两个孩子在踢球",)]

    def measured(part):
        metric = cider.Cider()
        wanted = [tuple(map(part, own)) for own in references]
        metric.update(base.Decodes([part(text) for text in outputs], wanted))
        return metric.result()["cider"]

    assert measured(str) == measured(" ".join) > 0
