"""Noisy top-k gating against the formula, with the noise given."""

import numpy as np
import tensorflow as tf

from t2t_mm.layers.moe import router


def _route(x, w_g, w_noise, selected, noise):
    kernels = tf.constant(w_g, tf.float32), tf.constant(w_noise, tf.float32)
    noise = None if noise is None else tf.constant(noise, tf.float32)
    return router.route(tf.constant(x, tf.float32), *kernels, selected=selected, noise=noise)


def test_one_position_by_hand():
    # x W_g = [1, 2, 3]; softplus(x W_noise) = softplus(0) = ln 2 for every expert.
    noise = np.array([[4.0, 1.0, -1.0]]) / np.log(2)
    routing = _route([[1.0]], [[1.0, 2.0, 3.0]], [[0.0, 0.0, 0.0]], 2, noise)
    # H = [1 + 4, 2 + 1, 3 - 1] = [5, 3, 2]: experts 0 and 1 are kept, and
    # softmax([5, 3]) = [1 / (1 + e^-2), e^-2 / (1 + e^-2)] = [0.8808, 0.1192].
    np.testing.assert_allclose(routing.noisy, [[5, 3, 2]], rtol=1e-6)
    np.testing.assert_array_equal(routing.experts, [[0, 1]])
    np.testing.assert_allclose(routing.gates, [[0.880797, 0.119203]], rtol=1e-5)
    np.testing.assert_allclose(routing.top, [[5, 3, 2]], rtol=1e-6)


def test_agrees_with_the_formula(random, reference):
    x, w_g, w_noise = (random.normal(size=s) for s in ((9, 5), (5, 7), (5, 7)))
    w_noise /= 4  # well above the least deviation, of which the paper knows nothing
    noise = random.normal(size=(9, 7))
    routing = _route(x, w_g, w_noise, 3, noise)
    h, _ = reference.noisy_logits(x, w_g, w_noise, noise)
    expected = reference.gates(h, 3)  # [9, 7], zero for experts not chosen
    dense = np.zeros_like(expected)
    np.put_along_axis(dense, routing.experts.numpy(), routing.gates.numpy(), axis=1)
    np.testing.assert_allclose(dense, expected, atol=1e-5)


def test_gates_of_every_position_sum_to_one(random):
    x, w_g, w_noise = (random.normal(size=s) for s in ((50, 4), (4, 6), (4, 6)))
    for noise in (None, random.normal(size=(50, 6))):
        gates = _route(x, w_g, w_noise, 2, noise).gates.numpy()
        np.testing.assert_allclose(gates.sum(axis=1), np.ones(50), rtol=1e-6)


def test_without_noise_the_greatest_logits_are_chosen(random):
    x, w_g = random.normal(size=(20, 4)), random.normal(size=(4, 6))
    routing = _route(x, w_g, np.full((4, 6), np.nan), 2, None)
    np.testing.assert_array_equal(routing.experts, np.argsort(-(x @ w_g), axis=1)[:, :2])


def test_all_experts_may_be_selected(random):
    routing = _route(
        random.normal(size=(5, 4)), random.normal(size=(4, 3)), np.zeros((4, 3)), 3, None
    )
    np.testing.assert_array_equal(np.sort(routing.experts, axis=1), [[0, 1, 2]] * 5)
    assert routing.top.shape == (5, 3)


def test_gate_is_float32_under_bfloat16(random):
    x = tf.cast(random.normal(size=(6, 4)), tf.bfloat16)
    # Logits that bfloat16 cannot tell apart: 256 and 256.5.
    w_g = np.zeros((4, 2))
    w_g[0] = [256.0, 256.5]
    positive = tf.abs(x)
    routing = router.route(
        positive,
        tf.constant(w_g, tf.float32),
        tf.zeros([4, 2]),
        selected=1,
        noise=None,
    )
    assert routing.gates.dtype == tf.float32
    np.testing.assert_array_equal(routing.experts, [[1]] * 6)
