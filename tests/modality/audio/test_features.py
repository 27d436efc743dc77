"""Audio features: shapes, masks, lengths, and the same in training and serving."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import Audio, features
from t2t_mm.settings import batching
from tests.modality.audio.conftest import tone, voice, wav

SEED = tf.constant([3, 4], tf.int64)
RATE = 16_000


def build(multiple=1, **declared):
    return features.build(Audio(**declared), None, length_multiple=multiple)


def record(seconds, *, seed=0):
    return wav(voice(RATE, seconds, seed=seed), RATE)


def batch_of(*seconds):
    return tf.constant([record(s, seed=i) for i, s in enumerate(seconds)])


def test_a_spectrum_with_its_mask():
    found = build().featurize(batch_of(0.5, 0.3), training=False).numpy()
    # 0.5 s are 1 + (8000 - 400) // 160 = 48 frames, 6 positions; 0.3 s are 28 frames.
    assert found.shape == (2, 48, 81)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, :, -1].sum(1), [48, 28])
    assert not found[1, 28:].any()
    for row, frames in zip(found, (48, 28), strict=True):
        assert row[:frames, :-1].mean() == pytest.approx(0.0, abs=1e-4)
        assert row[:frames, :-1].std() == pytest.approx(1.0, abs=1e-4)


def test_a_waveform_with_its_mask():
    made = build(representation="waveform")
    found = made.featurize(batch_of(0.5, 0.3), training=True, seed=SEED).numpy()
    assert found.shape == (2, 8192, 2)  # 16 positions of 512 samples
    np.testing.assert_array_equal(found[:, :, 1].sum(1), [8000, 4800])
    expected = np.round(voice(RATE, 0.5) * 32768).astype(np.float64)
    expected = (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(found[0, :8000, 0], expected, atol=1e-3)
    assert not found[1, 4800:].any()


@pytest.mark.parametrize("representation", ["spectral", "waveform"])
def test_neighbours_and_padding_change_nothing(representation):
    alone = build(representation=representation)
    padded = build(multiple=7, representation=representation)
    raw = batch_of(0.5, 0.31, 0.4)
    together = padded.featurize(raw, training=False).numpy()
    for row, file in zip(together, raw, strict=True):
        single = alone.featurize(file[None], training=False).numpy()[0]
        np.testing.assert_allclose(row[: len(single)], single, atol=1e-4)
        assert not row[len(single) :].any()


@pytest.mark.parametrize("representation", ["spectral", "waveform"])
@pytest.mark.parametrize("multiple", [1, 4])
def test_lengths_are_those_of_the_features(representation, multiple):
    made = build(multiple, representation=representation)
    files = [record(seconds) for seconds in (0.1, 0.73, 0.25)]
    step = Audio(representation=representation).cells_a_position
    for file in files:
        positions = int(made.lengths(tf.constant([file]))[0])
        size = made.featurize(tf.constant([file]), training=False).shape[1]
        assert size == -(-positions // multiple) * multiple * step


def test_lengths_of_a_batch():
    assert build().lengths(batch_of(0.5, 0.3, 0.05)).numpy().tolist() == [6, 4, 1]
    wave = build(representation="waveform")
    assert wave.lengths(batch_of(0.5, 0.3)).numpy().tolist() == [16, 10]  # of 512 samples


def test_loudness_does_not_matter():
    raw = [wav(level * voice(RATE), RATE) for level in (1.0, 0.25)]
    loud, quiet = build().featurize(tf.constant(raw), training=False).numpy()
    # The floor under the logarithm, and 16 bits, are of a fixed level.
    assert np.abs(loud - quiet).mean() < 0.1


def test_one_graph_takes_batches_of_any_size():
    """One signature of open size, as a server has it, gives what the pipeline has."""
    made = build()
    signature = [tf.TensorSpec([None], tf.string)]
    served = tf.function(
        lambda raw: made.featurize(raw, training=False), input_signature=signature, autograph=False
    )
    files = [record(seconds) for seconds in (0.4, 0.4, 0.3)]
    found = served(tf.constant(files)).numpy()
    assert found.shape == (3, 40, 81)
    np.testing.assert_allclose(
        found[1], made.featurize(tf.constant(files[1:2]), training=False)[0], atol=1e-4
    )
    assert served(tf.constant(files[:1])).shape == (1, 40, 81)


def test_masks_in_training_only_and_by_seed():
    made = build(spec_augment=True)
    raw = batch_of(0.5, 0.5, 0.4)
    plain = made.featurize(raw, training=False).numpy()
    np.testing.assert_array_equal(plain, build().featurize(raw, training=True, seed=SEED))
    first, again, other = (
        made.featurize(raw, training=True, seed=seed).numpy() for seed in (SEED, SEED, SEED + 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    kept = first != 0
    np.testing.assert_array_equal(first[kept], plain[kept])
    np.testing.assert_array_equal(first[:, :, -1], plain[:, :, -1])  # still what is real
    with pytest.raises(errors.ConfigError, match="seed"):
        made.featurize(raw, training=True)


def test_a_batch_holds_so_many_seconds():
    limits = batching.Batching(batch_tokens=1_000_000, max_length=10, batch_seconds=20)
    assert build().most_positions(limits) == 250  # of 80 ms
    assert build(representation="waveform").most_positions(limits) == 625  # of 32 ms
    few = batching.Batching(batch_tokens=100, max_length=10)
    assert build().most_positions(few) == 100


def test_no_sounds_at_all():
    none = tf.constant([], tf.string)
    assert build().lengths(none).shape == (0,)


@pytest.mark.parametrize("wrong", [b"hello", record(0.5)[:-2], wav(tone(8_000), 8_000)])
def test_what_cannot_be_used_is_an_error(wrong):
    for call in (build().lengths, lambda raw: build().featurize(raw, training=False)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="sound|WAV"):
            call(tf.constant([record(0.2), wrong]))


def test_longer_than_declared():
    made = build(max_seconds=0.4)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"longer than 0\.4 s"):
        made.featurize(batch_of(0.41), training=False)
