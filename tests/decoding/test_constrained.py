"""Searches under a constraint, against everything that it allows."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors, registry
from t2t_mm.constraints import base, closed_set
from t2t_mm.decoding import beam, constrained, functions, sampling, writer
from t2t_mm.settings import decoding
from tests.decoding import conftest

SOURCES = [[3, 4, 5, 1], [6, 1, 0, 0], [7, 8, 1, 0], [9, 9, 9, 1], [10, 3, 1, 0]]
SETS = ["ab", "abc", "b", "hh", "cad", "cadab"]
LIMITS = [9, 3, 4, 2, 6]


class Letters(conftest.Letters):
    def encode(self, text):
        return [3 + ord(letter) - ord("a") for letter in text]


class Everything(base.Constraint):
    """Allows all tokens but padding, whatever came before."""

    tokens = np.arange(1, conftest.VOCABULARY, dtype=np.int32)

    def initial(self, texts, rows):
        return {"count": tf.zeros([rows], tf.int32)}

    def allowed(self, state, room):
        return tf.fill([tf.size(room), len(self.tokens)], True)

    def advance(self, state, tokens):
        return {"count": state["count"] + 1}


def held(rule):
    return constrained.Constrained(rule, {})


@pytest.fixture
def of_set(asked):
    rule = closed_set.ClosedSet(Letters(), SETS)
    return asked(SOURCES, LIMITS)._replace(constrained=held(rule))


def fitting(limit):
    """The texts with their end token, of at most `limit` tokens."""
    return [ids for ids in ([*Letters().encode(t), 1] for t in SETS) if len(ids) <= limit]


@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_ranks_the_set_as_the_model_does(toy, of_set, listed, seed):
    model = toy(seed=seed)
    settings = decoding.DecodeSettings(beam_size=8, n_best=8, alpha=0.6)
    for row, found in enumerate(listed(beam.search(model, of_set, settings))):
        # Scores are those of the model over all tokens: nothing is normalised anew.
        expected = [(ids, model.score_anew(SOURCES[row], ids)) for ids in fitting(LIMITS[row])]
        expected.sort(key=lambda one: -one[1] / ((5 + len(one[0])) / 6) ** 0.6)
        assert [ids for ids, *_ in found] == [ids for ids, _ in expected]
        scores = [score for _, score, _ in found]
        np.testing.assert_allclose(scores, [s for _, s in expected], rtol=1e-4)


@pytest.mark.parametrize("pad_logit", [float("-inf"), 50.0])
def test_greedy_takes_the_likeliest_allowed_token(toy, of_set, listed, pad_logit):
    model = toy(seed=4, eos_bias=-2.0, pad_logit=pad_logit)
    for row, ((ids, score, _),) in enumerate(listed(writer.greedy(model, of_set))):
        expected = []
        while expected[-1:] != [1]:
            log_probs = model.log_probs_anew(SOURCES[row], expected)
            begun = [one for one in fitting(LIMITS[row]) if one[: len(expected)] == expected]
            step = len(expected)
            expected.append(max({one[step] for one in begun}, key=lambda t: log_probs[t]))
        assert ids == expected
        np.testing.assert_allclose(score, model.score_anew(SOURCES[row], ids), rtol=1e-4)


@pytest.mark.parametrize("limits", [{}, {"top_k": 2}, {"top_p": 0.5}])
def test_samples_are_of_the_set(toy, of_set, listed, limits):
    settings = decoding.DecodeSettings(temperature=2.0, n_best=6, max_length=9, **limits)
    seeds = sampling.row_seeds(1, tf.range(len(SOURCES)))
    found = listed(sampling.search(toy(seed=5), of_set, settings, seeds))
    for row, samples in enumerate(found):
        assert all(ids in fitting(LIMITS[row]) for ids, *_ in samples)
    assert len({tuple(ids) for ids, *_ in found[0]}) > 1


def test_a_draw_has_the_odds_of_the_allowed_tokens():
    # Allowed are tokens 1, 2 and 4, of logits log 1, log 3 and log 4: of probability 1/8, 3/8
    # and 4/8 among themselves, whatever token 3 has.
    logits = tf.tile(tf.math.log([[9.0, 1.0, 3.0, 100.0, 4.0]]), [4, 1])
    mask = tf.constant([[True, True, False, True]] * 4)
    allowed = constrained.Allowed(mask, tf.constant([1, 2, 3, 4]))
    settings = decoding.DecodeSettings(temperature=1.0)
    drawn = tf.constant([0.124, 0.126, 0.499, 0.501])
    ids = sampling.draw(logits, drawn, settings, allowed)
    assert ids.numpy().tolist() == [1, 2, 2, 4]


@pytest.mark.parametrize("search", ["greedy", "beam", "sampling"])
def test_a_constraint_that_allows_everything_changes_nothing(toy, asked, search):
    def decoded(rule):
        model = toy(seed=6)
        given = asked(SOURCES, LIMITS)._replace(constrained=rule)
        if search == "greedy":
            return writer.greedy(model, given)
        if search == "beam":
            return beam.search(model, given, decoding.DecodeSettings(beam_size=3, n_best=3))
        settings = decoding.DecodeSettings(temperature=1.0, max_length=9)
        return sampling.search(model, given, settings, sampling.row_seeds(0, tf.range(5)))

    free, bound = decoded(None), decoded(held(Everything()))
    for one, other in zip(free, bound, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-6)


def test_behind_a_prefix_that_the_set_lacks_an_output_ends(toy, asked, listed):
    rule = held(closed_set.ClosedSet(Letters(), SETS))
    given = asked(SOURCES[:2], [9, 9], prefix=[[3, 4], [10, 7]])._replace(constrained=rule)
    for found in (
        writer.greedy(toy(), given),
        beam.search(toy(), given, decoding.DecodeSettings(beam_size=2)),
    ):
        (known,), (unknown,) = listed(found)
        assert known[0] in ([3, 4, 1], [3, 4, 5, 1])
        assert unknown[0] == [10, 7, 1]


@pytest.fixture
def toy_problem():
    """Registers a problem of the toy task; returns a function that sets its constraint."""

    class Toy:
        made = None

        def constraint(self, task):
            return self.made

    with registry.registering("toy_plugin"):
        registry.problems.add("toy", Toy)
    yield lambda made: setattr(Toy, "made", made)
    registry.problems.remove_plugin("toy_plugin")


def test_a_task_has_the_constraint_of_its_problem(task, toy_problem, toy):
    toy_problem(closed_set.ClosedSet(Letters(), ["hh", "ab"]))
    spec = {"inputs": tf.TensorSpec([None, None], tf.int32)}
    inputs, compiled = {"inputs": tf.constant(SOURCES)}, functions.of(model := toy())
    raw = {"inputs": tf.constant([""] * 5), "more": tf.constant(["", ""])}
    found = compiled.search(task, decoding.DecodeSettings(), spec)(inputs, None, raw)
    assert {task.vocabulary.decode(ids[0]) for ids in found.ids.numpy()} <= {"hh", "ab"}
    free = decoding.DecodeSettings(constrained=False)
    found = compiled.search(task, free, spec)(inputs)
    asked = functions.search(model, task, free, inputs, seeds=None, command=None)
    np.testing.assert_array_equal(found.ids, asked.ids)
    assert compiled.traces() == 2


@pytest.mark.parametrize("tokens", [[3, 1], [3, 4], [0, 1, 3], [[1]]])
def test_what_is_no_constraint_is_refused(task, toy_problem, tokens):
    toy_problem("a grammar")
    with pytest.raises(errors.PluginError, match="is no constraint"):
        constrained.of(task, decoding.DecodeSettings())
    rule = Everything()
    rule.tokens = np.array(tokens)
    toy_problem(rule)
    with pytest.raises(errors.PluginError, match="tokens of the constraint"):
        constrained.of(task, decoding.DecodeSettings())


def test_a_task_of_no_registered_problem_has_only_its_answers(task):
    assert constrained.of(task, decoding.DecodeSettings()) is None
    vocabularies = {"letters": Letters()}
    closed = dataclasses.replace(task, answers=("hh", "b"), vocabularies=vocabularies)
    rule = constrained.of(closed, decoding.DecodeSettings())
    assert rule.tokens.tolist() == [1, 4, 10]  # the end, b and h
    assert constrained.of(closed, decoding.DecodeSettings(constrained=False)) is None
