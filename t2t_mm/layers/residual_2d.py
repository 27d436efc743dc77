"""Residual blocks of ordinary convolutions over planes (He et al. 2015, arXiv 1512.03385).

    Residual(x) = ReLU(skip(x) + GN(Conv_3x3(ReLU(GN(Conv_3x3,stride(x))))))

`skip` is the identity where the shape stays, else `GN(Conv_1x1,stride)`. Group norm and
standardised kernels stand in for batch normalisation, whose statistics would mix the tasks
that share a net (Qiao et al. 2019, arXiv 1903.10520; Kolesnikov et al. 2019, arXiv 1912.11370).
"""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.layers import base, group_norm

SIZE = 3
EPSILON = 1e-8
"""Of the sum of squares, which is about 2 where a kernel begins."""


class Conv(base.Layer):
    """A convolution of standardised kernels without bias, and group norm.

    Args:
      width_in: channels of the input.
      width_out: channels of the output.
      size: of the kernel, odd.
      stride: along both axes.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        *,
        size: int = SIZE,
        stride: int = 1,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.stride, self.size = stride, size
        self.kernel = self.weight("kernel", (size, size, width_in, width_out), "he_normal")
        self.norm = group_norm.GroupNorm(width_out, name="norm")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `[B, h, w, width_in]` to `[B, h / stride, w / stride, width_out]`."""
        # Windows of any stride are centred: "SAME" would shift those of even sizes.
        around = [self.size // 2] * 2
        padding = [[0, 0], around, around, [0, 0]] if self.stride > 1 else "SAME"
        strides = [1, self.stride, self.stride, 1]
        kernel = tf.cast(standardized(tf.convert_to_tensor(self.kernel)), self.compute_dtype)
        return self.norm(tf.nn.conv2d(x, kernel, strides, padding))


class Residual(base.Layer):
    """Two convolutions beside a shortcut.

    Args:
      width_in: channels of the input.
      width_out: channels of the output.
      stride: along both axes.
    """

    def __init__(
        self, width_in: int, width_out: int, *, stride: int = 1, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.first = Conv(width_in, width_out, stride=stride, name="first")
        self.second = Conv(width_out, width_out, name="second")
        self.skip = None
        if stride > 1 or width_in != width_out:
            self.skip = Conv(width_in, width_out, size=1, stride=stride, name="skip")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `[B, h, w, width_in]` to `[B, h / stride, w / stride, width_out]`."""
        branch = self.second(tf.nn.relu(self.first(x)))
        return tf.nn.relu(branch + (x if self.skip is None else self.skip(x)))


def standardized(kernel: tf.Tensor) -> tf.Tensor:
    """Returns a kernel whose weights for each output have mean 0, and squares that sum to 1.

    (Qiao et al. 2019, equation 5, with a variance divided by the number of inputs.)

    Args:
      kernel: float32 `[height, width, in, out]`.
    """
    centred = kernel - tf.reduce_mean(kernel, [0, 1, 2])
    squares = tf.reduce_sum(tf.square(centred), [0, 1, 2])
    return centred * tf.math.rsqrt(squares + EPSILON)
