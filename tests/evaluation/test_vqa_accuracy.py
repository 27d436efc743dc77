import itertools
import math
import random

import pytest

from t2t_mm.evaluation import base, vqa_accuracy


def by_subsets(answer, answers):
    """The definition, word by word: every group of nine of the ten people."""
    groups = list(itertools.combinations(answers, len(answers) - 1))
    return sum(min(1, group.count(answer) / 3) for group in groups) / len(groups)


def test_equals_the_definition_on_generated_answers():
    dice = random.Random(0)
    options = ["yes", "no", "red", "2", "left"]
    seen = set()
    for _ in range(300):
        answers = dice.choices(options, weights=(5, 2, 1, 1, 1), k=10)
        answer = dice.choice(options)
        expected = by_subsets(answer, answers)
        assert vqa_accuracy.accuracy(answer, answers) == pytest.approx(expected, abs=1e-12)
        seen.add(round(expected, 6))
    assert seen == {0, 0.3, 0.6, 0.9, 1}


@pytest.mark.parametrize(("people", "value"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1)])
def test_how_many_people_make_an_answer_right(people, value):
    answers = ["blue"] * people + ["red"] * (10 - people)
    assert vqa_accuracy.accuracy("blue", answers) == pytest.approx(value)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Yes.", "yes"),
        ("The red  bus", "red bus"),
        ("two", "2"),
        ("None", "0"),
        ("1,000", "1000"),
        ("3.5", "3.5"),
        ("red/blue", "red blue"),
        ("red, blue", "red blue"),
        ("don't know", "dont know"),
        ("dont know", "dont know"),
        ("t-shirt", "t-shirt"),
        ("a", ""),
        ("红 色。", "红色"),
        ("两只 dog", "两只 dog"),
    ],
)
def test_normalisation(written, compared):
    assert vqa_accuracy.normalise(written) == compared


def test_the_metric_is_the_mean():
    metric = vqa_accuracy.VqaAccuracy()
    metric.update(base.Decodes(["Two"], [("2",) * 10]))
    metric.update(base.Decodes(["red", "no"], [("blue",) * 8 + ("red",) * 2, ("yes",)]))
    assert metric.result() == {"vqa_accuracy": pytest.approx((1 + 0.6 + 0) / 3)}
    assert metric.notes()
    assert math.isnan(vqa_accuracy.VqaAccuracy().result()["vqa_accuracy"])
