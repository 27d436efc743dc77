import numpy as np
import pytest

from t2t_mm.evaluation import accuracy, base


def classes(log_probs, labels):
    return base.Classes(np.array(log_probs, np.float32), np.array(labels, np.int32))


def test_top_1_over_batches_of_different_sizes():
    metric = accuracy.Accuracy()
    metric.update(classes([[-1, -2, -3], [-3, -1, -2]], [0, 2]))  # hit, miss
    metric.update(classes([[-2, -1, -3]], [1]))  # hit
    assert metric.result() == {"accuracy": pytest.approx(2 / 3)}


def test_top_5_counts_places():
    scores = [-1, -2, -3, -4, -5, -6, -7]
    metric = accuracy.Top5Accuracy()
    metric.update(classes([scores] * 3, [0, 4, 5]))  # places 1, 5, 6
    assert metric.result() == {"top5_accuracy": pytest.approx(2 / 3)}


def test_equal_scores_earn_chance_not_everything():
    # All 10 classes alike: the five smallest ids are the top five, each label once -> 5/10.
    metric = accuracy.Top5Accuracy()
    metric.update(classes(np.zeros([10, 10]), range(10)))
    assert metric.result() == {"top5_accuracy": 0.5}
    first = accuracy.Accuracy()
    first.update(classes(np.zeros([10, 10]), range(10)))
    assert first.result() == {"accuracy": 0.1}


def test_ties_agree_with_argmax():
    draw = np.random.default_rng(0)
    scores = draw.integers(0, 3, size=(50, 4)).astype(np.float32)
    labels = draw.integers(0, 4, size=50)
    metric = accuracy.Accuracy()
    metric.update(base.Classes(scores, labels))
    assert metric.result()["accuracy"] == np.mean(scores.argmax(1) == labels)


def test_top_5_of_fewer_than_five_classes_is_1():
    metric = accuracy.Top5Accuracy()
    metric.update(classes([[-3, -1, -2]] * 3, [0, 1, 2]))
    assert metric.result() == {"top5_accuracy": 1.0}


def test_scores_that_are_no_numbers_hit_nothing():
    metric = accuracy.Top5Accuracy()
    metric.update(classes([[np.nan] * 3], [0]))
    assert metric.result() == {"top5_accuracy": 0.0}


def test_token_accuracy_weighs_tokens():
    metric = accuracy.TokenAccuracy()
    metric.update(base.Scores(nats=0, correct=9, tokens=10))
    metric.update(base.Scores(nats=0, correct=0, tokens=90))
    assert metric.result() == {"token_accuracy": 0.09}  # 9 of 100, not the mean of 0.9 and 0


def test_a_class_that_the_model_does_not_have_is_missed():
    for metric in (accuracy.Accuracy(), accuracy.Top5Accuracy()):
        metric.update(classes([[-1, -2, -3], [-3, -2, -1]], [-1, 2]))  # none, the last
        assert metric.result() == {metric.name: 0.5}
