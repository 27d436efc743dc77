"""The audio net: a stack of ConvRes blocks over a spectrogram or a waveform.

(Kaiser et al. 2017, section 2.5.4: eight blocks, the i-th of width 2^i; a ninth of width
D comes from the authors' first code.) `layers/conv_2d.py` has the block.

    waveform  [B, N, 1]      9 blocks, each with stride 2
    spectrum  [B, T, bands]  8 blocks, the first three with stride 2 along time, none along
                             frequency; bands and channels to D; a ninth block over time

Strides. Nine strides of 2 make a position of 512 samples, 32 ms at 16 kHz. Over frames
of 10 ms they would make a position of 5 s, too coarse for a transcript or a spoken digit.
With three strides a position is 80 ms, about a phoneme: 2 to 12 positions for a digit of
0.15 to 1 s, 190 for a sentence of 15 s, three for each text token. The first blocks have the
strides, so the wide blocks work on an eighth of the frames. The receptive field is still
1.6 s to either side.

From frequency to D. The eighth block's output is `[T / 8, bands, C]`. A linear map with
weights for each band makes a vector for each time; a mean over bands would lose the
frequencies, which distinguish vowels. So a position of the body is a span of time, and the
output is a sequence, which the exit flow of a class reads as a plane of width 1. The ninth
block, of width D, comes after the map: before it, on every band, it would cost several times
as much as all others.

Norms. Layer norm over two or four channels leaves little but signs, so the eight narrow
blocks normalise over the whole sound (`normalization.PlaneNorm`). The input is standardised
already, and there is no ReLU before the first block.

Cost. With the paper's widths a position of a spectrogram of 80 bands takes 20 million
multiplications (D = 256); with the default widths, which stop at 32, 2 million. The body of
that width takes about 5 million.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from t2t_mm.layers import base, conv_2d, linear
from t2t_mm.modality import base as contract
from t2t_mm.modality import representation
from t2t_mm.modality.audio import declaration


class AudioNet(base.Layer):
    """Frames or samples to `[B, S, D]`, with a mask.

    Args:
      spec: the declaration; its representation and bands decide the shapes.
      task: a task of this net.
      config: the model's; uses `width` and `audio_widths`.
    """

    def __init__(
        self,
        spec: declaration.Audio,
        task: contract.Task,
        config: Any,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        del task
        is_spectral = spec.representation == declaration.SPECTRAL
        self.bands = spec.bands if is_spectral else 1
        self.strides = declaration.STRIDES[spec.representation]
        size = (3, 3) if is_spectral else (3, 1)
        widths = (1, *config.audio_widths)
        self.blocks = [
            conv_2d.ConvRes(
                widths[i],
                widths[i + 1],
                strides=(stride, 1),
                size=size,
                relu=i > 0,
                whole=True,
                name=f"res_{i + 1}",
            )
            for i, stride in enumerate(self.strides[:-1])
        ]
        last = widths[-1]
        self.merge = None
        if is_spectral:
            self.merge = linear.Linear(self.bands * last, config.width, name="merge")
            last = config.width
        self.last = conv_2d.ConvRes(
            last,
            config.width,
            strides=(self.strides[-1], 1),
            size=(3, 1),
            relu=not is_spectral,  # after a linear map it would lose half
            name=f"res_{len(self.strides)}",
        )

    def bottom(
        self, features: tf.Tensor, rng: base.Rng | None = None
    ) -> representation.Representation:
        """Maps the output of `AudioFeatures` to positions.

        Args:
          features: `[B, T, bands + 1]` or `[B, N, 2]`; the last channel is the mask.
          rng: without effect.
        """
        del rng
        features = tf.cast(features, self.compute_dtype)
        mask = features[:, :, -1, None, None]  # [B, T, 1, 1]
        x = features[:, :, :-1, None] * mask
        for block, stride in zip(self.blocks, self.strides, strict=False):
            x = block(x, mask)
            mask = mask[:, ::stride]
        if self.merge is not None:
            flat = tf.reshape(x, [tf.shape(x)[0], -1, 1, self.bands * x.shape[-1]])
            x = self.merge(flat) * mask
        x = self.last(x, mask)
        mask = mask[:, :: self.strides[-1], 0, 0]
        return representation.Representation(x[:, :, 0], tf.cast(mask, tf.float32))
