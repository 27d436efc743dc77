"""Each corruption of sounds against its definition."""

import numpy as np
import pytest

from t2t_mm.modality import Audio, corruption
from t2t_mm.modality.audio import corruptions, encoding

RATE = 8_000
SOUND = Audio(sample_rate=RATE, min_seconds=0.2, max_seconds=1.1)
KINDS = {each.kind: each for each in SOUND.corruptions()}


@pytest.fixture(scope="module")
def tone():
    """One second, fading, of two partials."""
    time_s = np.arange(RATE) / RATE
    wave = np.sin(2 * np.pi * 440 * time_s) + 0.3 * np.sin(2 * np.pi * 1000 * time_s)
    return 0.2 * wave * np.exp(-2 * time_s)


def wav(samples):
    return encoding.to_wav((samples * 32_768).round().astype("<i2").tobytes(), RATE)


def corrupted(kind, samples, strength, *, key="k", seed=0):
    rng = corruption.generator(seed, key, kind, strength)
    changed, rate = corruptions.read(KINDS[kind].apply(wav(samples), strength, rng))
    assert rate == RATE
    return changed


@pytest.mark.parametrize("kind", KINDS)
def test_it_depends_on_seed_and_key_and_keeps_the_form_of_records(kind, tone):
    twin = corrupted(kind, tone, 2)
    assert np.array_equal(corrupted(kind, tone, 2), twin)
    is_same = [np.array_equal(corrupted(kind, tone, 2, key=f"{n}"), twin) for n in range(8)]
    assert all(is_same) == (kind in ("gain", "clipping"))
    assert kind == "speed" or len(twin) == len(tone)
    assert SOUND.encode(wav(twin))  # what a record may hold


@pytest.mark.parametrize("kind", ["white_noise", "pink_noise"])
def test_noise_has_the_ratio_that_is_asked_for(kind, tone):
    for strength, snr_db in zip(corruption.STRENGTHS, (20, 15, 10, 5, 0), strict=True):
        noise = corrupted(kind, tone, strength) - tone
        ratio = 10 * np.log10(np.mean(tone**2) / np.mean(noise**2))
        assert ratio == pytest.approx(snr_db, abs=0.05)


def test_loud_noise_is_not_clipped(tone):
    loud = tone / np.abs(tone).max()
    mixed = corrupted("white_noise", loud, 5)
    scale = mixed @ loud / (loud @ loud)
    noise = mixed / scale - loud
    assert np.mean(loud**2) / np.mean(noise**2) == pytest.approx(1.0, rel=0.1)
    assert (np.abs(mixed) > 0.999).sum() <= 2


def test_pink_noise_falls_with_the_frequency(tone):
    silent = np.concatenate([[0.5], np.zeros(RATE - 1)])
    power = np.abs(np.fft.rfft(corrupted("pink_noise", silent, 5) - silent)) ** 2
    low, high = power[100:200].mean(), power[1000:2000].mean()
    assert low / high == pytest.approx(10, rel=0.5)  # ten times the frequency


def test_a_room_decays_by_60_db_in_its_time():
    click = np.zeros(RATE)
    click[0] = 0.9
    rng = np.random.default_rng(0)
    answer = corruptions._reverberation(click, RATE, 4, rng)  # 0.9 s, -3 dB
    tail = answer[1:] / answer[0]
    assert 10 * np.log10(1 / np.sum(tail**2)) == pytest.approx(-3, abs=0.1)
    early, late = (np.mean(tail[start : start + 800] ** 2) for start in (0, 3600))
    assert 10 * np.log10(early / late) == pytest.approx(30, abs=2)  # half of 0.9 s, half of 60 dB
    assert np.mean(answer**2) == pytest.approx(np.mean(click**2))


def test_gain_clipping_and_speed(tone):
    assert np.abs(corrupted("gain", tone, 2)).max() == pytest.approx(
        np.abs(tone).max() / 10, abs=1e-4
    )
    clipped = corrupted("clipping", tone, 1)
    peak = np.abs(tone).max()
    assert np.abs(clipped).max() == pytest.approx(peak, abs=1e-4)
    inside = np.abs(tone) < peak / 2
    assert clipped[inside] == pytest.approx(2 * tone[inside], abs=1e-4)
    lengths = {len(corrupted("speed", tone, 1, key=f"{n}")) for n in range(8)}
    assert lengths == {8400, 7619}  # times 1.05, and divided by it
    # 1.3 s would be more than the longest sound: only faster ones are left.
    assert {len(corrupted("speed", tone, 5, key=f"{n}")) for n in range(8)} == {6154}
    faster = corrupted("speed", tone, 5)
    assert np.abs(np.fft.rfft(faster)).argmax() / len(faster) * RATE == pytest.approx(572, abs=3)
