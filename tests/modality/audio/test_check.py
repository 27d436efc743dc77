"""Sounds in the graph become what `Audio.encode` makes of them, or are refused as there."""

import io
import struct
import types

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import Audio, checks, features

soundfile = pytest.importorskip("soundfile")

RATE = 8_000
SOUND = Audio(sample_rate=RATE, max_seconds=2.0)
FEATURES = features.build(SOUND, types.SimpleNamespace(name="sounds", vocabularies={}))
DRAW = np.random.default_rng(0)


def wav(seconds=0.25, *, channels=1, rate=RATE, subtype="PCM_16", form="WAV", scale=0.2):
    samples = DRAW.normal(size=(round(seconds * rate), channels)) * scale
    if subtype != "FLOAT":
        samples = samples.clip(-1, 1)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format=form)
    return file.getvalue()


def changed(data, place, form, value):
    data = bytearray(data)
    struct.pack_into(form, data, place, value)
    return bytes(data)


PLAIN = wav()
GOOD = {
    "plain": PLAIN,
    "of two channels": wav(channels=2),
    "of three channels": wav(channels=3),
    "8 bits": wav(subtype="PCM_U8"),
    "24 bits, two channels": wav(subtype="PCM_24", channels=2),
    "32 bits": wav(subtype="PCM_32"),
    "floating point": wav(subtype="FLOAT", channels=2),
    "an extensible head": wav(form="WAVEX"),
    "as long as allowed": wav(2.0),
    "a size of 0, of a stream": changed(PLAIN, 40, "<I", 0),
    "a size unknown": changed(PLAIN, 40, "<I", 0xFFFFFFFF),
    "more behind the samples": PLAIN + b"LIST" + struct.pack("<I", 4) + b"abcd",
}
BAD = {
    "too long": (wav(2.001), "A sound is too long"),
    "too short": (wav(0.04), "A sound is too short"),
    "cut short": (PLAIN[:-100], "A sound is cut short"),
    "silent": (wav(scale=0), "A sound is silent"),
    "loud": (wav(subtype="FLOAT", scale=9), "The samples of a sound are out of range"),
    "no numbers": (
        changed(wav(subtype="FLOAT"), -4, "<f", float("nan")),
        "A sound has samples that are no finite numbers",
    ),
    "no samples": (wav(0), "A sound is empty"),
    "rate 0": (changed(PLAIN, 24, "<I", 0), "A sound claims a rate that it cannot have"),
    "a head alone": (PLAIN[:30], "A sound does not decode"),
    "RIFF alone": (b"RIFF", None),
    "text": (b"no sound", None),
    "nothing": (b"", None),
}
REFUSED = {
    "another rate": (wav(rate=16_000), "A sound has another rate. Received: 16000"),
    "FLAC": (wav(form="FLAC"), "A sound is not a WAV file"),
    "A-law": (wav(subtype="ALAW"), "A WAV file is written in a way"),
}
"""What `encode` takes, and the graph does not."""


@pytest.fixture(scope="module")
def check():
    made = checks.build(SOUND, FEATURES)
    return tf.function(
        lambda raw: tuple(made.check(raw)),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


def test_sounds_become_the_records_that_encode_makes(check):
    values, said = check(tf.constant(list(GOOD.values())))
    assert said.numpy().tolist() == [b""] * len(GOOD)
    for name, data, value in zip(GOOD, GOOD.values(), values, strict=True):
        wanted = FEATURES.featurize(tf.constant([SOUND.encode(data)]), training=False)
        found = FEATURES.featurize(value[tf.newaxis], training=False)
        np.testing.assert_array_equal(found, wanted, err_msg=name)


def test_what_encode_refuses_is_refused_in_its_words(check):
    _, said = check(tf.constant([PLAIN, *(data for data, _ in BAD.values()), PLAIN]))
    first, *found, last = (error.decode() for error in said.numpy())
    assert first == last == ""
    for (data, words), error in zip(BAD.values(), found, strict=True):
        assert error
        with pytest.raises(errors.BadExampleError) as refused:
            SOUND.encode(data)
        if words:
            assert error.startswith(words)
            assert str(refused.value).startswith(words)


def test_what_the_graph_cannot_decode_is_refused_with_advice(check):
    _, said = check(tf.constant([data for data, _ in REFUSED.values()]))
    for (data, words), error in zip(REFUSED.values(), said.numpy(), strict=True):
        SOUND.encode(data)
        assert error.decode().startswith(words)
        assert b"ffmpeg -i FILE -ac 1 -ar 8000 OUT.wav" in error


def test_no_rows(check):
    values, said = check(tf.constant([], tf.string))
    assert values.shape == said.shape == (0,)
