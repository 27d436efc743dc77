import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import hypotheses
from t2t_mm.settings import decoding


def test_length_limits():
    limits = decoding.DecodeSettings(max_length=20, length_factor=1.5, length_constant=4)
    inputs = {"a": tf.constant([[3, 3, 1, 0], [1, 0, 0, 0]]), "b": tf.constant([[3, 1], [0, 0]])}
    # a and b together: 3 + 2 = 5 tokens -> 1.5 * 5 + 4 = 11; 1 + 0 = 1 -> 5 (5.5 cut).
    both = hypotheses.length_limits(inputs, ["a", "b"], limits, 99)
    assert both.numpy().tolist() == [11, 5]
    # Only a: 3 -> 8 (8.5 cut), 1 -> 5; the targets' own limit of 6 holds too.
    assert hypotheses.length_limits(inputs, ["a"], limits, 6).numpy().tolist() == [6, 5]
    # No text at all: max_length alone.
    assert hypotheses.length_limits(inputs, [], limits, 99).numpy().tolist() == [20, 20]


@pytest.mark.parametrize("pad", [-np.inf, -1.0, 0.3, 9.0])
@pytest.mark.parametrize("count", [1, 3, 6, 50])
def test_the_likeliest_pieces_are_those_of_the_whole_softmax_but_padding(pad, count):
    draw = np.random.default_rng(3)
    logits = draw.normal(size=(5, 7))
    logits[:, 0] = pad
    log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    order = 1 + np.argsort(-logits[:, 1:], axis=1)[:, :count]
    found, ids = hypotheses.likeliest(tf.constant(logits, tf.float32), count)
    np.testing.assert_array_equal(ids, order)
    np.testing.assert_allclose(found, np.take_along_axis(log_probs, order, 1), atol=1e-5)


@pytest.mark.parametrize("size", [600, 1024, 1000, 8191])
@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_the_largest_of_many_are_those_of_tensorflow_also_among_equals(size, k):
    random = np.random.default_rng(3)
    few_values = random.integers(40, size=(60, size)).astype(np.float32)
    different = random.normal(size=(60, size)).astype(np.float32)
    mostly_none = np.where(random.random((60, size)) < 3 / size, different, -np.inf)
    for values in (few_values, different, mostly_none.astype(np.float32)):
        found, places = hypotheses.top_k(tf.constant(values), k)
        expected, expected_places = tf.math.top_k(values, k)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(places, expected_places)


def test_a_certain_piece_has_no_probability_above_one():
    logits = np.full([40, 9], -30.0, np.float32)
    logits[:, 4] = np.linspace(-50, 50, 40)
    found, _ = hypotheses.likeliest(tf.constant(logits), 1)
    assert (found.numpy() <= 0).all()


def test_hypotheses_are_put_together_by_row_and_taken_apart():
    nest = {"a": tf.reshape(tf.range(24), [6, 4]), "empty": tf.zeros([6, 0, 2])}
    folded = hypotheses.by_row(nest, 3)
    assert folded["a"].shape == (2, 3, 4)
    assert folded["empty"].shape == (2, 3, 0, 2)
    np.testing.assert_array_equal(folded["a"][1, 0], nest["a"][3])
    np.testing.assert_array_equal(hypotheses.flat(folded)["a"], nest["a"])
