"""Layer normalisation against its formula."""

import numpy as np
import tensorflow as tf

from t2t_mm.layers import normalization


def test_agrees_with_the_formula(random, reference, shake):
    norm = normalization.LayerNorm(6)
    shake(norm)
    x = random.normal(loc=2.0, scale=3.0, size=(2, 4, 6))
    expected = reference.layer_norm(x, norm.scale.numpy(), norm.offset.numpy())
    np.testing.assert_allclose(norm(tf.constant(x, tf.float32)), expected, atol=1e-5)


def test_by_hand():
    norm = normalization.LayerNorm(4)
    # Mean 4, deviations [-3, -1, 1, 3], variance (9 + 1 + 1 + 9) / 4 = 5.
    y = norm(tf.constant([[1.0, 3.0, 5.0, 7.0]]))
    np.testing.assert_allclose(y, [np.array([-3, -1, 1, 3]) / np.sqrt(5)], rtol=1e-5)


def test_gradients_agree_with_automatic_ones(random, shake):
    norm = normalization.LayerNorm(5)
    shake(norm)
    x = tf.constant(random.normal(size=(3, 2, 5)), tf.float32)
    upstream = tf.constant(random.normal(size=(3, 2, 5)), tf.float32)
    scale, offset = norm.scale.value, norm.offset.value
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        ours = tf.reduce_sum(norm(x) * upstream)
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        normal = (x - mean) / tf.sqrt(variance + normalization.EPSILON)
        plain = tf.reduce_sum((normal * scale + offset) * upstream)
    for variable in (x, scale, offset):
        np.testing.assert_allclose(
            tape.gradient(ours, variable), tape.gradient(plain, variable), atol=1e-4
        )


def test_bfloat16_keeps_its_type_and_float32_statistics(bfloat16, random):
    norm = normalization.LayerNorm(64)
    # Far from zero, bfloat16 sums would lose the spread altogether.
    x = tf.cast(100 + random.integers(-8, 8, size=(3, 64)), tf.bfloat16)
    y = norm(x)
    assert y.dtype == tf.bfloat16
    np.testing.assert_allclose(
        tf.math.reduce_std(tf.cast(y, tf.float32), -1), np.ones(3), atol=0.02
    )


def test_a_whole_plane_against_numpy_and_automatic_differentiation():
    draw = np.random.default_rng(0)
    x = tf.constant(draw.normal(2, 3, (2, 5, 4, 3)).astype(np.float32))
    mask = np.ones((2, 5, 1, 1), np.float32)
    mask[1, 3:] = 0
    layer = normalization.PlaneNorm(3)
    layer.scale.assign(draw.normal(size=3))
    layer.offset.assign(draw.normal(size=3))
    weights = tf.constant(draw.normal(size=x.shape).astype(np.float32))

    def plain(x, scale, offset):
        """The definition, in operations that TensorFlow differentiates itself."""
        count = tf.reduce_sum(mask, [1, 2, 3], keepdims=True) * 4 * 3
        centred = x - tf.reduce_sum(x * mask, [1, 2, 3], keepdims=True) / count
        variance = tf.reduce_sum(centred**2 * mask, [1, 2, 3], keepdims=True) / count
        return (centred * tf.math.rsqrt(variance + normalization.EPSILON) * scale + offset) * mask

    scale, offset = layer.scale.value, layer.offset.value
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        found, expected = layer(x, tf.constant(mask)), plain(x, scale, offset)
        losses = [tf.reduce_sum(y * weights) for y in (found, expected)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    real = x.numpy()[1, :3]
    by_hand = (real - real.mean()) / real.std() * scale.numpy() + offset.numpy()
    np.testing.assert_allclose(found[1, :3], by_hand, atol=1e-4)
    for source in (x, scale, offset):
        ours, theirs = (tf.convert_to_tensor(tape.gradient(loss, source)) for loss in losses)
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_two_channels_are_more_than_their_signs():
    x = tf.constant(np.random.default_rng(0).normal(size=(1, 6, 4, 2)).astype(np.float32))
    by_channel = normalization.LayerNorm(2)(x).numpy()
    assert len(np.unique(by_channel.round(2))) == 2
    assert len(np.unique(normalization.PlaneNorm(2)(x).numpy().round(2))) > 30
