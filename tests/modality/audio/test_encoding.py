"""Sound files and samples to records: every format, and everything that is refused."""

import io
import struct
import wave

import numpy as np
import pytest
import soundfile
import soxr

from t2t_mm import errors
from t2t_mm.modality import Audio
from tests.modality.audio.conftest import chunk, sound_file, tone, voice, wav

RATE = 16_000


def opened(data):
    """Returns the samples, int16 [n], and the rate of what a record holds."""
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()


@pytest.mark.parametrize(
    ("kind", "coding", "within"),
    [
        ("WAV", "PCM_16", 0),
        ("WAV", "PCM_24", 1),
        ("WAV", "FLOAT", 1),
        ("WAVEX", "PCM_16", 0),
        ("FLAC", "PCM_16", 0),
        ("NIST", "PCM_16", 0),
        ("NIST", "ULAW", 600),
        ("AIFF", "PCM_16", 0),
        ("OGG", "VORBIS", 1500),
    ],
)
def test_every_format(tmp_path, kind, coding, within):
    sound = voice(RATE)
    path = tmp_path / "sound"
    path.write_bytes(sound_file(sound, RATE, kind, coding))
    samples, rate = opened(Audio().encode(path))
    expected = np.round(sound * 32768)
    assert (rate, len(samples)) == (RATE, len(expected))
    assert np.abs(samples - expected).max() <= within
    assert Audio().encode(path.read_bytes()) == Audio().encode(path)


def test_a_sound_of_the_right_form_keeps_every_sample():
    levels = np.random.default_rng(0).integers(-32768, 32768, 4000).astype(np.int16)
    data = Audio().encode(wav(levels, RATE, before=chunk(b"LIST", b"odd")))
    np.testing.assert_array_equal(opened(data)[0], levels)
    assert Audio().encode(data) == data
    assert Audio().encode((levels, RATE)) == data
    assert Audio().encode((levels / np.float32(32768), RATE)) == data


@pytest.mark.parametrize("given", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_soxr_resamples(given):
    sound = voice(given)
    samples, rate = opened(Audio().encode((sound, given)))
    expected = soxr.resample(sound, given, RATE)
    assert rate == RATE
    np.testing.assert_array_equal(samples, np.round(expected * 32768).astype(np.int16))
    assert len(samples) == pytest.approx(0.6 * RATE, abs=1)


def test_stereo_is_mixed_down():
    left, right = tone(RATE, hertz=300), tone(RATE, hertz=500)
    both = np.stack([left, right], axis=1)
    samples, _ = opened(Audio().encode(sound_file(both, RATE, "FLAC")))
    expected = (np.round(left * 32768) + np.round(right * 32768)) / 2
    assert np.abs(samples - expected).max() <= 0.5


def test_anything_that_can_be_read_serves_as_a_path():
    class Member:
        def read_bytes(self):
            return wav(tone(RATE), RATE)

        def __str__(self):
            return "corpus.tar!a.wav"

    assert Audio().encode(Member()) == Audio().encode(wav(tone(RATE), RATE))


def test_loud_samples_are_clipped():
    samples, _ = opened(Audio().encode((tone(RATE, level=1.5), RATE)))
    assert (samples.min(), samples.max()) == (-32768, 32767)


def test_a_stream_of_unknown_size_is_read_to_its_end():
    data = Audio().encode(wav(tone(RATE), RATE, size=0xFFFFFFFF))
    assert len(opened(data)[0]) == RATE // 2


def refused(value, message, **declared):
    with pytest.raises(errors.BadExampleError, match=message):
        Audio(**declared).encode(value)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "NIST"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_cut_short_is_refused(tmp_path, kind, share):
    whole = sound_file(voice(RATE, 2.0), RATE, kind)
    path = tmp_path / "short.snd"
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, r"short\.snd\. Received: ")


