"""Sounds at any usual rate to that of the model, in the graph.

A windowed-sinc filter, as soxr has at its setting "HQ" (which makes the records): what lies
below 0.91 of the lower rate's half passes, what lies above it is 100 dB down. From rate
`p M` to rate `p L`, `M` samples in are `L` samples out, so one matrix serves every block of
`M`: the filter is a convolution of stride `M` with `L` channels (polyphase form).

Of a voice with all its harmonics within that band, samples of -1 to 1 come out as soxr's do
within 1e-4. Log-mel features of a voice in white noise, which has power at the filters'
edge too, differ from those of the record of the same file by less than 0.002 of their
standard deviation in the mean, and by 0.14 at most, in the highest bands
(`tests/modality/audio/test_resampling.py` measures both).
"""

from __future__ import annotations

import functools
import math

import numpy as np
import tensorflow as tf

from t2t_mm.modality.audio import declaration, wav

REACH = 80
"""Samples, at the lower of both rates, on either side that an output depends on."""

CUTOFF = 0.9565
"""Where the filter is 6 dB down, as a part of half the lower rate."""

BETA = 10.06
"""Of the Kaiser window: 100 dB down outside the band."""

BLOCK = 256
"""Samples in of one block, at least: shorter ones would repeat the filter's reach too often."""


def length_at(length: tf.Tensor, given: tf.Tensor, sample_rate: int) -> tf.Tensor:
    """Returns int32 `[B]`, samples that `length` samples at rates `given` are at `sample_rate`."""
    exact = tf.cast(length, tf.int64) * sample_rate
    given = tf.cast(given, tf.int64)
    return tf.maximum(tf.cast((exact + given // 2) // given, tf.int32), 1)


def resample(
    samples: tf.Tensor, length: tf.Tensor, given: tf.Tensor, sample_rate: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Brings every sound of a batch to one rate.

    Args:
      samples: float32 `[B, N]`, zeros behind each sound.
      length: int32 `[B]`, samples of each.
      given: int32 `[B]`, their rates, of `declaration.RATES`.
      sample_rate: samples a second wanted.

    Returns:
      samples float32 `[B, M]` on the grid of 16 bits, as records hold them, with zeros
      behind each sound; and int32 `[B]`, samples of each.
    """
    lengths = length_at(length, given, sample_rate)

    def by_rate() -> tf.Tensor:
        width = tf.reduce_max(lengths)
        made = tf.zeros([tf.shape(samples)[0], width])
        for source in declaration.RATES:
            rows = tf.where(given == source)
            put = functools.partial(_put, made, samples, rows, source, sample_rate)
            made = tf.cond(tf.size(rows) > 0, put, functools.partial(tf.identity, made))
        return made * tf.sequence_mask(lengths, width, tf.float32)

    is_right = tf.reduce_all(given == sample_rate)
    made = tf.cond(is_right, lambda: tf.identity(samples), by_rate)
    levels = tf.clip_by_value(tf.round(made * wav.FULL_SCALE), -wav.FULL_SCALE, 32_767.0)
    return levels / wav.FULL_SCALE, lengths


def _put(
    made: tf.Tensor, samples: tf.Tensor, rows: tf.Tensor, source: int, sample_rate: int
) -> tf.Tensor:
    """Returns `made` `[B, M]` with the rows `[R, 1]`, which are at `source`, filled in."""
    resampled = tf.gather(samples, rows[:, 0])
    width = tf.shape(made)[1]
    if source != sample_rate:
        resampled = _convolve(resampled, source, sample_rate, width)
    resampled = tf.pad(
        resampled[:, :width], [[0, 0], [0, tf.maximum(width - tf.shape(resampled)[1], 0)]]
    )
    return tf.tensor_scatter_nd_update(made, rows, resampled)


def _convolve(x: tf.Tensor, source: int, sample_rate: int, width: tf.Tensor) -> tf.Tensor:
    """Returns `[R, width]` or a little more, from `x` `[R, N]` at `source`."""
    kernel = polyphase(source, sample_rate)
    taken, produced = block(source, sample_rate)
    before = (kernel.shape[0] - taken) // 2
    blocks = (width + produced - 1) // produced
    needed = (blocks - 1) * taken + kernel.shape[0]
    x = x[:, : needed - before]
    padded = tf.pad(x, [[0, 0], [before, needed - before - tf.shape(x)[1]]])
    y = tf.nn.conv1d(padded[:, :, None], tf.constant(kernel[:, None]), taken, "VALID")
    return tf.reshape(y, [tf.shape(x)[0], blocks * produced])


def block(source: int, sample_rate: int) -> tuple[int, int]:
    """Returns samples in and samples out of one block."""
    common = math.gcd(source, sample_rate)
    times = math.ceil(BLOCK * common / source)
    return times * source // common, times * sample_rate // common


@functools.cache
def polyphase(source: int, sample_rate: int) -> np.ndarray:
    """Returns the filter, float32 `[block in + 2 reach, block out]`.

    Row `i` belongs to the sample `i - reach` of the block; column `j` to the output that
    lies `j * source / rate` samples behind the block's start.
    """
    taken, produced = block(source, sample_rate)
    lower = min(source, sample_rate)
    reach = math.ceil(REACH * source / lower)
    apart = np.arange(-reach, taken + reach)[:, None] - np.arange(produced) * source / sample_rate
    apart *= lower / source  # in samples at the lower rate
    inside = np.sqrt(np.clip(1.0 - (apart / REACH) ** 2, 0.0, None))
    window = np.where(np.abs(apart) <= REACH, np.i0(BETA * inside) / np.i0(BETA), 0.0)
    kernel = CUTOFF * np.sinc(CUTOFF * apart) * window * (lower / source)
    return kernel.astype(np.float32)
