"""Batches to answers: texts and classes with their scores."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.decoding import predict
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.settings import decoding

SPEC = {"inputs": tf.TensorSpec([None, None], tf.int32)}
BATCH = {"inputs": {"inputs": tf.constant([[4, 5, 1], [7, 1, 0]])}, "index": tf.constant([8, 3])}


def test_a_beam_gives_its_best_sorted_by_penalised_score(toy, task):
    wanted = decoding.DecodeSettings(beam_size=4, alpha=0.6, n_best=3, max_length=7)
    model = toy(seed=2, eos_bias=1.0)
    for one in predict.decode_batch(model, task, BATCH, SPEC, wanted):
        assert len(one.n_best) == 3
        penalised = [each.penalised_score for each in one.n_best]
        assert penalised == sorted(penalised, reverse=True)
        for each in one.n_best:  # of 1 to 7 tokens, end token included
            penalties = [((5 + length) / 6) ** 0.6 for length in range(1, 8)]
            assert min(abs(each.penalised_score - each.score / p) for p in penalties) < 1e-5
        shown = one.as_json()
        assert set(shown) == {"inputs", "outputs", "score", "n_best"}
        assert shown["n_best"][0]["outputs"] == shown["outputs"] == one.outputs
        assert shown["n_best"][0]["score"] == shown["score"]
        assert [each["penalised_score"] for each in shown["n_best"]] == penalised


def test_without_a_penalty_no_penalised_score_is_shown(toy, task):
    wanted = decoding.DecodeSettings(beam_size=2, n_best=2, max_length=5)
    one, _ = predict.decode_batch(toy(), task, BATCH, SPEC, wanted)
    shown = one.as_json()
    assert [set(each) for each in shown["n_best"]] == [{"outputs", "score"}] * 2


def test_fewer_than_wanted_are_as_many_as_there_are(toy, task):
    wanted = decoding.DecodeSettings(beam_size=6, n_best=6, max_length=1)
    one, _ = predict.decode_batch(toy(size=4), task, BATCH, SPEC, wanted)
    assert len(one.n_best) == 3


def test_samples_follow_the_index_of_the_batch(toy, task):
    wanted = decoding.DecodeSettings(temperature=1.0, n_best=2, max_length=7)
    model = toy()
    first, second = predict.decode_batch(model, task, BATCH, SPEC, wanted)
    turned = {"inputs": {"inputs": BATCH["inputs"]["inputs"][::-1]}, "index": tf.constant([3, 8])}
    again = predict.decode_batch(model, task, turned, SPEC, wanted)
    for one, other in zip((second, first), again, strict=True):
        assert [o.outputs for o in one.n_best] == [o.outputs for o in other.n_best]


@pytest.mark.parametrize("given", [{}, {"beam_size": 3, "n_best": 2}, {"temperature": 1.0}])
def test_scores_that_are_no_numbers_are_an_error_in_every_search(toy, task, given):
    class Diverged(toy):
        def decode_step(self, *given):
            logits, state = super().decode_step(*given)
            return logits * np.nan, state

    wanted = decoding.DecodeSettings(max_length=4, **given)
    with pytest.raises(errors.NotFiniteError, match="no finite numbers"):
        predict.decode_batch(Diverged(), task, BATCH, SPEC, wanted)


def test_the_n_best_classes_are_the_likeliest(task):
    of_classes = dataclasses.replace(task, targets=categorical.Categorical(classes=("a", "b", "c")))
    log_probs = np.log(np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]]))
    best = predict.classes(of_classes, log_probs, 2)
    assert [[o.outputs for o in one.n_best] for one in best] == [["b", "c"], ["a", "b"]]
    assert best[0].outputs == "b"
    assert best[0].n_best[1].score == pytest.approx(np.log(0.3))
    assert len(predict.classes(of_classes, log_probs, 9)[0].n_best) == 3
    assert predict.classes(of_classes, log_probs)[0].n_best is None