def test_what_is_missing_is_said():
    whole = wav(tone(RATE, 1.0), RATE)
    refused(whole[:-8_000], "cut short: bytes. Received: 24,000 of 32,000 bytes of samples")
    refused(whole[:40], "bytes")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "does not decode: bytes"),
        (
            b"no sound at all, just words " * 50,
            "does not decode: bytes.*that begin b'no sound': Format not recognised. Exp",
        ),
        (wav(np.zeros(0, np.int16), RATE), "is empty"),
        ((np.zeros(0, np.float32), RATE), "is empty: an array"),
        (wav(np.zeros(RATE, np.int16), RATE), r"is silent: bytes.*1\.00 s.*every sample is 0"),
        (wav(np.full(RATE, 7, np.int16), RATE), "is silent.*every sample is 7"),
        ((np.full(RATE, 1e-7, np.float32), RATE), "is silent"),
        (np.stack([tone(RATE), -tone(RATE)], 1), "comes without its rate"),
        ((np.stack([tone(RATE), -tone(RATE)], 1), RATE), "is silent"),
        (wav(tone(RATE), 1), "a rate that it cannot have: bytes. Received: 1 samples"),
        (wav(tone(RATE), 2_000_000_000), "a rate that it cannot have.*2,000,000,000"),
        (wav(tone(RATE), 3_000_000_000, bits=8), "a rate that it cannot have.*3,000,000,000"),
        (wav(tone(RATE), 0), "a rate that it cannot have: bytes. Received: 0 samples a second"),
        ((tone(RATE), 0), "a rate that it cannot have: an array"),
        ((tone(RATE), 16_000.5), "not a whole number.*16000.5"),
        ((tone(RATE), "16000"), "not a whole number"),
        ((tone(RATE) * 3e4, RATE), "out of range: an array.*up to [89],[0-9]{3}"),
        ((tone(RATE).astype(np.int64), RATE), "not of the right form.*int64"),
        ((np.zeros((2, 2, 2), np.float32), RATE), r"not of the right form.*\[2, 2, 2\]"),
        ("sound.wav", "neither a path, bytes nor samples. Received: str 'sound.wav'"),
        ((tone(RATE, 0.01), RATE), r"too short: an array.*0\.01 s.*0\.05 to 40 s"),
    ],
)
def test_what_is_no_usable_sound_is_refused(value, message):
    refused(value, message)


def test_a_head_of_another_format_with_an_impossible_rate():
    whole = sound_file(tone(RATE), RATE, "NIST", "PCM_16")
    wrong = whole.replace(b"sample_rate -i 16000", b"sample_rate -i 0    ")
    assert wrong != whole
    refused(wrong, "does not decode: bytes.*its head claims a rate or a number of channels that")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(wrong):
    sound = tone(RATE)
    sound[[3, 77]] = wrong
    said = r"no finite numbers: {}. Received: 2 of 8,000, the first in place 3"
    refused((sound, RATE), said.format("an array"))
    refused(sound_file(sound, RATE, "WAV", "FLOAT"), said.format("bytes"))


def test_an_hour_is_not_even_decoded(monkeypatch):
    hour = wav(np.zeros(8_000 * 3600, np.int8), 8_000, bits=8)
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_, **__: pytest.fail("decoded"))
    refused(hour, r"too long: bytes. Received: 3,600\.00 s. Expected: 0 to 40 s")
    refused(hour, "Expected: 0 to 2.5 s", max_seconds=2.5)


def test_a_path_that_is_not_there(tmp_path):
    refused(tmp_path / "none.wav", r"cannot be read: .*none\.wav. Received: No such file")


def sphere(coding, samples=b"\0" * 2000, count=1000):
    """A NIST SPHERE file by hand, as LDC corpora hold them."""
    lines = (
        "NIST_1A\n   1024\n"
        f"database_id -s4 WSJ0\nsample_count -i {count}\nsample_n_bytes -i 2\n"
        "channel_count -i 1\nsample_rate -i 16000\nsample_byte_format -s2 01\n"
        f"sample_coding -s{len(coding)} {coding}\nend_head\n"
    )
    return lines.encode().ljust(1024) + samples


def test_a_compressed_sphere_file_is_told_apart():
    refused(
        sphere("pcm,embedded-shorten-v1.1"),
        r"sample_coding pcm,embedded-shorten-v1\.1.*sph2pipe -f wav",
    )


def test_a_sphere_file_as_the_ldc_writes_it():
    levels = np.round(tone(RATE) * 32768).astype("<i2")
    data = sphere("pcm", levels.tobytes(), len(levels))
    np.testing.assert_array_equal(opened(Audio().encode(data))[0], levels)
    refused(sphere("pcm", levels.tobytes(), 2 * len(levels)), "16,000 of 32,000 bytes")


def test_a_head_that_lies_about_its_chunks_ends():
    broken = b"RIFF" + struct.pack("<I", 100) + b"WAVE" + chunk(b"junk", b"") * 9
    refused(broken, "bytes")


def test_a_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(errors.ConfigError, match=r"needs? the package soundfile.*t2t-mm\[audio\]"):
        Audio().encode(wav(tone(RATE), RATE))
