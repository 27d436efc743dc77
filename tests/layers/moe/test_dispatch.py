"""Moving rows to experts and back."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers.moe import dispatch

EXPERTS = [[2, 0], [0, 3], [3, 2]]  # [N, K] = [3, 2]; nobody chose expert 1


def test_blocks_by_hand():
    plan = dispatch.plan(tf.constant(EXPERTS), 4)
    x = tf.constant([[10.0], [11.0], [12.0]])
    # Expert 0 serves positions 0 and 1; 1 none; 2 serves 0 and 2; 3 serves 1 and 2.
    np.testing.assert_array_equal(dispatch.scatter(x, plan), [[10], [11], [10], [12], [11], [12]])
    np.testing.assert_array_equal(plan.sizes, [2, 0, 2, 2])


def test_combine_by_hand():
    plan = dispatch.plan(tf.constant(EXPERTS), 4)
    rows = tf.constant([[1.0], [1.0], [10.0], [10.0], [100.0], [100.0]])
    gates = tf.constant([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]])
    # Position 0: 0.5 x 10 + 0.5 x 1; 1: 0.25 x 1 + 0.75 x 100; 2: 0 x 100 + 1 x 10.
    np.testing.assert_allclose(dispatch.combine(rows, gates, plan), [[5.5], [75.25], [10]])


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_experts_and_their_gradients_agree_with_automatic_ones(random, dtype):
    n, k, d, f, e = 7, 2, 3, 4, 5
    chosen = np.argsort(random.random((n, e - 1)), axis=1)[:, :k]  # nobody chooses the last
    plan = dispatch.plan(tf.constant(chosen, tf.int32), e)
    x, w_in, w_out, up = (
        tf.cast(random.normal(size=shape), dtype)
        for shape in ((n * k, d), (e, d, f), (e, f, d), (n * k, d))
    )
    owner = np.sort(chosen.reshape(-1))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch((x, w_in, w_out))
        ours = dispatch.run_experts(x, plan, w_in, w_out)
        # Each row by itself, with the weights of its expert.
        wide = [tf.cast(one, tf.float32) for one in (x, w_in, w_out)]
        hidden = tf.nn.relu(tf.einsum("rd,rdf->rf", wide[0], tf.gather(wide[1], owner)))
        plain = tf.einsum("rf,rfd->rd", hidden, tf.gather(wide[2], owner))
        loss = tf.reduce_sum(tf.cast(ours * up, tf.float32))
        expected_loss = tf.reduce_sum(plain * tf.cast(up, tf.float32))
    close = {"atol": 1e-4} if dtype == tf.float32 else {"atol": 0.1, "rtol": 0.05}
    np.testing.assert_allclose(tf.cast(ours, tf.float32), plain, **close)
    for variable in (x, w_in, w_out):
        gradient = tape.gradient(loss, variable)
        expected = tf.convert_to_tensor(tape.gradient(expected_loss, variable))
        assert gradient.dtype == dtype
        np.testing.assert_allclose(
            tf.cast(gradient, tf.float32), tf.cast(expected, tf.float32), **close
        )
    assert not np.any(tf.cast(tape.gradient(loss, w_in)[-1], tf.float32))


def test_there_and_back_again_loses_nothing(random):
    experts = tf.constant(np.argsort(random.random((40, 9)), axis=1)[:, :3], tf.int32)
    plan = dispatch.plan(experts, 9)
    x = tf.constant(random.normal(size=(40, 5)), tf.float32)
    gates = tf.constant(random.dirichlet(np.ones(3), size=40), tf.float32)
    # Experts that do nothing: each position gets itself times the sum of its gates.
    np.testing.assert_allclose(
        dispatch.combine(dispatch.scatter(x, plan), gates, plan), x, rtol=1e-5
    )


@pytest.mark.parametrize("experts_count", [4, 40])
def test_work_grows_with_the_selected_and_not_with_all(monkeypatch, experts_count, random):
    multiplied = []
    matmul = tf.matmul

    def counting(a, b, **options):
        multiplied.append(a.shape[0])
        return matmul(a, b, **options)

    monkeypatch.setattr(tf, "matmul", counting)
    n, k, d, f = 12, 3, 4, 6
    experts = tf.constant(np.argsort(random.random((n, experts_count)), axis=1)[:, :k], tf.int32)
    plan = dispatch.plan(experts, experts_count)
    rows = dispatch.scatter(tf.ones([n, d]), plan)
    w_in, w_out = tf.ones([experts_count, d, f]), tf.ones([experts_count, f, d])
    dispatch.run_experts(rows, plan, w_in, w_out)
    # Each row is multiplied twice (w_in, w_out): 2 x N x K rows, whatever E is.
    assert sum(multiplied) == 2 * n * k


def test_gradients_of_the_moves_agree_with_automatic_ones(random):
    experts = tf.constant(np.argsort(random.random((8, 5)), axis=1)[:, :2], tf.int32)
    plan = dispatch.plan(experts, 5)
    x = tf.constant(random.normal(size=(8, 3)), tf.float32)
    gates = tf.constant(random.dirichlet(np.ones(2), size=8), tf.float32)
    scale = tf.constant(random.normal(size=5), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch((x, gates))
        factors = tf.repeat(scale, plan.sizes)[:, tf.newaxis]
        sorted_rows = tf.sin(dispatch.scatter(x, plan)) * factors
        ours = tf.reduce_sum(dispatch.combine(sorted_rows, gates, plan) ** 2)
        rows = tf.sin(x)[:, tf.newaxis] * tf.gather(scale, experts)[:, :, tf.newaxis]
        plain = tf.reduce_sum(tf.reduce_sum(rows * gates[:, :, tf.newaxis], axis=1) ** 2)
    np.testing.assert_allclose(ours, plain, rtol=1e-5)
    for variable in (x, gates):
        np.testing.assert_allclose(
            tape.gradient(ours, variable), tape.gradient(plain, variable), rtol=1e-4, atol=1e-5
        )
