"""The audio net: a stack of ConvRes blocks over a spectrum or a waveform.

(Kaiser et al. 2017, section 2.5.4: eight blocks, the i-th of width 2^i; a ninth of width
D comes from the authors' first code.) `layers/conv_2d.py` has the block.

    waveform  [B, N, 1]      9 blocks, each with stride 2
    spectrum  [B, T, bands]  8 blocks, the first three with stride 2 along time, none along
                             frequency; bands and channels to D; a ninth block over time

Strides. All nine at 2 make one position of 512 samples, 32 ms at 16 kHz. Of a spectrum,
which has a frame every 10 ms, they would make one of 5 s: too little of a sentence to
write it down from, and nothing of a spoken digit. With three, a position is 80 ms, about a
sound of speech: 2 to 12 of them in a digit of 0.15 to 1 s, 190 in a sentence of 15 s, three
for each token of text to come. The first blocks have them, so that the wide ones work on an
eighth of the frames; all nine still see 1.6 s to either side.

From frequency to D. The eighth block's plane is `[T / 8, bands, C]`, and a linear map
with weights for each band makes one vector of it for each time: what lies at which frequency
is what tells vowels apart, and a mean over bands would lose it. A position of the body is
then a stretch of time, as a token of text is, and not a band of one; so what is handed on is
a sequence, which a class's exit flow reads as a plane one wide. The ninth block, of width D,
works after the map: before it, on every band, it would cost several times all the rest.

Norms. Two or four channels normalised by themselves leave little but signs, so the eight
narrow blocks normalise over all of a sound (`normalization.PlaneNorm`). The input is
standardised already and goes through no ReLU before the first block.

What the net costs is in the widths. With those of the paper a position of a spectrum of 80
bands takes 20 million multiplications (D = 256); with the default ones, which stop at 32,
2 million; the body of that width takes about 5 million.
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
            relu=not is_spectral,  # on what a linear map gives it would lose half
            name=f"res_{len(self.strides)}",
        )

    def bottom(
        self, features: tf.Tensor, rng: base.Rng | None = None
    ) -> representation.Representation:
        """Maps what `AudioFeatures` gives to positions.

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
