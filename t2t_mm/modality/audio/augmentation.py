"""Damage to training sounds in the graph, with the severities of `corruptions`."""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.modality import augmentation
from t2t_mm.modality.audio import corruptions
from t2t_mm.settings import augmentation as settings_lib


def augmented(
    samples: tf.Tensor,
    length: tf.Tensor,
    settings: settings_lib.AugmentSettings,
    seed: tf.Tensor,
    *,
    sample_rate: int,
) -> tf.Tensor:
    """Damages sounds, each in one way or none.

    Args:
      samples: float32 `[B, N]`, zeros after each sound.
      length: int32 `[B]`, samples of each.
      settings: of the draws.
      seed: int64 `[2]`.
      sample_rate: samples a second.
    """
    rows = tf.shape(samples)[0]
    real = tf.sequence_mask(length, tf.shape(samples)[1], tf.float32)
    drawn = augmentation.draw(settings, KINDS, rows, seed)
    seed = tf.reduce_sum(augmentation.row_seeds(seed, 1), 0)
    x = samples
    if "white_noise" in drawn:
        x = tf.where(_hit(drawn["white_noise"]), _noisy(x, drawn["white_noise"], real, seed), x)
    if "clipping" in drawn:
        x = tf.where(_hit(drawn["clipping"]), _clipped(x, drawn["clipping"]), x)
    if "reverberation" in drawn:
        strength = drawn["reverberation"]
        x = tf.cond(
            tf.reduce_any(strength > 0),
            lambda: tf.where(_hit(strength), _wet(x, strength, real, seed, sample_rate), x),
            lambda: x,
        )
    return x


def _hit(strength: tf.Tensor) -> tf.Tensor:
    return (strength > 0)[:, None]


def _noisy(x: tf.Tensor, strength: tf.Tensor, real: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Adds white noise; at strength 0 it would be 25 dB below the sound."""
    snr_db = augmentation.severity(strength, 25, corruptions.SNR_DB)
    noise = tf.random.stateless_normal(tf.shape(x), seed) * real
    wanted = _energy(x) / tf.pow(10.0, snr_db[:, None] / 10)
    return x + noise * tf.sqrt(wanted / tf.maximum(_energy(noise), 1e-12))


def _clipped(x: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
    share = augmentation.severity(strength, 1, corruptions.CLIPPED)[:, None]
    peak = tf.reduce_max(tf.abs(x), 1, keepdims=True)
    return tf.clip_by_value(x / share, -peak, peak)


def _wet(
    x: tf.Tensor, strength: tf.Tensor, real: tf.Tensor, seed: tf.Tensor, sample_rate: int
) -> tf.Tensor:
    """Convolves with a pulse and decaying noise, and keeps length and energy."""
    decay_s = augmentation.severity(strength, 0.05, corruptions.DECAY_S)[:, None]
    direct_db = augmentation.severity(strength, 9, corruptions.DIRECT_DB)[:, None]
    longest = int(corruptions.DECAY_S[-1] * sample_rate)
    time_s = tf.range(1, longest + 1, dtype=tf.float32)[None] / sample_rate
    tail = tf.random.stateless_normal([tf.shape(x)[0], longest], seed + [0, 1])
    tail *= tf.pow(10.0, -3 * time_s / decay_s) * tf.cast(time_s <= decay_s, tf.float32)
    tail *= tf.sqrt(tf.pow(10.0, -direct_db / 10) / tf.maximum(_energy(tail), 1e-12))
    room = tf.concat([tf.ones_like(tail[:, :1]), tail], 1)
    size = tf.cast(tf.shape(x)[1] + longest, tf.float32)
    bits = tf.math.ceil(tf.math.log(size) / tf.math.log(2.0))
    points = tf.bitwise.left_shift(1, tf.cast(bits, tf.int32))[None]
    waves = tf.signal.rfft(x, points) * tf.signal.rfft(room, points)
    wet = tf.signal.irfft(waves, points)[:, : tf.shape(x)[1]] * real
    return wet * tf.sqrt(_energy(x) / tf.maximum(_energy(wet), 1e-12))


def _energy(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(x), 1, keepdims=True)


KINDS = ("white_noise", "clipping", "reverberation")
