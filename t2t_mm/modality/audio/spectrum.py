"""Log-mel spectrograms of a batch of sounds, and SpecAugment, in the graph.

A frame is 25 ms under a Hann window, one every 10 ms. Frames lie wholly within the sound;
a sound shorter than a frame has one. The mel filters are triangles over the power spectrum,
with corners evenly spaced on the mel scale `1127 ln(1 + f / 700)`.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from t2t_mm.modality.audio import declaration

LOWEST_HZ = 20.0
FLOOR = 1e-6
"""Added to energies before the logarithm: about the noise of rounding to 16 bits, so that
an empty band has the same value however a sound was resampled."""

TIME_MASKS, LONGEST_MASK, MASKED_SHARE = 2, 100, 0.2
BAND_MASKS, MASKED_BANDS = 2, 27 / 80
_SUB_BINS = 32


def window_and_hop(sample_rate: int) -> tuple[int, int]:
    """Returns the length of a frame and the hop between frames, in samples."""
    return sample_rate * 25 // 1000, sample_rate // declaration.FRAMES_A_SECOND


def frame_count(length: tf.Tensor, sample_rate: int) -> tf.Tensor:
    """Returns int32 `[B]`, frames of sounds of `length` samples, at least 1."""
    window, hop = window_and_hop(sample_rate)
    return 1 + tf.maximum(length - window, 0) // hop


def log_mel(samples: tf.Tensor, frames: tf.Tensor, *, sample_rate: int, bands: int) -> tf.Tensor:
    """Returns the logarithms of band energies, float32 `[B, frames, bands]`.

    Args:
      samples: float32 `[B, N]` in -1 to 1, zeros after each sound.
      frames: scalar; frames after the end of a sound are silence.
      sample_rate: samples a second.
      bands: number of bands.
    """
    window, hop = window_and_hop(sample_rate)
    needed = (frames - 1) * hop + window
    samples = samples[:, :needed]
    samples = tf.pad(samples, [[0, 0], [0, needed - tf.shape(samples)[1]]])
    cut = tf.signal.frame(samples, window, hop) * tf.constant(_hann(window))
    points = fft_points(sample_rate)
    waves = tf.signal.rfft(cut, [points])
    power = tf.square(tf.math.real(waves)) + tf.square(tf.math.imag(waves))
    energy = tf.matmul(
        tf.reshape(power, [-1, points // 2 + 1]), tf.constant(mel_weights(sample_rate, bands))
    )
    log_energies = tf.reshape(tf.math.log(energy + FLOOR), [-1, frames, bands])
    return tf.ensure_shape(log_energies, [None, None, bands])


def fft_points(sample_rate: int) -> int:
    """Returns the size of the Fourier transform: the least power of 2 for a frame."""
    return 1 << (window_and_hop(sample_rate)[0] - 1).bit_length()


@functools.cache
def mel_weights(sample_rate: int, bands: int) -> np.ndarray:
    """Returns the mel filters, float32 `[bins, bands]`.

    A bin's energy is taken as spread evenly over the bin's width. So a triangle narrower
    than a bin, as the lowest are, still has weight; evaluated at the bins' centres only it
    may have none.
    """
    points = fft_points(sample_rate)
    width = sample_rate / points
    mels = np.linspace(_mel(LOWEST_HZ), _mel(sample_rate / 2), bands + 2)
    low, middle, high = (700.0 * np.expm1(m / 1127.0) for m in (mels[:-2], mels[1:-1], mels[2:]))
    within = (np.arange(_SUB_BINS) + 0.5) / _SUB_BINS - 0.5
    hertz = (np.arange(points // 2 + 1)[:, None] + within).reshape(-1, 1) * width
    rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
    heights = np.maximum(np.minimum(rising, falling), 0.0)
    return heights.reshape(-1, _SUB_BINS, bands).mean(axis=1).astype(np.float32)


def standardize(x: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """Returns `x` with mean 0 and variance 1 over each sound, and 0 after its end.

    Mean and deviation are over all bands: with a mean for each band, a steady vowel in a
    short word would vanish.

    Args:
      x: float32 `[B, T, bands]`.
      real: float32 `[B, T, 1]`, 1 within the sound.
    """
    count = tf.reduce_sum(real, [1, 2], keepdims=True) * tf.cast(tf.shape(x)[2], x.dtype)
    centred = (x - tf.reduce_sum(x * real, [1, 2], keepdims=True) / count) * real
    variance = tf.reduce_sum(tf.square(centred), [1, 2], keepdims=True) / count
    return centred * tf.math.rsqrt(variance + 1e-8)


def spec_augment(x: tf.Tensor, frames: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Masks ranges of time and of bands (Park et al. 2019, SpecAugment).

    Two of each, as in the policy LD, with random widths: at most 27 of 80 bands, and at most
    100 frames and a fifth of the sound. Without time warping, which gains little.

    Args:
      x: standardised, float32 `[B, T, bands]`; masked values become 0, the mean.
      frames: int32 `[B]`, the length of each sound.
      seed: int64 `[2]`; each sound has masks of its own.
    """
    rows, bands = tf.shape(x)[0], x.shape[2]
    draws = tf.random.stateless_uniform([2, TIME_MASKS + BAND_MASKS, rows], seed)
    most = tf.minimum(tf.cast(frames, tf.float32) * MASKED_SHARE, LONGEST_MASK)
    for mask in range(TIME_MASKS):
        x *= _kept(draws[:, mask], frames, most, tf.shape(x)[1])[:, :, None]
    most = tf.fill([rows], MASKED_BANDS * bands)
    for mask in range(TIME_MASKS, TIME_MASKS + BAND_MASKS):
        x *= _kept(draws[:, mask], tf.fill([rows], bands), most, bands)[:, None, :]
    return x


def _kept(draws: tf.Tensor, length: tf.Tensor, most: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
    """Returns float32 `[B, size]`, 1 except for 0 in one random range of each row.

    Args:
      draws: float32 `[2, B]` in [0, 1), for width and start.
      length: int32 `[B]`, the part of the row that may be masked.
      most: float32 `[B]`, the greatest width.
      size: of the result.
    """
    width = tf.floor(draws[0] * (tf.floor(most) + 1.0))
    start = tf.floor(draws[1] * (tf.cast(length, tf.float32) - width + 1.0))
    places = tf.range(tf.cast(size, tf.float32))[None]
    masked = (places >= start[:, None]) & (places < (start + width)[:, None])
    return 1.0 - tf.cast(masked, tf.float32)


def _hann(size: int) -> np.ndarray:
    """Returns a Hann window, float32 `[size]`; TensorFlow's differs for odd sizes."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)).astype(np.float32)


def _mel(hertz: float) -> float:
    return float(1127.0 * np.log1p(hertz / 700.0))
