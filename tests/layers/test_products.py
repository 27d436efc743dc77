"""Products with gradients of their own, against automatic ones."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import products


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
@pytest.mark.parametrize("width", [4, 1024])
@pytest.mark.parametrize("with_bias", [True, False])
def test_affine_and_its_gradients_agree_with_automatic_ones(random, dtype, with_bias, width):
    shapes = [(5, 3), (3, width), (width,)][: 3 if with_bias else 2]
    arguments = [tf.cast(random.normal(size=shape), dtype) for shape in shapes]
    up = tf.cast(random.normal(size=(5, width)), dtype)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(arguments)
        ours = products.affine(*arguments)
        plain = tf.matmul(arguments[0], arguments[1])
        if with_bias:
            plain = tf.nn.bias_add(plain, arguments[2])
    np.testing.assert_array_equal(tf.cast(ours, tf.float32), tf.cast(plain, tf.float32))
    for argument in arguments:
        gradient, expected = (
            tape.gradient(y, argument, output_gradients=up) for y in (ours, plain)
        )
        assert gradient.dtype == dtype
        np.testing.assert_allclose(
            tf.cast(gradient, tf.float32), tf.cast(expected, tf.float32), rtol=1e-4, atol=1e-4
        )


def test_times_transposed_by_hand():
    x, w = tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    # 1 x 3 + 2 x 4, 1 x 5 + 2 x 6, 1 x 7 + 2 x 8
    np.testing.assert_array_equal(products.times_transposed(x, w), [[11, 17, 23]])
