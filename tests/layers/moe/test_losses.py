"""Importance and load against the formulae of the paper."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers.moe import losses, router


def _routing(random, selected, *, noisy=True, experts=7):
    x, w_g, w_noise = (random.normal(size=s) for s in ((9, 5), (5, experts), (5, experts)))
    w_noise /= 4  # well above the least deviation, of which the paper knows nothing
    noise = random.normal(size=(9, experts)) if noisy else None
    as_tensor = (tf.constant(v, tf.float32) for v in (x, w_g, w_noise))
    routing = router.route(
        *as_tensor,
        selected=selected,
        noise=None if noise is None else tf.constant(noise, tf.float32),
    )
    return routing, (x, w_g, w_noise, noise)


def _by_hand():
    """Two positions, three experts, two selected, deviation 1."""
    return router.Routing(
        gates=tf.constant([[0.75, 0.25], [0.5, 0.5]]),
        experts=tf.constant([[0, 1], [1, 2]]),
        clean=tf.constant([[2.0, 1.0, 0.0], [0.0, 1.0, 1.0]]),
        noisy=tf.constant([[3.0, 1.0, -1.0], [0.0, 2.0, 1.0]]),
        deviation=tf.ones([2, 3]),
        top=tf.constant([[3.0, 1.0, -1.0], [2.0, 1.0, 0.0]]),
    )


def test_importance_by_hand():
    # Expert 0: 0.75; expert 1: 0.25 + 0.5; expert 2: 0.5.
    np.testing.assert_allclose(losses.importance(_by_hand()), [0.75, 0.75, 0.5])
    np.testing.assert_allclose(losses.importance(_by_hand(), in_columns=True), [0.75, 0.75, 0.5])


def test_counted_load_by_hand():
    np.testing.assert_array_equal(losses.counted_load(_by_hand()), [1, 2, 1])


def test_smooth_load_by_hand():
    # kth_excluding with K = 2, the second greatest of the other two = the lesser.
    # Position 0, H = [3, 1, -1]: thresholds [-1, -1, 1]; clean [2, 1, 0]:
    #   z = [2 + 1, 1 + 1, 0 - 1] = [3, 2, -1]
    # Position 1, H = [0, 2, 1]: thresholds [1, 0, 0]; clean [0, 1, 1]:
    #   z = [0 - 1, 1 - 0, 1 - 0] = [-1, 1, 1]
    # Phi(3) = 0.99865, Phi(2) = 0.97725, Phi(1) = 0.84134, Phi(-1) = 0.15866
    expected = [0.99865 + 0.15866, 0.97725 + 0.84134, 0.15866 + 0.84134]
    np.testing.assert_allclose(losses.smooth_load(_by_hand()), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 3.0], 1 / 6),  # mean 2, population variance (1 + 0 + 1) / 3, over 4
        ([2.0, 2.0, 2.0], 0),
        ([0.0, 0.0, 9.0], 3 - 1),  # one has all: E - 1
        ([0.0, 0.0, 0.0], 0),
    ],
)
def test_squared_variation_by_hand(values, expected):
    assert float(losses.squared_variation(tf.constant(values))) == pytest.approx(expected)


@pytest.mark.parametrize("selected", [1, 2, 3, 6])
def test_both_agree_with_the_formulae(random, reference, selected):
    routing, (x, w_g, w_noise, noise) = _routing(random, selected)
    h, _ = reference.noisy_logits(x, w_g, w_noise, noise)
    importance = reference.gates(h, selected).sum(axis=0)
    np.testing.assert_allclose(losses.importance(routing), importance, atol=1e-4)
    load = reference.load(x, w_g, w_noise, noise, selected)
    np.testing.assert_allclose(losses.smooth_load(routing), load, atol=1e-4)
    expected = (load.std() / load.mean()) ** 2
    got = losses.squared_variation(losses.smooth_load(routing))
    assert float(got) == pytest.approx(expected, abs=1e-4)


def test_smooth_load_is_the_count_on_average(random):
    # P(x, e) is a chance: over many draws of the noise, loads and counts agree.
    draws = 500
    x = tf.tile(tf.constant(random.normal(size=(4, 5)), tf.float32), [draws, 1])
    w_g = tf.constant(random.normal(size=(5, 6)), tf.float32)
    noise = tf.random.stateless_normal([4 * draws, 6], [3, 4])
    routing = router.route(x, w_g, tf.zeros([5, 6]), selected=2, noise=noise)
    counted = losses.counted_load(routing) / draws
    np.testing.assert_allclose(losses.smooth_load(routing) / draws, counted, atol=0.1)


@pytest.mark.parametrize(("selected", "noisy"), [(3, False), (7, True), (7, False)])
def test_load_is_the_count_without_noise_or_without_choice(random, selected, noisy):
    routing, _ = _routing(random, selected, noisy=noisy)
    counts = np.bincount(np.ravel(routing.experts), minlength=7)
    np.testing.assert_array_equal(losses.smooth_load(routing), counts)
    if selected == 7:  # everyone has everything: perfectly balanced
        assert float(losses.squared_variation(losses.smooth_load(routing))) == 0


def test_load_loss_pushes_towards_balance(random):
    # A gate that prefers expert 0: its weight must go down, by the losses alone.
    x = tf.ones([64, 1])
    gate = tf.Variable([[2.0, 0.0, 0.0, 0.0]])
    noise = tf.constant(random.normal(size=(64, 4)), tf.float32)
    for loss in (losses.importance, losses.smooth_load):
        with tf.GradientTape() as tape:
            routing = router.route(x, gate.read_value(), tf.zeros([1, 4]), selected=2, noise=noise)
            value = losses.squared_variation(loss(routing))
        gradient = tape.gradient(value, gate).numpy()[0]
        assert gradient[0] > 0
        assert gradient[0] > gradient[1:].max()


def test_gradient_stays_finite_where_the_noise_has_died_out():
    # softplus(-100) = 4e-44: the deviation is bounded below, so z is not infinite.
    with tf.GradientTape() as tape:
        kernel = tf.constant([[-100.0, -100.0, -100.0]])
        gate = tf.constant([[0.1, 0.2, 0.2]])
        tape.watch((gate, kernel))
        routing = router.route(tf.ones([2, 1]), gate, kernel, selected=1, noise=tf.zeros([2, 3]))
        value = losses.squared_variation(losses.smooth_load(routing))
    for gradient in tape.gradient(value, (gate, kernel)):
        assert np.isfinite(gradient).all()
