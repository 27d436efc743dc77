import math

import pytest

from t2t_mm.evaluation import base, log_perplexity


def test_tokens_weigh_the_same_whatever_their_batch():
    metric = log_perplexity.LogPerplexity()
    metric.update(base.Scores(nats=10 * math.log(2), correct=0, tokens=10))
    metric.update(base.Scores(nats=2 * math.log(32), correct=0, tokens=2))
    # (10 ln 2 + 2 ln 32) / 12 = (10 + 10) ln 2 / 12; the mean of the batches were 3 ln 2.
    assert metric.result() == {"log_perplexity": pytest.approx(20 * math.log(2) / 12)}


def test_nothing_to_measure_is_nan():
    assert math.isnan(log_perplexity.LogPerplexity().result()["log_perplexity"])


def test_targets_without_a_probability_are_left_out_and_said():
    metric = log_perplexity.LogPerplexity()
    metric.update(base.Scores(nats=6.0, correct=0, tokens=3))
    assert metric.notes() == {}
    metric.update(base.Scores(nats=0.0, correct=0, tokens=0, unknown=1))
    assert metric.result() == {"log_perplexity": 2.0}
    assert metric.notes()["log_perplexity"].startswith("without 1 of 4 examples")
