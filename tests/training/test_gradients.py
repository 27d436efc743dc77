"""Sums of gradients in a fixed order: seen by addends whose order shows in the result.

In float32 (1e8 - 1e8) + 1 is 1, and (1 - 1e8) + 1e8 is 0, for 1 is lost beside 1e8.
"""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.training import gradients

LARGE, SMALL = 1e8, 1.0


def chain():
    @tf.function(autograph=False)
    def add(plus, minus, x):
        # Only the last addend is nobody else's: its memory is what a joint sum begins with.
        return plus + minus + tf.exp(x) * tf.cos(x)

    values = (tf.fill([4], v) for v in (LARGE, -LARGE, 0.0))
    return add(*values).numpy()


@pytest.mark.usefixtures("optimised_graphs")
def test_a_chain_of_additions_is_run_as_it_was_written():
    with gradients.in_order():
        np.testing.assert_array_equal(chain(), np.full(4, SMALL))  # (1e8 - 1e8) + 1
    np.testing.assert_array_equal(chain(), np.zeros(4))  # else joined: (1 - 1e8) + 1e8


def test_options_are_what_they_were_after_a_block_and_after_an_error():
    before = tf.config.optimizer.get_experimental_options()
    with gradients.in_order():
        assert tf.config.optimizer.get_experimental_options()["arithmetic_optimization"] is False
    with contextlib.suppress(ZeroDivisionError), gradients.in_order():
        raise ZeroDivisionError
    after = tf.config.optimizer.get_experimental_options()
    assert after.get("arithmetic_optimization", True) == before.get("arithmetic_optimization", True)


def fan_out(x, weights):
    """A tensor that three operations read."""
    y = tf.sin(x)
    return tf.add_n([tf.reduce_sum(y * w) for w in weights[:2]]) + tf.reduce_sum(y * weights[2])


@pytest.mark.usefixtures("optimised_graphs")
def test_gradients_of_three_consumers_are_summed_in_pairs():
    weights = [tf.fill([4], v) for v in (LARGE, -LARGE, SMALL)]
    x = tf.zeros([4])  # where the sine's derivative is 1

    @tf.function(autograph=False)
    def run(x, *weights):
        (gradient,) = gradients.gradients(fan_out(x, weights), [x])
        found.append(gradients.unordered(tf.compat.v1.get_default_graph()))
        return gradient

    found = []
    with gradients.in_order():
        results = {run(x, *weights).numpy().tobytes() for _ in range(20)}
    assert len(results) == 1
    assert found == [[]]


def test_a_share_scales_the_gradient():
    @tf.function(autograph=False)
    def run(x):
        return gradients.gradients(tf.reduce_sum(x * x), [x], tf.constant(0.25))

    np.testing.assert_array_equal(run(tf.constant([3.0]))[0], [1.5])  # 0.25 * 2 * 3


def test_what_the_loss_leaves_out_has_no_gradient():
    one, two = tf.Variable([1.0]), tf.Variable([1.0])

    @tf.function(autograph=False)
    def run():
        found = gradients.gradients(tf.reduce_sum(3.0 * one), [one, two])
        assert found[1] is None
        return found[0]

    np.testing.assert_array_equal(run(), [3.0])


def test_sums_that_depend_on_the_schedule_are_found_in_functions_too():
    @tf.function
    def inner(x):
        return tf.add_n([x, 2.0 * x, 3.0 * x])

    @tf.function(autograph=False)
    def outer(x):
        y = tf.add_n([x, x], name="pair")
        y = tf.add_n([y, y, x], name="three")
        counts = tf.add_n([tf.shape(x)] * 3, name="whole_numbers")
        return inner(y) + tf.cast(counts, tf.float32)

    found = gradients.unordered(outer.get_concrete_function(tf.TensorSpec([1])).graph)
    assert len(found) == 2
    assert found[0] == "three"
    assert "inner" in found[1]
