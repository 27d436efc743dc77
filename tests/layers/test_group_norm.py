"""Group norm against NumPy in float64, its gradient against differences."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import group_norm


def reference(x, scale, offset, groups):
    x = x.astype(np.float64)
    split = x.reshape(*x.shape[:3], groups, -1)
    mean = split.mean((1, 2, 4), keepdims=True)
    normal = (split - mean) / np.sqrt(split.var((1, 2, 4), keepdims=True) + group_norm.EPSILON)
    return normal.reshape(x.shape) * scale + offset


@pytest.mark.parametrize(("width", "groups"), [(6, 1), (16, 1), (32, 2), (20, 2), (17, 17)])
def test_it_normalises_each_group_of_each_example(width, groups):
    layer = group_norm.GroupNorm(width)
    assert layer.groups == groups  # 16 channels each at most, all of one size
    draw = np.random.default_rng(0)
    x = draw.normal(3.0, 2.0, (2, 5, 4, width)).astype(np.float32)
    scale, offset = draw.normal(size=(2, width)).astype(np.float32)
    layer.scale.assign(scale)
    layer.offset.assign(offset)
    np.testing.assert_allclose(
        layer(tf.constant(x)), reference(x, scale, offset, groups), atol=2e-5
    )


def test_an_example_is_normalised_by_itself():
    layer = group_norm.GroupNorm(8)
    x = tf.random.stateless_normal([3, 4, 4, 8], [1, 2])
    np.testing.assert_allclose(layer(x)[1:2], layer(x[1:2]), atol=1e-6)


def test_its_gradient():
    layer = group_norm.GroupNorm(4)
    draw = np.random.default_rng(1)
    layer.scale.assign(draw.normal(size=4))
    x = draw.normal(size=(2, 3, 2, 4)).astype(np.float32)
    weights = draw.normal(size=x.shape)  # of each output in the sum that is differentiated

    def total(x, scale, offset):
        return (reference(x, scale, offset, 1) * weights).sum()

    scale, offset = np.array(layer.scale), np.array(layer.offset)
    at = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = tf.reduce_sum(layer(at) * weights.astype(np.float32))
    found = tape.gradient(value, [at, *layer.trainable_variables])
    values = [x.astype(np.float64), scale.astype(np.float64), offset.astype(np.float64)]
    for place, gradient in enumerate(found):
        expected = np.zeros_like(values[place])
        for index in np.ndindex(*expected.shape):
            moved = [[v.copy() for v in values] for _ in range(2)]
            moved[0][place][index] += 1e-5
            moved[1][place][index] -= 1e-5
            expected[index] = (total(*moved[0]) - total(*moved[1])) / 2e-5
        np.testing.assert_allclose(gradient, expected, atol=1e-4)
