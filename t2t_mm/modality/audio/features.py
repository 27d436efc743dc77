"""Audio features: 16-bit WAV bytes to padded spectrograms or waveforms, with a mask."""

from __future__ import annotations

from collections.abc import Hashable

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import base, features
from t2t_mm.modality.audio import augmentation, spectrum, wav
from t2t_mm.modality.audio import declaration as audio
from t2t_mm.settings import batching as batching_lib


class AudioFeatures(features.Features):
    """Decodes the sounds of a batch, and computes their spectra.

    They are as `Audio.encode` writes them: one channel at the declared sample rate. Each sound
    is standardised, so its loudness does not matter.

    The last channel of the features is the mask: 1 within a sound and 0 after its end.
    """

    ragged = True
    heavy = True
    has_values = True

    def __init__(self, declaration: audio.Audio, task: base.Task) -> None:
        super().__init__(declaration, task)
        self.declaration: audio.Audio = declaration
        self.is_spectral = declaration.representation == audio.SPECTRAL

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns `[B, T, bands + 1]` for a spectrum, `[B, N, 2]` for a waveform: float32.

        `T` frames, or `N` samples, are padded to a number of positions of the body that is
        a multiple of `length_multiple`.

        Args:
          raw: string `[B]`, WAV bytes.
          training: whether to mask parts of the spectrum (if declared so).
          seed: int64 `[2]`; the same seed gives the same masks.

        Raises:
          InvalidArgumentError: when a sound is not a usable WAV file.
        """
        heads = self._heads(raw)
        samples = wav.read_samples(raw, heads)
        if training and self.augmentation:
            if seed is None:
                raise errors.ConfigError("Damaging sounds needs a seed", received="seed=None")
            samples = augmentation.augmented(
                samples,
                heads.length,
                self.augmentation,
                seed + [0, 1],
                sample_rate=self.declaration.sample_rate,
            )
        return self._featurized(samples, heads.length, training=training, seed=seed)

    def values(self, raw: tf.Tensor) -> features.Values:
        """Returns samples, float32 `[B, N]` in -1 to 1."""
        heads = self._heads(raw)
        samples = wav.read_samples(raw, heads)
        return features.Values(
            samples, tf.sequence_mask(heads.length, tf.shape(samples)[1], tf.float32)
        )

    def of_values(self, values: features.Values) -> tf.Tensor:
        length = tf.cast(tf.reduce_sum(values.real, 1), tf.int32)
        return self._featurized(values.x, length, training=False, seed=None)

    def _featurized(
        self, samples: tf.Tensor, length: tf.Tensor, *, training: bool, seed: tf.Tensor | None
    ) -> tf.Tensor:
        """Returns the features of samples, float32 `[B, N]`, of so many of each: int32 `[B]`."""
        declared = self.declaration
        cells = self._cells(length)
        step = declared.cells_a_position * self.length_multiple
        size = features.round_up(tf.reduce_max(tf.concat([cells, [1]], 0)), step)
        real = tf.sequence_mask(cells, size, tf.float32)[:, :, None]
        if self.is_spectral:
            x = spectrum.log_mel(
                samples, size, sample_rate=declared.sample_rate, bands=declared.bands
            )
        else:
            x = samples[:, :size, None]
            x = tf.pad(x, [[0, 0], [0, size - tf.shape(x)[1]], [0, 0]])
        x = spectrum.standardize(x, real)
        if training and declared.spec_augment:
            if seed is None:
                raise errors.ConfigError("Masking spectra needs a seed", received="seed=None")
            x = spectrum.spec_augment(x, cells, seed)
        return tf.concat([x, real], axis=2)

    def graph_key(self) -> Hashable | None:
        return (self.declaration, self.length_multiple) if type(self) is AudioFeatures else None

    def lengths(self, raw: tf.Tensor) -> tf.Tensor:
        """Returns positions of the body, int32 `[B]`, from the headers of the files alone."""
        step = self.declaration.cells_a_position
        return (self._cells(self._heads(raw).length) + step - 1) // step

    def most_positions(self, batching: batching_lib.Batching) -> int:
        """Returns how many padded positions of sound a batch may hold.

        The first blocks of the net work on every frame or sample, so their memory is
        limited by the seconds of a batch (`Batching.batch_seconds`).
        """
        declared = self.declaration
        cells = batching.batch_seconds * declared.cells_a_second
        return min(batching.batch_tokens, max(cells // declared.cells_a_position, 1))

    def _heads(self, raw: tf.Tensor) -> wav.Heads:
        declared = self.declaration
        return wav.read_heads(raw, longest_s=declared.max_seconds, sample_rate=declared.sample_rate)

    def _cells(self, length: tf.Tensor) -> tf.Tensor:
        """Returns the frames, or samples, of sounds of `length` samples: int32 `[B]`."""
        if self.is_spectral:
            return spectrum.frame_count(length, self.declaration.sample_rate)
        return length
