"""Batches of sounds: cut by what the body sees, whole, repeatable, and their errors."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors, vocabulary
from t2t_mm.data import pipeline, task
from t2t_mm.modality import Audio, Categorical, Language, features
from t2t_mm.problem import Problem, register_problem
from t2t_mm.training import feed
from tests.modality.audio.conftest import voice, wav

RATE = 8_000
BATCHING = pipeline.Batching(
    batch_tokens=64, batch_examples=4, max_length=24, shuffle_buffer=40, length_multiple=4
)
WORDS = "one two three four five six seven eight nine".split()


class Digits(Problem):
    inputs = {"sound": Audio(sample_rate=RATE, bands=16, spec_augment=True)}
    targets = Categorical()
    command = "to-class"

    def generate_examples(self, split, files):
        raise NotImplementedError


class Speech(Problem):
    inputs = {"sound": Audio(sample_rate=RATE, representation="waveform")}
    targets = Language(vocab="tiny")
    command = "to-english"

    def generate_examples(self, split, files):
        raise NotImplementedError


def recordings(count, *, longest_s=1.2):
    """WAV files, the first the shortest; lengths in no order but their own."""
    draw = np.random.default_rng(0)
    seconds = draw.uniform(0.1, longest_s, count)
    return [wav(voice(RATE, s, seed=i), RATE) for i, s in enumerate(seconds)]


@pytest.fixture
def digits(registries, write_data):
    register_problem("tiny_digits")(Digits)
    files = recordings(40)
    examples = [{"sound": f, "targets": WORDS[i % 3].encode()} for i, f in enumerate(files)]
    splits = {"train": examples, "validation": examples[:13]}
    data_dir = write_data("tiny_digits", splits, classes=sorted(WORDS[:3]))
    return task.Task.from_data("tiny_digits", data_dir)


@pytest.fixture
def speech(registries, write_data):
    register_problem("tiny_speech")(Speech)
    texts = [" ".join(WORDS[: 1 + i % 9]) for i in range(24)]
    examples = [
        {"sound": f, "targets": text.encode()}
        for f, text in zip(recordings(24), texts, strict=True)
    ]
    data_dir = write_data("tiny_speech", {"train": examples, "validation": examples[:9]})
    vocabulary.build("tiny", texts * 9, size=300).save(data_dir / "vocabularies" / "tiny")
    return task.Task.from_data("tiny_speech", data_dir)


def take(dataset, count=1000):
    return [tf.nest.map_structure(lambda t: t.numpy(), b) for b in dataset.take(count)]


@pytest.mark.parametrize("kind", ["digits", "speech"])
def test_batches_fill_their_positions_and_no_more(kind, request):
    bound = request.getfixturevalue(kind)
    step = bound.inputs["sound"].cells_a_position
    batches = take(pipeline.train_dataset(bound, BATCHING, seed=0), 25)
    for batch in batches:
        rows, size = batch["inputs"]["sound"].shape[:2]
        positions = size // step
        assert size % (step * BATCHING.length_multiple) == 0
        longest = max(positions, batch["targets"].shape[1] if kind == "speech" else 1)
        assert rows == 1 or rows * longest <= BATCHING.batch_tokens
        real = batch["inputs"]["sound"][:, :, -1].sum(1)
        assert (real > 0).all()
        assert real.max() > size - step * BATCHING.length_multiple
    assert np.mean([len(b["targets"]) for b in batches]) > 3
    shapes = {b["inputs"]["sound"].shape for b in batches}
    assert len(shapes) < 15


@pytest.mark.slow
def test_sorting_saves_padding(digits):
    exact = dataclasses.replace(BATCHING, length_multiple=1)
    batches = take(pipeline.train_dataset(digits, exact, seed=0), 20)
    filled = np.mean([b["inputs"]["sound"][:, :, -1].mean() for b in batches])
    lengths = np.concatenate([b["inputs"]["sound"][:, :, -1].sum(1) for b in batches])
    mixed = np.random.default_rng(0).permutation(lengths)[: len(lengths) // 6 * 6].reshape(-1, 6)
    assert filled > 1.15 * mixed.sum() / (mixed.max(1) * 6).sum()


def test_the_seconds_of_a_batch_are_bounded(digits):
    few = dataclasses.replace(BATCHING, batch_tokens=1024, batch_seconds=2)
    for batch in take(pipeline.train_dataset(digits, few, seed=0), 20):
        rows, frames = batch["inputs"]["sound"].shape[:2]
        assert rows == 1 or rows * frames <= 200
    many = dataclasses.replace(few, batch_seconds=60)
    (batch,) = take(pipeline.train_dataset(digits, many, seed=0), 1)
    assert len(batch["targets"]) == 40  # all of them


def test_every_sound_is_evaluated_once_unmasked_and_as_it_is_alone(digits):
    made = features.build(digits.inputs["sound"], digits)
    places = []
    for batch in take(pipeline.eval_dataset(digits, "validation", BATCHING)):
        places += batch["index"].tolist()
        for row, raw in zip(batch["inputs"]["sound"], batch["raw_inputs"]["sound"], strict=True):
            alone = made.featurize(tf.constant([raw]), training=False).numpy()[0]
            np.testing.assert_allclose(row[: len(alone)], alone, atol=1e-4)
    assert sorted(places) == list(range(13))


def test_the_seed_decides_order_and_masks(digits):
    first, again, other = (
        take(pipeline.train_dataset(digits, BATCHING, seed=seed), 4) for seed in (7, 7, 8)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one["inputs"]["sound"], two["inputs"]["sound"])
    assert any(
        one["inputs"]["sound"].shape != two["inputs"]["sound"].shape
        or not np.array_equal(one["inputs"]["sound"], two["inputs"]["sound"])
        for one, two in zip(first, other, strict=True)
    )


def test_a_saved_iterator_goes_on_exactly(speech, tmp_path):
    iterator = iter(pipeline.train_dataset(speech, BATCHING, seed=1))
    for _ in range(5):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator) for _ in range(9)]
    restored = iter(pipeline.train_dataset(speech, BATCHING, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    for batch in expected:
        found = next(restored)
        np.testing.assert_array_equal(found["inputs"]["sound"], batch["inputs"]["sound"])
        np.testing.assert_array_equal(found["targets"], batch["targets"])


def test_prediction_takes_sounds_of_any_rate_once_they_are_encoded(speech):
    files = [wav(voice(r, 0.2 + i / 10, seed=i), r) for i, r in enumerate((RATE, 16_000, 44_100))]
    given = [{"sound": speech.inputs["sound"].encode(file)} for file in files]
    dataset = pipeline.predict_dataset(speech, given, BATCHING)
    batches = take(dataset)
    assert sorted(np.concatenate([b["index"] for b in batches])) == [0, 1, 2]
    for batch in batches:
        real = batch["inputs"]["sound"][:, :, -1].sum(1)
        np.testing.assert_array_equal(real, [RATE * (2 + i) // 10 for i in batch["index"]])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (b"no sound at all", r"key 'train/6'\): 'sound' cannot be used.*not a WAV file"),
        (wav(voice(RATE, 0.3), RATE)[:-9], r"key 'train/6'\).*cut short.*4791"),
    ],
)
def test_a_sound_that_cannot_be_used_is_named(registries, write_data, wrong, message):
    register_problem("broken_digits")(Digits)
    examples = [{"sound": f, "targets": b"one"} for f in recordings(9, longest_s=0.3)]
    examples[6]["sound"] = wrong
    data_dir = write_data("broken_digits", {"train": examples}, classes=("one",))
    bound = task.Task.from_data("broken_digits", data_dir)
    iterator = iter(pipeline.train_dataset(bound, BATCHING, seed=0))
    with pytest.raises(errors.DataError, match=message):
        for _ in range(5):
            pipeline.next_batch(iterator, bound)


def test_the_feed_counts_seconds_of_sound(digits, speech):
    given = feed.Feed([digits, speech], BATCHING, seed=0, strategy=tf.distribute.get_strategy())
    for bound in (digits, speech):
        batch, counts = given.next(bound.name)
        assert counts.examples == len(batch["targets"])
        cells = float(tf.reduce_sum(batch["inputs"]["sound"][:, :, -1]))
        (seconds,) = counts.amounts.values()
        assert list(counts.amounts) == ["sound seconds"]
        assert seconds == pytest.approx(cells / bound.inputs["sound"].cells_a_second)
        assert 0.05 * counts.examples < seconds < 1.3 * counts.examples


@pytest.mark.slow
def test_every_sound_weighs_about_as_its_length(digits):
    """A batch's loss is a mean over its examples; what is left of a pool is no batch alone.

    A batch holds so many positions: examples weigh as their lengths, the shortest least.
    """
    batching = dataclasses.replace(BATCHING, batch_tokens=160, max_length=160)
    for seed in range(3):
        sizes = []
        for batch in pipeline.train_dataset(digits, batching, seed=seed):
            sizes.append(len(batch["targets"]))
            if sum(sizes) >= 40:  # all of the pool
                break
        assert len(sizes) > 3
        # An example's weight is 1 / the size of its batch; its mean over all is batches / 40.
        assert (1 / min(sizes)) / (len(sizes) / 40) < 2
