"""The image net: Xception's entry flow (Kaiser et al. 2017, section 2.5.2), or residual blocks.

As in the authors' first code each picture is standardised, and the first two convolutions
are ordinary (not separable), without a ReLU on the pixels.

The other form, `entry="residual"`, is ours: a convolution and six residual blocks of ordinary
convolutions with group norm, for small corpora of small pictures.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from t2t_mm.layers import base, conv_2d, residual_2d
from t2t_mm.modality import base as contract
from t2t_mm.modality import representation
from t2t_mm.modality.image import declaration

STRIDE = 16  # of the whole net, in pixels


class ImageNet(base.Layer):
    """Pixels to `[B, S, D]` with one position for each 16 x 16 pixels.

    Args:
      spec: the declaration; one net serves every size.
      task: a task of this net.
      config: the model's; uses `width`, `entry` and `entry_widths`.
    """

    def __init__(
        self,
        spec: declaration.Image,
        task: contract.Task,
        config: Any,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        del spec, task
        one, two, three, four = config.entry_widths
        self.first: base.Layer
        self.second: base.Layer
        self.blocks: list[base.Layer]
        if config.entry == "residual":
            self.first = residual_2d.Conv(3, one, stride=2, name="first")
            self.second = residual_2d.Residual(one, two, name="second")
            self.blocks = [
                residual_2d.Residual(two, three, stride=2, name="stage_1"),
                residual_2d.Residual(three, three, name="stage_1_more"),
                residual_2d.Residual(three, four, stride=2, name="stage_2"),
                residual_2d.Residual(four, four, name="stage_2_more"),
                residual_2d.Residual(four, config.width, stride=2, name="stage_3"),
            ]
        else:
            self.first = conv_2d.PlaneConv(3, one, stride=2, relu=False, name="first")
            self.second = conv_2d.PlaneConv(one, two, name="second")
            self.blocks = [
                conv_2d.ConvRes(two, three, name="res_1"),
                conv_2d.ConvRes(three, four, name="res_2"),
                conv_2d.ConvRes(four, config.width, name="res_3"),
            ]

    def bottom(
        self, pixels: tf.Tensor, rng: base.Rng | None = None
    ) -> representation.Representation:
        """Maps pixels `[B, size, size, 3]`, 0 to 255, to a grid of positions."""
        del rng
        x = tf.image.per_image_standardization(tf.cast(pixels, tf.float32))
        x = tf.cast(x, self.compute_dtype)
        x = self.second(self.first(x))
        for block in self.blocks:
            x = block(x)
        height, width, channels = x.shape[1:]
        flat = tf.reshape(x, [-1, height * width, channels])
        return representation.Representation(flat, None, (height, width))
