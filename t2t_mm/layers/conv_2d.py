"""The ConvStep over a plane, and the residual block of Xception's entry flow.

    ConvStep(x)    = LN(SepConv(ReLU(x)))
    ConvRes(x, F)  = maxpool_3x3,stride 2(ConvStep_3x3,F(ConvStep_3x3,F(x)))
                     + ConvStep_1x1,stride 2,F(x)

(Kaiser et al. 2017, section 2.5.2; Chollet 2017, arXiv 1610.02357.) Here `C` is
channels: planes are `[B, height, width, C]`, convolutions padded to keep their size.
The plane of a sound is time by frequency: it strides along time only, a waveform is one
wide and its windows with it, and what lies behind a sound's end is masked.
"""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.layers import base, initializers, linear, normalization

SIZE = 3

Pair = tuple[int, int]
"""Along height, along width."""


class PlaneConvStep(base.Layer):
    """ReLU, 3x3 depthwise convolution, pointwise convolution, layer norm.

    Args:
      width_in: channels of the input.
      width_out: channels of the output.
      stride: along both axes.
      size: of the window.
      relu: whether the ReLU is there; not on raw values, where it would lose half.
      whole: whether the norm is over all of a plane instead of each position.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        *,
        stride: int = 1,
        size: Pair = (SIZE, SIZE),
        relu: bool = True,
        whole: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.stride, self.size, self.relu = stride, size, relu
        taps = initializers.NearIdentity((size[0] // 2, size[1] // 2))
        self.depthwise = self.weight("depthwise", (*size, width_in, 1), taps)
        self.pointwise = linear.Linear(width_in, width_out, name="pointwise")
        self.norm = _norm(width_out, whole=whole, name="norm")

    def call(self, x: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Maps `[B, h, w, width_in]` to `[B, h / stride, w / stride, width_out]`.

        Args:
          x: the input, 0 where the mask is 0.
          mask: `[B, h, w or 1, 1]`, 1 for real positions; only without a stride.
        """
        x = tf.nn.relu(x) if self.relu else x
        kernel = self.read(self.depthwise)
        strides = [1, self.stride, self.stride, 1]
        # Without a stride "SAME" is the same padding, with a gradient of a third the time.
        padding = "SAME" if self.stride == 1 else _padding(self.size)
        y = tf.nn.depthwise_conv2d(x, kernel, strides, padding)
        return _normalized(self.norm, self.pointwise(y), mask)


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
        return self.norm(tf.nn.conv2d(x, self.read(self.kernel), strides, _padding((SIZE, SIZE))))


class ConvRes(base.Layer):
    """Two steps and a pooling of stride 2, beside a 1x1 step of stride 2.

    Args:
      width_in: channels of the input.
      width_out: F, channels of the output.
      strides: along height and width.
      size: of the windows of steps and pooling.
      relu: whether the block's input goes through ReLUs; not where it is raw values.
      whole: whether norms are over all of a plane instead of each position.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        *,
        strides: Pair = (2, 2),
        size: Pair = (SIZE, SIZE),
        relu: bool = True,
        whole: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.strides, self.size, self.relu = strides, size, relu
        self.first = PlaneConvStep(
            width_in, width_out, size=size, relu=relu, whole=whole, name="first"
        )
        self.second = PlaneConvStep(width_out, width_out, size=size, whole=whole, name="second")
        self.skip = linear.Linear(width_in, width_out, name="skip")
        self.skip_norm = _norm(width_out, whole=whole, name="skip_norm")

    def call(self, x: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Maps `[B, h, w, width_in]` to `[B, h / stride, w / stride, width_out]`, rounded up.

        Args:
          x: the input, 0 where the mask is 0.
          mask: `[B, h, w or 1, 1]`, 1 for real positions; the others change no output of
            these, and come out as 0. That of the output is every so many-th of it.
        """
        down, across = self.strides
        kept = x[:, ::down, ::across]
        kept_mask = None if mask is None else mask[:, ::down, ::across]
        # A 1x1 depthwise convolution only scales channels, which the pointwise does too.
        skip = self.skip(tf.nn.relu(kept) if self.relu else kept)
        skip = _normalized(self.skip_norm, skip, kept_mask)
        y = self.second(self.first(x, mask), mask)
        return _masked(pool(y, mask, strides=self.strides, size=self.size) + skip, kept_mask)


def pool(
    x: tf.Tensor,
    mask: tf.Tensor | None = None,
    *,
    strides: Pair = (2, 2),
    size: Pair = (SIZE, SIZE),
) -> tf.Tensor:
    """Returns the largest value of each 3x3 square, stride 2.

    Args:
      x: `[B, h, w, C]`.
      mask: `[B, h, w or 1, 1]`; positions where it is 0 are never the largest.
      strides: along height and width.
      size: of what takes the place of the square.

    Returns:
      `[B, h / stride, w / stride, C]`, rounded up.
    """
    if mask is not None:
        x = tf.where(mask > 0, x, x.dtype.min)
    # The gradient of a pooling that pads by itself takes ten times as long on a CPU.
    padded = tf.pad(x, _padding(size), constant_values=x.dtype.min)
    return tf.nn.max_pool2d(padded, size, strides, "VALID")


def _padding(size: Pair) -> list[list[int]]:
    """Returns half a window on every side.

    TensorFlow's "SAME" would shift by the parity of the size; so a window of stride 2
    stays centred on every other position, however much padding follows.
    """
    return [[0, 0], [size[0] // 2] * 2, [size[1] // 2] * 2, [0, 0]]


def _norm(width: int, *, whole: bool, name: str) -> base.Layer:
    make = normalization.PlaneNorm if whole else normalization.LayerNorm
    return make(width, name=name)


def _normalized(norm: base.Layer, x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Returns the normalised `x`, 0 where the mask is 0."""
    if isinstance(norm, normalization.PlaneNorm):
        return norm(x, mask)
    return _masked(norm(x), mask)


def _masked(x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    return x if mask is None else x * tf.cast(mask, x.dtype)
