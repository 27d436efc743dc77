"""The mixture-of-experts layer as a model uses it."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.layers.moe import layer as moe

D, E, K, F = 5, 6, 2, 8


@pytest.fixture
def mixture(shake):
    made = moe.MixtureOfExperts(D, experts=E, selected=K, filter_width=F)
    shake(made, scale=0.3)
    return made


def _weights(mixture):
    return [
        w.numpy() for w in (mixture.gate_kernel, mixture.noise_kernel, mixture.w_in, mixture.w_out)
    ]


def test_agrees_with_the_formula(mixture, random, reference):
    x, noise = random.normal(size=(9, D)), random.normal(size=(9, E))
    y, stats = mixture(_f32(x), training=True, noise=_f32(noise))
    expected, importance, load = reference.mixture_of_experts(x, *_weights(mixture), K, noise)
    np.testing.assert_allclose(y, expected, atol=1e-4)
    np.testing.assert_allclose(stats.importance, importance, atol=1e-4)
    variation = [(v.std() / v.mean()) ** 2 for v in (importance, load)]
    np.testing.assert_allclose([stats.importance_loss, stats.load_loss], variation, atol=1e-4)
    assert sum(stats.load.numpy()) == 9 * K
    assert sum(stats.importance.numpy()) == pytest.approx(9)


def test_evaluation_has_no_noise(mixture, random, reference):
    x = random.normal(size=(9, D))
    y, stats = mixture(_f32(x))
    expected, importance, _ = reference.mixture_of_experts(x, *_weights(mixture), K, None)
    np.testing.assert_allclose(y, expected, atol=1e-4)
    np.testing.assert_allclose(stats.importance, importance, atol=1e-4)
    load = stats.load.numpy()
    assert float(stats.load_loss) == pytest.approx((load.std() / load.mean()) ** 2, rel=1e-4)


def test_padded_positions_take_no_part(mixture, random):
    x, noise = random.normal(size=(2, 4, D)), random.normal(size=(8, E))
    mask = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)
    y, stats = mixture(_f32(x), mask=mask, training=True, noise=_f32(noise))
    real = np.ravel(mask)
    flat = x.reshape(8, D)[real]
    alone, expected = mixture(_f32(flat), training=True, noise=_f32(noise[real]))
    np.testing.assert_allclose(tf.boolean_mask(y, mask), alone, atol=1e-6)
    assert not y.numpy()[~mask].any()
    for ours, theirs in zip(stats, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    x[~mask] = np.nan  # what stands there does not matter
    again, _ = mixture(_f32(x), mask=mask, training=True, noise=_f32(noise))
    np.testing.assert_array_equal(again, y)


def test_positions_in_another_order_give_the_same(mixture, random):
    x, noise = random.normal(size=(9, D)), random.normal(size=(9, E))
    order = random.permutation(9)
    y, stats = mixture(_f32(x), training=True, noise=_f32(noise))
    moved, moved_stats = mixture(_f32(x[order]), training=True, noise=_f32(noise[order]))
    np.testing.assert_allclose(moved, y.numpy()[order], atol=1e-6)
    for ours, theirs in zip(stats, moved_stats, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_gradients_agree_with_finite_differences(mixture, random):
    x = tf.Variable(random.normal(size=(4, D)), dtype=tf.float32)
    noise = _f32(random.normal(size=(4, E)))
    upstream = _f32(random.normal(size=(4, D)))

    def loss():
        y, stats = mixture(x.read_value(), training=True, noise=noise)
        return tf.reduce_sum(y * upstream) + stats.importance_loss + 3 * stats.load_loss

    variables = [x, *(v.value for v in mixture.trainable_variables)]
    with tf.GradientTape() as tape:
        value = loss()
    for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
        for _ in range(6):
            place = tuple(random.integers(variable.shape))
            step = np.zeros(variable.shape, np.float32)
            step[place] = 1e-3
            variable.assign_add(step)
            above = loss()
            variable.assign_sub(2 * step)
            slope = (above - loss()) / 2e-3
            variable.assign_add(step)
            np.testing.assert_allclose(gradient[place], slope, rtol=0.05, atol=0.01)


def test_experts_that_nobody_chose_get_zero_gradients(mixture, random):
    gate = np.zeros((D, E), np.float32)
    gate[0] = [3, 2, 1, 0, -1, -2]
    mixture.gate_kernel.assign(gate)
    x = tf.abs(_f32(random.normal(size=(7, D))))  # positive: always experts 0 and 1
    with tf.GradientTape() as tape:
        y, stats = mixture(x)
        value = tf.reduce_sum(y**2)
    np.testing.assert_array_equal(stats.load, [7, 7, 0, 0, 0, 0])
    for gradient in tape.gradient(value, [mixture.w_in.value, mixture.w_out.value]):
        used = np.abs(gradient).max(axis=(1, 2)) > 0
        np.testing.assert_array_equal(used, [True, True, False, False, False, False])


def test_one_trace_serves_all_batches_even_an_empty_one(mixture):
    traces = []

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, D]),
            tf.TensorSpec([None, None], tf.bool),
            tf.TensorSpec([2], tf.int32),
        ]
    )
    def train(x, mask, seed):
        traces.append(1)
        with tf.GradientTape() as tape:
            y, stats = mixture(x, mask=mask, training=True, seed=seed)
            loss = tf.reduce_sum(y**2) + stats.importance_loss + stats.load_loss
        return y, stats, tape.gradient(loss, mixture.trainable_variables)

    for batch, length, real in (
        (2, 3, True),
        (4, 1, True),
        (1, 1, True),
        (2, 2, False),
        (0, 3, True),
    ):
        mask = tf.fill([batch, length], real)
        y, stats, gradients = train(tf.ones([batch, length, D]), mask, [1, 2])
        assert y.shape == (batch, length, D)
        assert sum(stats.load.numpy()) == (batch * length * K if real else 0)
        for value in tf.nest.flatten((stats, gradients)):
            assert np.isfinite(value).all()
    assert len(traces) == 1


def test_noise_is_drawn_from_the_seed(mixture, random):
    x = _f32(random.normal(size=(9, D)))
    first, same, other = (
        mixture(x, training=True, seed=tf.constant(seed))[0] for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-3


def test_training_without_seed_or_noise_is_refused(mixture):
    with pytest.raises(ValueError, match="seed"):
        mixture(tf.ones([1, D]), training=True)


def test_bfloat16_computes_experts_in_bfloat16_and_the_gate_in_float32(bfloat16, shake, random):
    mixture = moe.MixtureOfExperts(D, experts=E, selected=K, filter_width=F)
    shake(mixture)
    x = tf.cast(random.normal(size=(9, D)), tf.bfloat16)
    noise = _f32(random.normal(size=(9, E)))
    with tf.GradientTape() as tape:
        y, stats = mixture(x, training=True, noise=noise)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 2) + stats.load_loss
    gradients = tape.gradient(loss, [v.value for v in mixture.trainable_variables])
    assert y.dtype == tf.bfloat16
    assert stats.load_loss.dtype == stats.importance.dtype == tf.float32
    assert {g.dtype for g in gradients} == {tf.float32}
    wide = moe.MixtureOfExperts(D, experts=E, selected=K, filter_width=F)
    for ours, theirs in zip(wide.trainable_variables, mixture.trainable_variables, strict=True):
        ours.assign(theirs)
    wide.dtype_policy = "float32"
    expected, expected_stats = wide(tf.cast(x, tf.float32), training=True, noise=noise)
    np.testing.assert_array_equal(stats.load, expected_stats.load)  # the same choice
    np.testing.assert_allclose(tf.cast(y, tf.float32), expected, atol=0.15)


def test_starts_with_zero_gates_and_experts_of_the_scale_of_one():
    mixture = moe.MixtureOfExperts(16, experts=40, selected=4, filter_width=48)
    assert not mixture.gate_kernel.numpy().any()
    assert not mixture.noise_kernel.numpy().any()
    # Glorot of one expert [16, 48]: variance 2 / (16 + 48), whatever E is.
    for kernel in (mixture.w_in, mixture.w_out):
        assert kernel.numpy().var() == pytest.approx(2 / 64, rel=0.05)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((4, 5, 8), "selected=5, experts=4"),
        ((4, 0, 8), "selected=0"),
        ((4, 2, 0), "filter_width=0"),
    ],
)
def test_impossible_sizes_are_refused(sizes, message):
    experts, selected, filter_width = sizes
    with pytest.raises(errors.ConfigError, match=message):
        moe.MixtureOfExperts(D, experts=experts, selected=selected, filter_width=filter_width)


def _f32(values):
    return tf.constant(values, tf.float32)
