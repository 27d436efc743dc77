"""The graph's resampler against soxr, which makes the records."""

import numpy as np
import pytest
import soxr
import tensorflow as tf

from t2t_mm.modality import Audio, features
from t2t_mm.modality.audio import declaration, resampling
from tests.modality.audio.conftest import voice, wav

USUAL = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000)


def resample(samples, given, rate):
    samples = np.atleast_2d(samples)
    rows = tf.constant([given] * len(samples))
    length = tf.constant([samples.shape[1]] * len(samples))
    made, length = resampling.resample(tf.constant(samples), length, rows, rate)
    return made.numpy()[0, : int(length[0])]


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("given", USUAL)
def test_as_soxr_does(given, rate):
    sound = voice(given, 1.0)
    found, expected = resample(sound, given, rate), soxr.resample(sound, given, rate)
    assert abs(len(found) - len(expected)) <= 1
    size = min(len(found), len(expected))
    assert np.abs(found - expected)[:size].max() < 1e-4


@pytest.mark.parametrize(("given", "rate"), [(44_100, 16_000), (48_000, 8_000), (32_000, 11_025)])
def test_what_the_lower_rate_cannot_hold_is_gone(given, rate):
    t = np.arange(given) / given
    above = (0.5 * np.sin(2 * np.pi * 0.55 * rate * t)).astype(np.float32)
    inner = resample(above, given, rate)[rate // 10 : -rate // 10]  # away from its sudden ends
    assert np.abs(inner).max() <= 1 / 32768


@pytest.mark.parametrize("given", declaration.RATES)
@pytest.mark.parametrize("rate", declaration.RATES)
def test_the_filter_passes_a_constant_unchanged(given, rate):
    if given == rate:
        return
    kernel = resampling.polyphase(given, rate)
    taken, made = resampling.block(given, rate)
    assert taken * rate == made * given
    assert kernel.shape[1] == made
    assert (kernel.shape[0] - taken) // 2 >= resampling.REACH
    np.testing.assert_allclose(kernel.sum(0), 1.0, atol=1e-4)
    assert kernel.nbytes < 4e6


def test_a_batch_of_all_rates_at_once():
    sounds = [voice(rate, 0.3 + 0.01 * i, seed=i) for i, rate in enumerate(USUAL)]
    width = max(map(len, sounds))
    batch = np.stack([np.pad(s, (0, width - len(s))) for s in sounds])
    lengths = tf.constant([len(s) for s in sounds])
    graph = tf.function(lambda *given: resampling.resample(*given, 16_000))
    made, wanted = graph(tf.constant(batch), lengths, tf.constant(USUAL))
    for row, length, sound, rate in zip(made.numpy(), wanted.numpy(), sounds, USUAL, strict=True):
        np.testing.assert_allclose(row[:length], resample(sound, rate, 16_000), atol=1e-6)
        assert not row[length:].any()
    assert made.shape[1] == int(tf.reduce_max(wanted))


def test_lengths_do_not_overflow():
    length = resampling.length_at(tf.constant([48_000 * 3600]), tf.constant([48_000]), 44_100)
    assert int(length[0]) == 44_100 * 3600


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_features_of_a_file_and_of_its_record_agree(rate, channels):
    """What serving makes of a file as it is, training makes of the record of the file."""
    declared = Audio(sample_rate=rate)
    made = features.build(declared, None)
    for given in USUAL:
        sound = voice(given, 1.0, seed=given, top=0.99)
        sound += 0.01 * np.random.default_rng(given).normal(size=len(sound)).astype(np.float32)
        if channels == 2:
            sound = np.stack([sound, 0.5 * sound], 1)
        file = wav(sound, given)
        served = made.featurize(tf.constant([file]), training=False).numpy()[0]
        record = made.featurize(tf.constant([declared.encode(file)]), training=False).numpy()[0]
        assert served.shape == record.shape
        np.testing.assert_array_equal(served[:, -1], record[:, -1])
        apart = np.abs(served - record)
        assert apart.mean() < 0.002
        assert apart.max() < 0.2
