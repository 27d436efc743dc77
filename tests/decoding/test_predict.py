"""Batches to texts and classes with their scores, and these to lines and JSON."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.decoding import decode, predict
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.settings import decoding

SPEC = {"inputs": tf.TensorSpec([None, None], tf.int32)}
BATCH = {"inputs": {"inputs": tf.constant([[4, 5, 1], [7, 1, 0]])}, "index": tf.constant([8, 3])}


def test_a_beam_gives_its_best_with_their_ranks(toy, task):
    wanted = decoding.DecodeSettings(beam_size=4, alpha=0.6, n_best=3, max_length=7)
    model = toy(seed=2, eos_bias=1.0)
    for one in predict.decode_batch(model, task, BATCH, SPEC, wanted):
        all_three = (one, *one.others)
        assert len(all_three) == 3
        ranks = [each.rank for each in all_three]
        assert ranks == sorted(ranks, reverse=True)
        for each in all_three:
            assert each.rank == pytest.approx(each.score / ((5 + each.length) / 6) ** 0.6)
        answer = decode.answer("in", one, wanted)
        shown = answer.as_json()
        assert set(shown) == {"inputs", "outputs", "score", "n_best"}
        assert shown["n_best"][0]["outputs"] == shown["outputs"] == one.outputs
        assert shown["n_best"][0]["score"] == shown["score"]
        assert [each["penalised_score"] for each in shown["n_best"]] == ranks


def test_without_a_penalty_no_penalised_score_is_shown(toy, task):
    wanted = decoding.DecodeSettings(beam_size=2, n_best=2, max_length=5)
    one, _ = predict.decode_batch(toy(), task, BATCH, SPEC, wanted)
    shown = decode.answer("in", one, wanted).as_json()
    assert [set(each) for each in shown["n_best"]] == [{"outputs", "score"}] * 2


def test_fewer_than_wanted_are_as_many_as_there_are(toy, task):
    wanted = decoding.DecodeSettings(beam_size=6, n_best=6, max_length=1)
    one, _ = predict.decode_batch(toy(size=4), task, BATCH, SPEC, wanted)
    assert len(one.others) == 2


def test_samples_follow_the_index_of_the_batch(toy, task):
    wanted = decoding.DecodeSettings(temperature=1.0, n_best=2, max_length=7)
    model = toy()
    first, second = predict.decode_batch(model, task, BATCH, SPEC, wanted)
    turned = {"inputs": {"inputs": BATCH["inputs"]["inputs"][::-1]}, "index": tf.constant([3, 8])}
    again = predict.decode_batch(model, task, turned, SPEC, wanted)
    for one, other in zip((second, first), again, strict=True):
        assert [o.outputs for o in (one, *one.others)] == [
            o.outputs for o in (other, *other.others)
        ]


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
    assert [[one.outputs, *(o.outputs for o in one.others)] for one in best] == [
        ["b", "c"],
        ["a", "b"],
    ]
    assert best[0].others[0].score == pytest.approx(np.log(0.3))
    assert len(predict.classes(of_classes, log_probs, 9)[0].others) == 2
    assert predict.classes(of_classes, log_probs)[0].others == ()


def test_lines_stay_in_step_whatever_the_outputs_hold():
    single = decode.Answer("in", "a\nb\tc", -1.0)
    pair = (decode.Candidate("a\nb", -1.0), decode.Candidate("c\td", -2.0))
    several = decode.Answer("in", "a\nb", -1.0, n_best=pair)
    empty = decode.Answer("", "", 0.0, n_best=())
    answers = [single, several, empty]
    assert decode.as_text(answers, as_json=False) == "a b\tc\na b\tc d\n\n"
    rows = [json.loads(line) for line in decode.as_text(answers, as_json=True).splitlines()]
    assert "n_best" not in rows[0]
    assert rows[1]["n_best"] == [
        {"outputs": "a\nb", "score": -1.0},
        {"outputs": "c\td", "score": -2.0},
    ]
    assert rows[2] == {"inputs": "", "outputs": "", "score": 0.0, "n_best": []}


def test_what_could_work_a_terminal_is_escaped_in_lines_and_exact_in_json():
    outputs = "a\x1b]0;owned\x07\tb\x9b2J\u200fc\x85d"
    answers = [decode.Answer("x", outputs, 0.0)]
    text = decode.as_text(answers, as_json=False)
    assert text == "a\\x1b]0;owned\\x07\tb\\x9b2J\u200fc d\n"
    assert json.loads(decode.as_text(answers, as_json=True))["outputs"] == outputs
