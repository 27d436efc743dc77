"""2-D ConvSteps, and the residual block of Xception's entry flow.

    ConvStep(x)    = LN(SepConv(ReLU(x)))
    ConvRes(x, F)  = maxpool_3x3,stride 2(ConvStep_3x3,F(ConvStep_3x3,F(x)))
                     + ConvStep_1x1,stride 2,F(x)

(Kaiser et al. 2017, section 2.5.2; Chollet 2017, arXiv 1610.02357.) Here `C` is
channels: a plane is an image `[B, height, width, C]`, and convolutions are padded to keep
its size. A spectrogram is a plane of time by frequency, with strides along time only; a
waveform is a plane of width 1. Positions after a sound's end are masked.
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
      size: of the kernel.
      relu: whether to apply the ReLU; not to raw inputs, where it would lose half.
      whole: whether the norm is over the whole plane instead of each position.
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
        # Without a stride "SAME" pads the same, and its gradient takes a third of the time.
        padding = "SAME" if self.stride == 1 else _padding(self.size)
        y = tf.nn.depthwise_conv2d(x, kernel, strides, padding)
        return _normalized(self.norm, self.pointwise(y), mask)


class PlaneConv(base.Layer):
    """An ordinary 3x3 convolution and layer norm, for the few channels of pixels.

    Args:
      width_in: channels of the input.
      width_out: channels of the output.
      stride: along both axes.
      relu: whether to apply a ReLU first; not to pixels, where it would lose half.
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
    """Two ConvSteps and max pooling of stride 2, plus a 1x1 shortcut of stride 2.

    Args:
      width_in: channels of the input.
      width_out: F, channels of the output.
      strides: along height and width.
      size: of the kernels of steps and pooling.
      relu: whether to apply ReLUs to the block's input; not to raw inputs.
      whole: whether norms are over the whole plane instead of each position.
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
          mask: `[B, h, w or 1, 1]`, 1 for real positions. Padded positions do not change
            the output of real ones, and their own output is 0. The mask of the output is
            this one, subsampled by the strides.
        """
        down, across = self.strides
        kept = x[:, ::down, ::across]
        kept_mask = None if mask is None else mask[:, ::down, ::across]
        # No 1x1 depthwise convolution: it would only scale channels, as the pointwise does.
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
    """Max pooling, 3x3 with stride 2 unless said otherwise.

    Args:
      x: `[B, h, w, C]`.
      mask: `[B, h, w or 1, 1]`; positions where it is 0 are left out.
      strides: along height and width.
      size: of the window.

    Returns:
      `[B, h / stride, w / stride, C]`, rounded up.
    """
    if mask is not None:
        x = tf.where(mask > 0, x, x.dtype.min)
    # Padded explicitly: the gradient of "SAME" pooling takes ten times as long on a CPU.
    padded = tf.pad(x, _padding(size), constant_values=x.dtype.min)
    return tf.nn.max_pool2d(padded, size, strides, "VALID")


def _padding(size: Pair) -> list[list[int]]:
    """Returns symmetric padding by half a window on every side.

    TensorFlow's "SAME" pads by the parity of the size, which shifts strided windows. Here
    a window of stride 2 is always centred on every other position.
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
