"""Steps and blocks over planes: shapes, names, windows of any stride, and masks."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import conv_2d, normalization


def plane(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def stirred(layer, *, seed=0):
    """Gives every variable a value of its own."""
    draw = np.random.default_rng(seed)
    for variable in layer.trainable_variables:
        variable.assign(variable + draw.normal(scale=0.3, size=variable.shape))
    return layer


def test_the_block_of_pictures_keeps_its_variables():
    block = conv_2d.ConvRes(4, 6)
    # A checkpoint holds variables by their place in the tree of layers.
    assert [(v.path, tuple(v.shape)) for v in block.trainable_variables] == [
        ("first/depthwise", (3, 3, 4, 1)),
        ("pointwise/kernel", (4, 6)),
        ("pointwise/bias", (6,)),
        ("norm/scale", (6,)),
        ("norm/offset", (6,)),
        ("second/depthwise", (3, 3, 6, 1)),
        ("pointwise/kernel", (6, 6)),
        ("pointwise/bias", (6,)),
        ("norm/scale", (6,)),
        ("norm/offset", (6,)),
        ("skip/kernel", (4, 6)),
        ("skip/bias", (6,)),
        ("skip_norm/scale", (6,)),
        ("skip_norm/offset", (6,)),
    ]
    layers = [block.first, block.second, block.skip, block.skip_norm]
    assert {type(layer.norm) for layer in layers[:2]} == {normalization.LayerNorm}


@pytest.mark.parametrize(
    ("strides", "size", "shape"),
    [
        ((2, 2), (3, 3), (5, 4)),
        ((2, 1), (3, 3), (5, 7)),
        ((1, 1), (3, 3), (9, 7)),
        ((2, 1), (3, 1), (5, 7)),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_strides_and_windows(strides, size, shape, whole):
    block = conv_2d.ConvRes(2, 3, strides=strides, size=size, whole=whole)
    assert block(plane(2, 9, 7, 2)).shape == (2, *shape, 3)
    assert tuple(block.first.depthwise.shape) == (*size, 2, 1)


def test_pool_takes_the_largest_of_each_window():
    x = plane(1, 6, 5, 2).numpy()
    found = conv_2d.pool(tf.constant(x), strides=(2, 1)).numpy()
    assert found.shape == (1, 3, 5, 2)
    for i in range(3):
        for j in range(5):
            window = x[0, max(2 * i - 1, 0) : 2 * i + 2, max(j - 1, 0) : j + 2]
            np.testing.assert_array_equal(found[0, i, j], window.max((0, 1)))


@pytest.mark.parametrize("strides", [(2, 1), (1, 1), (2, 2)])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_what_is_masked_changes_nothing_that_is_not(strides, whole, relu):
    block = stirred(conv_2d.ConvRes(2, 3, strides=strides, relu=relu, whole=whole))
    x = plane(1, 7, 5, 2)
    alone = block(x, tf.ones([1, 7, 1, 1])).numpy()
    for more in (1, 2, 5):
        mask = tf.pad(tf.ones([1, 7, 1, 1]), [[0, 0], [0, more], [0, 0], [0, 0]])
        padded = block(tf.pad(x, [[0, 0], [0, more], [0, 0], [0, 0]]), mask).numpy()
        np.testing.assert_allclose(padded[:, : alone.shape[1]], alone, atol=1e-5)
        assert not padded[:, alone.shape[1] :].any()
    np.testing.assert_allclose(block(x), alone, atol=1e-5)


def test_without_a_relu_negative_values_count():
    x = -tf.abs(plane(1, 4, 4, 1))
    for relu, differ in ((True, False), (False, True)):
        step = stirred(conv_2d.PlaneConvStep(1, 3, relu=relu))
        assert np.allclose(step(x), step(2 * x)) != differ
