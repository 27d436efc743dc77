import numpy as np
import pytest
import sacrebleu

from t2t_mm.evaluation import base, bleu, bootstrap, exact_match

OUTPUTS = [
    "the cat sat on the mat",
    "a dog runs",
    "he has seen it all before",
    "no",
    "a red car",
] * 9
REFERENCES = [
    "the cat sat on a mat",
    "the dog runs",
    "he saw it all before",
    "yes",
    "a red car",
] * 9


def decodes(outputs=OUTPUTS):
    return base.Decodes(outputs, [(text,) for text in REFERENCES])


def test_the_interval_of_bleu_is_sacrebleus():
    theirs = sacrebleu.BLEU().corpus_score(OUTPUTS, [REFERENCES], n_bootstrap=bootstrap.RESAMPLES)
    metric = bleu.Bleu()
    ours = bootstrap.interval(metric, metric.statistics(decodes()))
    assert ours.mean == pytest.approx(theirs._mean, abs=1e-3)
    assert ours.half_width == pytest.approx(theirs._ci, abs=1e-3)


def test_resamples_in_parts_are_those_at_once(monkeypatch):
    metric = exact_match.ExactMatch()
    statistics = metric.statistics(decodes())
    at_once = bootstrap.interval(metric, statistics)
    monkeypatch.setattr(bootstrap, "_CELLS", 7 * len(statistics))
    assert bootstrap.interval(metric, statistics) == at_once


def test_an_interval_is_as_wide_as_the_binomial_says():
    metric = exact_match.ExactMatch()
    hits = np.repeat([1.0, 0.0], 200)
    found = bootstrap.interval(metric, np.stack([hits, np.ones(400)], 1))
    wide = 1.96 * np.sqrt(0.5 * 0.5 / 400)  # 0.049
    assert found.low == pytest.approx(0.5 - wide, abs=0.01)
    assert found.high == pytest.approx(0.5 + wide, abs=0.01)


def test_a_difference_is_paired():
    metric = exact_match.ExactMatch()
    ours = np.stack([np.repeat([1.0, 0.0], 50), np.ones(100)], 1)
    better = ours.copy()
    better[60, 0] = 1  # one more is right, all else is the same
    found = bootstrap.difference(metric, better, ours)
    assert 0 <= found.low <= 0.01 <= found.high <= 0.05
    same = bootstrap.difference(metric, ours, ours)
    assert (same.low, same.high) == (0, 0)
    with pytest.raises(ValueError, match="100 examples cannot be paired with 99"):
        bootstrap.difference(metric, ours, ours[1:])


def test_one_example_has_no_interval():
    assert bootstrap.interval(exact_match.ExactMatch(), np.ones([1, 2])) is None
    assert bootstrap.interval(exact_match.ExactMatch(), np.zeros([5, 2])) is None
