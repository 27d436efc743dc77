"""Residual blocks: their shapes, and that a new one passes on what it gets."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import residual_2d


@pytest.mark.parametrize(("stride", "size"), [(1, (9, 7)), (2, (5, 4))])
def test_shapes(stride, size):
    block = residual_2d.Residual(4, 6, stride=stride)
    assert block(tf.ones([2, 9, 7, 4])).shape == (2, *size, 6)


def test_a_new_block_passes_on_what_is_positive():
    x = tf.random.stateless_normal([2, 4, 4, 8], [1, 2])
    np.testing.assert_array_equal(residual_2d.Residual(8, 8)(x), tf.nn.relu(x))


def test_windows_of_stride_2_are_centred():
    """A single 1 at the middle of the kernel takes every other position."""
    conv = residual_2d.Conv(1, 1, stride=2)
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[1, 1] = 1
    conv.kernel.assign(kernel)
    x = tf.random.stateless_normal([1, 8, 8, 1], [1, 2])
    np.testing.assert_array_equal(conv(x), conv.norm(x[:, ::2, ::2]))
