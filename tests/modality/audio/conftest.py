"""Sounds for the tests: tones and something like speech, and files of them."""

import io
import struct

import numpy as np


def tone(rate, seconds=0.5, hertz=440.0, *, level=0.3):
    """A steady tone, float32 [n]."""
    t = np.arange(round(rate * seconds)) / rate
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def voice(rate, seconds=0.6, *, seed=0, top=0.8):
    """Harmonics that glide, under an envelope, with a little noise: float32 [n].

    Args:
      rate: samples a second.
      seconds: how long.
      seed: of pitch and noise.
      top: the highest harmonic, as a part of half of 8 kHz, so that it is there at any rate.
    """
    draw = np.random.default_rng(seed)
    t = np.arange(round(rate * seconds)) / rate
    pitch = draw.uniform(90, 200) * (1 + 0.2 * t / seconds)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    sound = np.zeros_like(t)
    for harmonic in range(1, 40):
        if harmonic * pitch.max() < top * 4000:
            sound += np.sin(harmonic * phase + draw.uniform(0, 6)) / harmonic
    envelope = np.sin(np.pi * np.clip(t / seconds, 0, 1)) ** 2
    sound = 0.2 * sound * envelope + 2e-3 * np.sin(2 * np.pi * 950 * t)
    return sound.astype(np.float32)


def wav(samples, rate, *, before=b"", extensible=False, bits=16, code=1, size=None):
    """WAV bytes of int16 [n] or [n, channels], written by hand.

    Args:
      samples: of any numbers; floats are of -1 to 1.
      rate: in the head.
      before: chunks before that of the samples.
      extensible: whether the head is of the longer kind.
      bits, code: in the head, whatever the samples are.
      size: of the samples in the head, if it is to lie.
    """
    samples = np.asarray(samples)
    if samples.dtype.kind == "f":
        samples = np.round(samples * 32768).clip(-32768, 32767).astype("<i2")
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    body = samples.tobytes()
    form = struct.pack(
        "<HHIIHH",
        0xFFFE if extensible else code,
        channels,
        rate,
        rate * channels * bits // 8,
        channels * bits // 8,
        bits,
    )
    if extensible:
        guid = struct.pack("<H", code) + bytes.fromhex("000000001000800000aa00389b71")
        form += struct.pack("<HHI", 22, bits, 4) + guid
    chunks = chunk(b"fmt ", form) + before
    chunks += b"data" + struct.pack("<I", len(body) if size is None else size) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def chunk(name, body):
    """One chunk, with the byte that makes its length even."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def sound_file(samples, rate, kind="WAV", coding=None):
    """The bytes of a sound file, as libsndfile writes it."""
    import soundfile

    made = io.BytesIO()
    if samples.dtype.kind == "f" and coding not in ("FLOAT", "VORBIS"):
        # libsndfile itself would take 32767 for the greatest, which is 32768 to everybody.
        samples = np.round(samples * 32768).clip(-32768, 32767).astype(np.int16)
    soundfile.write(made, samples, rate, format=kind, subtype=coding)
    return made.getvalue()
