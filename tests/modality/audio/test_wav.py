"""WAV bytes in the graph: all that a head may look like, and what is refused."""

import struct

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modality.audio import wav as wav_lib
from tests.modality.audio.conftest import chunk, sound_file, tone, wav


def read(*files, longest_s=40.0):
    raw = tf.constant(files)
    heads = wav_lib.read_heads(raw, longest_s=longest_s, sample_rate=16_000)
    return heads, wav_lib.read_samples(raw, heads)


def levels(count, *, seed=0):
    return np.random.default_rng(seed).integers(-32768, 32768, count).astype(np.int16)


FILES = {
    "plain": lambda x: wav(x, 16_000),
    "a chunk before the samples": lambda x: wav(x, 16_000, before=chunk(b"LIST", b"a" * 500)),
    "odd chunks": lambda x: wav(x, 16_000, before=chunk(b"junk", b"abc") + chunk(b"bext", b"")),
    "a chunk behind": lambda x: wav(x, 16_000) + chunk(b"LIST", b"a" * 31),
    "extensible": lambda x: wav(x, 16_000, extensible=True),
    "of a pipe": lambda x: wav(x, 16_000, size=0xFFFFFFFF),
    "by libsndfile": lambda x: sound_file(x, 16_000),
    "by libsndfile, extensible": lambda x: sound_file(x, 16_000, "WAVEX"),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_head(kind):
    x = levels(1001)
    heads, samples = read(FILES[kind](x))
    assert int(heads.length[0]) == 1001
    np.testing.assert_array_equal(samples[0], x / np.float32(32768))


def test_a_batch_of_all_kinds_in_a_graph():
    sounds = [levels(100 + 37 * i, seed=i) for i in range(len(FILES))]
    files = [make(x) for make, x in zip(FILES.values(), sounds, strict=True)]
    heads, samples = tf.function(read)(*files)
    for row, length, x in zip(samples.numpy(), heads.length.numpy(), sounds, strict=True):
        np.testing.assert_array_equal(row[:length], x / np.float32(32768))
        assert not row[length:].any()
    assert samples.shape[1] == max(map(len, sounds))


def test_lengths_need_the_head_alone():
    """What lies behind is not looked at: its size in the head is enough."""
    whole = wav(levels(16_000), 16_000)
    heads = wav_lib.read_heads(tf.constant([whole]), longest_s=40.0, sample_rate=16_000)
    assert int(heads.start[0]) == 44


X = tone(16_000)
BAD = {
    "not a WAV file": [b"", b"RIFF", b"hello there, this is no sound" * 9, b"\0" * 200],
    "not one channel. Received: 2 channels": [wav(np.stack([X, X], 1), 16_000)],
    "not 16-bit PCM. Received: 24 bits": [wav(X, 16_000, bits=24)],
    "not 16-bit PCM. Received: 32 bits": [wav(X, 16_000, bits=32, code=3, extensible=True)],
    "not 16-bit PCM": [wav(X, 16_000, code=7)],
    "not 16000. Received: 44100 samples a second": [wav(X, 44_100)],
    "cut short. Received: 15900 bytes": [wav(X, 16_000)[:-100]],
    "is empty": [wav(X[:0], 16_000)],
    "longer than 0.4 s. Received: 8000 samples": [X],
}


@pytest.mark.parametrize(("message", "file"), [(m, f) for m, fs in BAD.items() for f in fs])
def test_what_cannot_be_used_is_said(message, file):
    longest_s = 40.0
    if not isinstance(file, bytes):
        file, longest_s = wav(X, 16_000), 0.4
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        read(wav(X[:100], 16_000), file, longest_s=longest_s)


def test_the_same_is_said_in_a_graph():
    graph = tf.function(
        lambda raw: wav_lib.read_heads(raw, longest_s=40.0, sample_rate=16_000).length
    )
    good = wav(X, 16_000)
    assert graph(tf.constant([good, good])).numpy().tolist() == [8000, 8000]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"cut short.*15900"):
        graph(tf.constant([good, good[:-100]]))
    # A broken head is called that, whatever its other fields happen to say.
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a WAV file"):
        graph(tf.constant([good, b"RIFFxxxxWAVE"]))


def test_bytes_that_only_look_like_chunks_end_the_search():
    endless = b"RIFF" + struct.pack("<I", 0) + b"WAVE" + chunk(b"junk", b"") * 100_000
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a WAV file"):
        read(endless)
