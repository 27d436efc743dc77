"""Moving rows to experts and back."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers.moe import dispatch

EXPERTS = [[2, 0], [0, 3], [3, 2]]  # [N, K] = [3, 2]; nobody chose expert 1


def test_blocks_by_hand():
    plan = dispatch.plan(tf.constant(EXPERTS), 4)
    x = tf.constant([[10.0], [11.0], [12.0]])
    blocks = dispatch.scatter(x, plan)
    # Expert 0 serves positions 0 and 1; 1 none; 2 serves 0 and 2; 3 serves 1 and 2.
    expected = [[[10], [11]], np.zeros((0, 1)), [[10], [12]], [[11], [12]]]
    assert len(blocks) == 4
    for block, rows in zip(blocks, expected, strict=True):
        np.testing.assert_array_equal(block, rows)
    np.testing.assert_array_equal(plan.sizes, [2, 0, 2, 2])


def test_combine_by_hand():
    plan = dispatch.plan(tf.constant(EXPERTS), 4)
    blocks = [tf.fill([n, 1], value) for n, value in ((2, 1.0), (0, 5.0), (2, 10.0), (2, 100.0))]
    gates = tf.constant([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]])
    # Position 0: 0.5 x 10 + 0.5 x 1; 1: 0.25 x 1 + 0.75 x 100; 2: 0 x 100 + 1 x 10.
    np.testing.assert_allclose(dispatch.combine(blocks, gates, plan), [[5.5], [75.25], [10]])


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
    blocks = dispatch.scatter(tf.ones([n, d]), plan)
    dispatch.run_experts(blocks, tf.ones([experts_count, d, f]), tf.ones([experts_count, f, d]))
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
        blocks = [tf.sin(b) * scale[e] for e, b in enumerate(dispatch.scatter(x, plan))]
        ours = tf.reduce_sum(dispatch.combine(blocks, gates, plan) ** 2)
        rows = tf.sin(x)[:, tf.newaxis] * tf.gather(scale, experts)[:, :, tf.newaxis]
        plain = tf.reduce_sum(tf.reduce_sum(rows * gates[:, :, tf.newaxis], axis=1) ** 2)
    np.testing.assert_allclose(ours, plain, rtol=1e-5)
    for variable in (x, gates):
        np.testing.assert_allclose(
            tape.gradient(ours, variable), tape.gradient(plain, variable), rtol=1e-4, atol=1e-5
        )
