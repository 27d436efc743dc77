"""Spectra against NumPy, written anew from the definition; masks."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modality.audio import spectrum
from tests.modality.audio.conftest import tone, voice

SEED = tf.constant([3, 4], tf.int64)


def mel_energies(frame, rate, bands):
    """Band energies of one frame, float64: a triangle is integrated over each bin exactly."""
    points = 2 ** int(np.ceil(np.log2(len(frame))))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(frame)) / len(frame))
    power = np.abs(np.fft.fft(frame * window, points)[: points // 2 + 1]) ** 2
    to_mel = lambda f: 2595 * np.log10(1 + f / 700)  # noqa: E731
    corners = 700 * (10 ** (np.linspace(to_mel(20), to_mel(rate / 2), bands + 2) / 2595) - 1)
    energies = np.zeros(bands)
    for band in range(bands):
        low, middle, high = corners[band : band + 3]
        for k in range(points // 2 + 1):
            left, right = (k - 0.5) * rate / points, (k + 0.5) * rate / points
            places = np.unique(np.clip([left, low, middle, high, right], left, right))
            heights = np.interp(places, [low, middle, high], [0, 1, 0], left=0, right=0)
            energies[band] += power[k] * np.trapezoid(heights, places) / (right - left)
    return energies


@pytest.mark.parametrize(("rate", "bands"), [(16_000, 80), (8_000, 40), (11_025, 23)])
def test_log_mel_against_numpy(rate, bands):
    sounds = np.stack([voice(rate, 0.2, seed=1), tone(rate, 0.2, 1000)]).astype(np.float32)
    frames = int(spectrum.frame_count(tf.constant(sounds.shape[1]), rate))
    found = spectrum.log_mel(
        tf.constant(sounds), tf.constant(frames), sample_rate=rate, bands=bands
    )
    window, hop = int(0.025 * rate), int(0.010 * rate)
    assert frames == 1 + (sounds.shape[1] - window) // hop
    for row in range(2):
        for t in (0, 3, frames - 1):
            frame = sounds[row, t * hop : t * hop + window].astype(np.float64)
            expected = np.log(mel_energies(frame, rate, bands) + 1e-6)
            np.testing.assert_allclose(found[row, t], expected, atol=3e-3)


def test_every_band_has_its_share_at_any_rate():
    for rate in (8_000, 16_000, 44_100):
        weights = spectrum.mel_weights(rate, 80)
        assert (weights.sum(0) > 0.05).all()
        # Between the first and the last corner of all, triangles add up to 1.
        inside = weights.sum(1)[8 : weights.shape[0] * 9 // 10]
        np.testing.assert_allclose(inside, 1.0, atol=0.06)


@pytest.mark.parametrize(
    ("samples", "frames"), [(1, 1), (399, 1), (400, 1), (559, 1), (560, 2), (16_000, 98)]
)
def test_frames_lie_within_the_sound(samples, frames):
    assert int(spectrum.frame_count(tf.constant([samples]), 16_000)[0]) == frames


def test_a_tone_is_in_its_band():
    found = spectrum.log_mel(
        tf.constant(tone(16_000, 0.1, 1000.0)[None]), tf.constant(5), sample_rate=16_000, bands=80
    ).numpy()[0]
    mels = np.linspace(1127 * np.log1p(20 / 700), 1127 * np.log1p(8000 / 700), 82)
    nearest = np.abs(mels[1:-1] - 1127 * np.log1p(1000 / 700)).argmin()
    assert set(found.argmax(1)) == {nearest}


def test_standardised_over_real_frames_only():
    draw = np.random.default_rng(0)
    x = draw.normal(3, 5, (2, 9, 4)).astype(np.float32)
    real = np.ones((2, 9, 1), np.float32)
    real[1, 6:] = 0
    found = spectrum.standardize(tf.constant(x), tf.constant(real)).numpy()
    for row, length in ((0, 9), (1, 6)):
        part = x[row, :length].astype(np.float64)
        expected = (part - part.mean()) / part.std()
        np.testing.assert_allclose(found[row, :length], expected, atol=1e-5)
    assert not found[1, 6:].any()


def masked(x, frames, seed=SEED):
    return spectrum.spec_augment(tf.constant(x), tf.constant(frames), seed).numpy()


def test_masks_are_decided_by_the_seed_and_each_sound_has_its_own():
    x = np.ones((16, 60, 80), np.float32)
    frames = [60] * 16
    first, again, other = masked(x, frames), masked(x, frames), masked(x, frames, SEED + 1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({row.tobytes() for row in first}) == 16
    graph = tf.function(lambda: spectrum.spec_augment(tf.constant(x), tf.constant(frames), SEED))
    np.testing.assert_array_equal(graph(), first)


def test_masks_are_stretches_within_their_limits():
    x = np.ones((300, 1200, 80), np.float32)
    frames = np.repeat([50, 1200, 9], 100)
    found = masked(x, frames)
    for row, length in zip(found, frames, strict=True):
        gone_frames = np.flatnonzero(~row.any(1))
        gone_bands = np.flatnonzero(~row.any(0))
        limit = min(100, int(0.2 * length))
        assert len(gone_frames) <= 2 * limit
        assert len(gone_bands) <= 2 * 27
        assert runs(gone_frames) <= 2
        assert runs(gone_bands) <= 2
        assert gone_frames.max(initial=0) < length
        # Nothing but whole frames and whole bands is gone.
        expected = np.outer(row.any(1), row.any(0))
        np.testing.assert_array_equal(row != 0, expected)
    shares = [(~row.any(0)).mean() for row in found]
    assert 0.2 < np.mean(shares) < 0.4  # two masks of 0 to 27 of 80 bands, some over each other


def runs(places):
    return int(len(places) > 0) + int((np.diff(places) > 1).sum())
