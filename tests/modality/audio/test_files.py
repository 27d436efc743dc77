"""Sounds whose head does not tell their length, and those that are shorter than it tells."""

import contextlib
import io
import struct
import sys

import numpy as np
import pytest
import soundfile

from t2t_mm import errors
from t2t_mm.modality.audio import files
from t2t_mm.process import quiet_import
from tests.modality.audio.conftest import sound_file, voice

RATE, SECONDS = 16_000, 5
COUNT = RATE * SECONDS


def sound():
    """Returns five seconds, the second of them silent: a bit rate that varies."""
    samples = np.resize(voice(RATE), COUNT).astype(np.float32)
    samples[RATE : 2 * RATE] = 0
    return samples


def mp3(**how):
    """Returns an MP3 without its first frame, which holds the table of the others."""
    target = io.BytesIO()
    soundfile.write(target, sound(), RATE, format="MP3", **how)
    data = target.getvalue()
    table = next(data.find(name) for name in (b"Xing", b"Info") if name in data[:200])
    return data[data.index(b"\xff\xf3", table) :]


def ogg_without_end_mark():
    data = bytearray(sound_file(sound(), RATE, "OGG", "VORBIS"))
    page = data.rfind(b"OggS")
    data[page + 5] &= ~4
    data[page + 22 : page + 26] = struct.pack("<I", _ogg_crc(data[page:]))
    return bytes(data)


def _ogg_crc(page):
    page = page[:22] + bytes(4) + page[26:]
    crc = 0
    for octet in page:
        crc ^= octet << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def patched(kind, place, new):
    data = bytearray(sound_file(sound(), RATE, kind, "PCM_16"))
    start = place(data)
    data[start : start + len(new)] = new
    return bytes(data)


def flac_stream():
    data = bytearray(sound_file(sound(), RATE, "FLAC", "PCM_16"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    return bytes(data)


def of_wav(data):
    return data.index(b"data") + 4


UNTOLD = {
    "mp3, variable": lambda: mp3(bitrate_mode="VARIABLE", compression_level=0.3),
    "mp3, constant": lambda: mp3(bitrate_mode="CONSTANT", compression_level=0.5),
    "ogg": ogg_without_end_mark,
    "flac": flac_stream,
    "wav, 0": lambda: patched("WAV", of_wav, bytes(4)),
    "wav, all ones": lambda: patched("WAV", of_wav, b"\xff" * 4),
    "au, 0": lambda: patched("AU", lambda data: 8, bytes(4)),
    "au, all ones": lambda: patched("AU", lambda data: 8, b"\xff" * 4),
}


@pytest.mark.parametrize("kind", sorted(UNTOLD))
def test_a_sound_whose_head_does_not_tell_its_length_is_read_to_its_end(kind):
    samples, rate = files.read(UNTOLD[kind](), "x", longest_s=40)
    assert rate == RATE
    assert abs(len(samples) - COUNT) <= 0.1 * RATE  # an encoder of MP3 adds some silence


@pytest.mark.parametrize("kind", sorted(UNTOLD))
def test_it_is_not_decoded_beyond_what_is_taken(kind):
    with pytest.raises(errors.BadExampleError, match=r"too long: x\. Received: (at least )?\d"):
        files.read(UNTOLD[kind](), "x", longest_s=2)


@pytest.mark.parametrize("kind", ["WAV", "AU", "AIFF", "W64", "RF64", "MP3", "OGG", "NIST", "FLAC"])
def test_a_sound_shorter_than_its_head_tells_is_refused(kind):
    coding = {"MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}.get(kind, "PCM_16")
    data = sound_file(sound(), RATE, kind, coding)
    assert len(files.read(data, "x", longest_s=40)[0]) == COUNT
    with pytest.raises(errors.BadExampleError, match=r"cut short: x|does not decode: x"):
        files.read(data[: len(data) // 2], "x", longest_s=40)


def test_a_wav_without_samples_stays_one():
    """What follows its data is a list of tags, and no sound."""
    tags = b"LIST" + struct.pack("<I", 4) + b"INFO"
    data = patched("WAV", of_wav, bytes(4))
    data = data[: of_wav(data) + 4] + tags
    assert not len(files.read(data, "x", longest_s=40)[0])


@pytest.mark.parametrize("is_quiet", [True, False])
def test_what_libmpg123_says_of_a_damaged_mp3_is_for_debug_only(is_quiet, monkeypatch, capfd):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 48_000).astype(np.float32)
    written = io.BytesIO()
    soundfile.write(written, noise, 16_000, format="MP3")
    data = written.getvalue()
    half = len(data) // 2
    damaged = data[:half] + np.random.default_rng(5).bytes(3_000) + data[half:]
    monkeypatch.setattr(quiet_import, "_installed", is_quiet)
    with contextlib.suppress(errors.BadExampleError):
        files.read(damaged, "x.mp3", longest_s=100)
    print("of ours", file=sys.stderr)
    said = capfd.readouterr().err
    assert (said == "of ours\n") == is_quiet, said
