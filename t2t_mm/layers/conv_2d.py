"""The ConvStep over a plane, and the residual block of Xception's entry flow.

    ConvStep(x)    = LN(SepConv(ReLU(x)))
    ConvRes(x, F)  = maxpool_3x3,stride 2(ConvStep_3x3,F(ConvStep_3x3,F(x)))
                     + ConvStep_1x1,stride 2,F(x)

(Kaiser et al. 2017, section 2.5.2; Chollet 2017, arXiv 1610.02357.) Here `C` is
channels: planes are `[B, height, width, C]`, convolutions padded to keep their size.
"""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.layers import base, initializers, linear, normalization

SIZE = 3
# One on every side, where TensorFlow's "SAME" would shift by the parity of the size: a
# window of stride 2 stays centred on every other position, however much padding follows.
PADDING = [[0, 0], [1, 1], [1, 1], [0, 0]]


class PlaneConvStep(base.Layer):
    """ReLU, 3x3 depthwise convolution, pointwise convolution, layer norm.

    Args:
      width_in: channels of the input.
      width_out: channels of the output.
      stride: along both axes.
    """

    def __init__(
        self, width_in: int, width_out: int, *, stride: int = 1, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.stride = stride
        taps = initializers.NearIdentity((SIZE // 2, SIZE // 2))
        self.depthwise = self.weight("depthwise", (SIZE, SIZE, width_in, 1), taps)
        self.pointwise = linear.Linear(width_in, width_out, name="pointwise")
        self.norm = normalization.LayerNorm(width_out, name="norm")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `[B, h, w, width_in]` to `[B, h / stride, w / stride, width_out]`."""
        kernel = self.read(self.depthwise)
        strides = [1, self.stride, self.stride, 1]
        y = tf.nn.depthwise_conv2d(tf.nn.relu(x), kernel, strides, PADDING)
        return self.norm(self.pointwise(y))


class PlaneConv(base.Layer):
    """An ordinary 3x3 convolution and layer norm, for the few channels of pixels.

    Args:
      width_in: channels of the input.
      width_out: channels of the output.
      stride: along both axes.
      relu: whether a ReLU comes first; not on pixels, where it would lose half.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        *,
        stride: int = 1,
        relu: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.stride, self.relu = stride, relu
        shape = (SIZE, SIZE, width_in, width_out)
        self.kernel = self.weight("kernel", shape, "glorot_uniform")
        self.norm = normalization.LayerNorm(width_out, name="norm")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `[B, h, w, width_in]` to `[B, h / stride, w / stride, width_out]`."""
        x = tf.nn.relu(x) if self.relu else x
        strides = [1, self.stride, self.stride, 1]
        return self.norm(tf.nn.conv2d(x, self.read(self.kernel), strides, PADDING))


class ConvRes(base.Layer):
    """Two steps and a pooling of stride 2, beside a 1x1 step of stride 2.

    Args:
      width_in: channels of the input.
      width_out: F, channels of the output.
    """

    def __init__(self, width_in: int, width_out: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.first = PlaneConvStep(width_in, width_out, name="first")
        self.second = PlaneConvStep(width_out, width_out, name="second")
        self.skip = linear.Linear(width_in, width_out, name="skip")
        self.skip_norm = normalization.LayerNorm(width_out, name="skip_norm")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `[B, h, w, width_in]` to `[B, h / 2, w / 2, width_out]`, rounded up."""
        # A 1x1 depthwise convolution only scales channels, which the pointwise does too.
        skip = self.skip_norm(self.skip(tf.nn.relu(x[:, ::2, ::2])))
        return pool(self.second(self.first(x))) + skip


def pool(x: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the largest value of each 3x3 square, stride 2.

    Args:
      x: `[B, h, w, C]`.
      mask: `[B, h, w, 1]`; positions where it is 0 are never the largest.

    Returns:
      `[B, h / 2, w / 2, C]`, rounded up.
    """
    if mask is not None:
        x = tf.where(mask > 0, x, x.dtype.min)
    return tf.nn.max_pool2d(x, SIZE, 2, PADDING)
