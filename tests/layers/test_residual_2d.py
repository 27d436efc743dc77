"""Residual blocks: their shapes, and what their kernels are."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import residual_2d


@pytest.mark.parametrize(("stride", "size"), [(1, (9, 7)), (2, (5, 4))])
def test_shapes(stride, size):
    block = residual_2d.Residual(4, 6, stride=stride)
    assert block(tf.ones([2, 9, 7, 4])).shape == (2, *size, 6)


def test_kernels_are_standardized():
    kernel = np.array([[[[1.0, 5.0], [3.0, 5.0]]], [[[5.0, 5.0], [7.0, 9.0]]]], np.float32)
    # Of the first output 1, 3, 5, 7 with mean 4: -3, -1, 1, 3, whose squares sum to 20.
    # Of the second 5, 5, 5, 9 with mean 6: -1, -1, -1, 3, whose squares sum to 12.
    first, second = [-3, -1, 1, 3] / np.sqrt(20), [-1, -1, -1, 3] / np.sqrt(12)
    found = np.reshape(residual_2d.standardized(tf.constant(kernel)), (4, 2))
    np.testing.assert_allclose(found, np.stack([first, second], 1), atol=1e-6)


def test_neither_the_size_of_a_kernel_nor_its_mean_matters():
    conv = residual_2d.Conv(4, 6)
    x = tf.random.stateless_normal([2, 5, 5, 4], [1, 2])
    before = conv(x)
    conv.kernel.assign(3 * conv.kernel + 0.5)
    np.testing.assert_allclose(conv(x), before, atol=1e-5)


def test_a_kernel_of_equal_weights_is_nothing():
    found = residual_2d.standardized(tf.fill([3, 3, 2, 2], 0.7))
    np.testing.assert_allclose(found, np.zeros((3, 3, 2, 2)), atol=1e-2)


def test_windows_of_stride_2_are_centred():
    """A kernel with one weight above the others: the middle one counts, less the mean of nine."""
    conv = residual_2d.Conv(1, 1, stride=2)
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[1, 1] = 1
    conv.kernel.assign(kernel)
    x = np.zeros((1, 8, 8, 1), np.float32)
    x[0, 4, 4] = 1  # the middle of the window of output 2, 2; at the edge of no other's
    y = np.zeros((1, 4, 4, 1), np.float32)
    y[0, 2, 2] = np.sqrt(8 / 9)  # 8/9 over the root of (8/9)^2 + 8 (1/9)^2 = 8/9
    np.testing.assert_allclose(conv(x), conv.norm(tf.constant(y)), atol=1e-5)
