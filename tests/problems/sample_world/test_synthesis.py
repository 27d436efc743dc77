import dataclasses
import random
import time

import numpy as np
import pytest

from t2t_mm.problems.sample_world import phonemes, pronunciation, speech, synthesis

LOW = speech.Voice(pitch_hz=110, tract=1.0, speed=1.0, breath=0.02)
HIGH = speech.Voice(pitch_hz=200, tract=1.12, speed=1.0, breath=0.02)
RATE = 16_000


def say(text, voice=LOW, seed=0, rate=RATE):
    return synthesis.say(text, voice, rate=rate, dice=random.Random(seed))


def spectrum(samples, rate=RATE):
    """The mean power of 40 ms frames, by frequency."""
    size = rate // 25
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2]
    power = np.mean(np.square(np.abs(np.fft.rfft(frames * np.hanning(size)))), axis=0)
    return np.fft.rfftfreq(size, 1 / rate), power


def sound(name, voice=LOW, rate=RATE, lasting=40):
    """A phoneme, drawn out."""
    segments = [
        dataclasses.replace(segment, ms=segment.ms * lasting / 10)
        for segment in phonemes.TARGETS[name]
    ]
    noise = np.random.default_rng(0)
    return synthesis._speak(segments, voice, rate, noise, asks=False)


def peaks(samples, bands, rate=RATE):
    """The frequency of the highest power within each band, harmonics smoothed out."""
    hertz, power = spectrum(samples, rate)
    smooth = np.convolve(power, np.hanning(9), mode="same")
    found = []
    for low, high in bands:
        inside = np.flatnonzero((hertz >= low) & (hertz <= high))
        found.append(hertz[inside[np.argmax(smooth[inside])]])
    return found


def test_the_dice_decide_the_rest():
    first = say("a red star waits")
    np.testing.assert_array_equal(first, say("a red star waits"))
    assert not np.array_equal(first[:8_000], say("a red star waits", seed=1)[:8_000])


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_samples_are_of_a_usual_loudness_and_length(rate):
    for seed, word in enumerate(pronunciation.DIGITS):
        samples = say(word, seed=seed, rate=rate)
        assert samples.dtype == np.float32
        assert samples.ndim == 1
        assert np.isfinite(samples).all()
        assert 0.02 < np.sqrt(np.mean(samples**2)) < 0.2
        assert np.abs(samples).max() <= 1
        assert 0.3 < len(samples) / rate < 1.0
    assert 1.2 < len(say("A big blue star waits behind the moon.", rate=rate)) / rate < 3.5


@pytest.mark.parametrize(
    ("name", "formants"),
    [
        ("IY", (270, 2290)), ("AA", (730, 1090)), ("UW", (300, 870)), ("AE", (660, 1720)),
        ("ER", (490, 1350)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("voice", [LOW, HIGH])
def test_vowels_have_their_formants(name, formants, voice):
    wanted = [f * voice.tract for f in formants]
    # Harmonics stand for the spectrum at multiples of the pitch only.
    near = voice.pitch_hz
    bands = [(f - 1.8 * near, f + 1.8 * near) for f in wanted]
    if name in ("AA", "UW"):
        middle = sum(wanted) / 2
        bands = [(bands[0][0], middle), (middle, bands[1][1])]
    for found, expected in zip(peaks(sound(name, voice), bands), wanted, strict=True):
        assert abs(found - expected) < 0.75 * near


def test_the_pitch_is_that_of_the_voice():
    for voice in (LOW, HIGH):
        vowel = sound("AA", voice)
        power = np.abs(np.fft.rfft(vowel, 4 * len(vowel))) ** 2
        echoes = np.fft.irfft(power)  # its own correlation
        lags = np.arange(RATE // 300, RATE // 70)
        assert RATE / lags[np.argmax(echoes[lags])] == pytest.approx(voice.pitch_hz, rel=0.15)


def test_hisses_lie_high_and_stops_are_gaps():
    for name, low, high in (("S", 3_500, 6_500), ("SH", 2_000, 3_800)):
        (peak,) = peaks(sound(name), [(100, 7_500)])
        assert low < peak < high
    word = say("asleep", seed=3)
    envelope = np.sqrt(np.convolve(word**2, np.ones(240) / 240, mode="same"))
    loud = np.flatnonzero(envelope > 0.5 * envelope.max())
    closure = envelope[loud[-1] :].min()  # before the P's burst
    assert closure < 0.05 * envelope.max()


def test_a_diphthong_moves_its_formants():
    vowel = sound("AY")
    third = len(vowel) // 3
    parts = vowel[third // 3 : third], vowel[2 * third : -third // 3]
    (start,), (end,) = (peaks(part, [(900, 2_600)]) for part in parts)
    assert end > start + 500


def test_a_question_ends_higher_than_it_began():
    noise = np.random.default_rng
    asked = synthesis._pitch(200, LOW, noise(1), asks=True)
    told = synthesis._pitch(200, LOW, noise(1), asks=False)
    np.testing.assert_allclose(asked[:150], told[:150])
    assert asked[-1] > told[-1] + 40


def test_a_comma_is_a_pause():
    without, pause = say("the star and the moon"), say("the star, and the moon")
    assert 0.05 < (len(pause) - len(without)) / RATE < 0.25


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_speaking_is_many_times_faster_than_life(rate):
    text = "A big blue star waits behind the moon."
    say(text, rate=rate)
    best = min(_seconds(text, rate) for _ in range(3))
    assert len(say(text, rate=rate)) / rate / best > 30


def _seconds(text, rate):
    began = time.process_time()
    for seed in range(5):
        say(text, rate=rate, seed=seed)
    return (time.process_time() - began) / 5
