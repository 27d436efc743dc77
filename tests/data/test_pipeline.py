"""The pipeline: determinism, resumption, completeness, sharding."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors, register_problem, vocabulary
from t2t_mm.data import pipeline, sample, task
from t2t_mm.settings import augmentation
from tests.data import toys


@pytest.mark.slow
def test_a_saved_iterator_damages_exactly_as_it_would_have(any_task, tmp_path):
    damage = augmentation.AugmentSettings(share=0.5, strength=5.0)
    iterator, restored = (
        iter(pipeline.train_dataset(any_task, toys.BATCHING, seed=1, augmentation=damage))
        for _ in range(2)
    )
    plain = iter(pipeline.train_dataset(any_task, toys.BATCHING, seed=1))
    assert not all(toys.equal(next(iterator), next(plain)) for _ in range(5))
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator) for _ in range(9)]
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert all(toys.equal(batch, next(restored)) for batch in expected)


@pytest.mark.parametrize("kind", ["translation", "naming"])
def test_same_seed_same_batches_other_seed_others(kind, request):
    bound = request.getfixturevalue(kind)
    first = toys.take(pipeline.train_dataset(bound, toys.BATCHING, seed=7), 12)
    again = toys.take(pipeline.train_dataset(bound, toys.BATCHING, seed=7), 12)
    other = toys.take(pipeline.train_dataset(bound, toys.BATCHING, seed=8), 12)
    assert toys.equal(first, again)
    assert not any(toys.equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_saved_iterator_goes_on_exactly(any_task, tmp_path):
    dataset = pipeline.train_dataset(any_task, toys.BATCHING, seed=1)
    iterator = iter(dataset)
    for _ in range(9):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator) for _ in range(25)]
    restored = iter(pipeline.train_dataset(any_task, toys.BATCHING, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert all(toys.equal(batch, next(restored)) for batch in expected)


def test_every_example_is_evaluated_once(any_task):
    batches = toys.take(pipeline.eval_dataset(any_task, "train", toys.BATCHING), 1000)
    places = np.concatenate([b["index"] for b in batches])
    keys = np.concatenate([b["key"] for b in batches])
    examples = any_task.manifest().examples("train")
    assert sorted(places) == list(range(examples))
    assert len(set(keys)) == examples


def test_workers_share_the_batches_that_one_would_get(any_task):
    whole = toys.take(pipeline.eval_dataset(any_task, "train", toys.BATCHING), 1000)
    for index in range(3):
        part = toys.take(
            pipeline.eval_dataset(any_task, "train", toys.BATCHING, part=(index, 3)), 1000
        )
        assert len(part) == len(whole[index::3])
        for own, one in zip(part, whole[index::3], strict=True):
            assert own["index"].tolist() == one["index"].tolist()
            for name, value in own["inputs"].items():
                np.testing.assert_array_equal(value, one["inputs"][name])


def test_index_is_the_place_in_record_order(translation):
    batches = toys.take(pipeline.eval_dataset(translation, "validation", toys.BATCHING), 1000)
    by_place = {
        place: (key, text)
        for b in batches
        for place, key, text in zip(b["index"], b["key"], b["raw_targets"], strict=True)
    }
    # Three shards hold every third example each.
    expected = [n for start in range(3) for n in range(start, 37, 3)]
    texts = toys.sentences(150, seed=1)
    for place, number in enumerate(expected):
        assert by_place[place] == (f"validation/{number}".encode(), texts[number])


def test_max_examples_takes_the_first_records(translation):
    batches = toys.take(
        pipeline.eval_dataset(translation, "train", toys.BATCHING, max_examples=10), 100
    )
    assert sorted(np.concatenate([b["index"] for b in batches])) == list(range(10))


def test_evaluation_keeps_the_raw_values_beside_the_ids(translation):
    words = translation.vocabulary
    for batch in toys.take(pipeline.eval_dataset(translation, "validation", toys.BATCHING), 100):
        for ids, raw in zip(batch["targets"], batch["raw_targets"], strict=True):
            whole = [*words.encode(raw.decode()), vocabulary.EOS_ID]
            assert ids[ids != vocabulary.PAD_ID].tolist() == whole[:24]
        assert batch["raw_inputs"]["inputs"].shape == batch["index"].shape


def epoch(bound, batching, examples):
    """Returns the batches of one epoch of so many examples."""
    batches, left = [], examples
    for batch in pipeline.train_dataset(bound, batching, seed=3):
        batches.append(tf.nest.map_structure(lambda t: t.numpy(), batch))
        left -= len(batch["targets"])
        if left <= 0:
            return batches
    return batches


def test_pairs_that_are_too_long_can_be_dropped_in_training_alone(translation):
    batching = dataclasses.replace(toys.BATCHING, max_length=8, too_long="drop")
    evaluated = toys.take(pipeline.eval_dataset(translation, "train", batching), 99)
    assert sum(len(batch["targets"]) for batch in evaluated) == 150
    short = [
        key
        for batch in evaluated
        for key, source, ids in zip(
            batch["key"], batch["inputs"]["inputs"], batch["targets"], strict=True
        )
        if vocabulary.EOS_ID in source and vocabulary.EOS_ID in ids
    ]
    assert 0 < len(short) < 150
    batches = epoch(translation, batching, len(short))
    assert sorted(key for batch in batches for key in batch["key"]) == sorted(short)
    for batch in batches:
        assert (batch["targets"] == vocabulary.EOS_ID).any(axis=1).all()
        assert (batch["inputs"]["inputs"] == vocabulary.EOS_ID).any(axis=1).all()
    assert sum(batch["dropped"] for batch in batches) == 150 - len(short)
    assert "dropped" not in batches_of_cut(translation)


def batches_of_cut(bound):
    return next(iter(pipeline.train_dataset(bound, toys.BATCHING, seed=0)))


def test_a_saved_iterator_that_drops_goes_on_exactly(translation, tmp_path):
    batching = dataclasses.replace(toys.BATCHING, max_length=8, too_long="drop")
    iterator = iter(pipeline.train_dataset(translation, batching, seed=1))
    for _ in range(7):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator) for _ in range(20)]
    restored = iter(pipeline.train_dataset(translation, batching, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert all(toys.equal(batch, next(restored)) for batch in expected)


def test_where_all_are_too_long_there_is_an_end_and_a_word(registries, write_data, translation):
    register_problem("long")(type("Long", (toys.Translation,), {}))
    pair = {"inputs": b"a dog runs", "targets": b"a cat sleeps near the house"}
    bound = task.Task.from_data("long", write_data("long", {"train": [pair] * 9}))
    batching = dataclasses.replace(toys.BATCHING, max_length=4, too_long="drop")
    with pytest.raises(errors.ConfigError, match="leaves no example of 'long'.*9 of 9"):
        sample.take(bound, batching)
    iterator = iter(pipeline.train_dataset(bound, batching, seed=1))
    with pytest.raises(errors.DataError, match="Batching.too_long drops every example"):
        pipeline.next_batch(iterator, bound)


def test_no_iterator_has_a_thread_that_tunes_it(translation):
    """Its end would wait for that thread, which wakes after seconds, or a minute."""
    for dataset in (
        pipeline.train_dataset(translation, toys.BATCHING, seed=0),
        pipeline.eval_dataset(translation, "validation", toys.BATCHING),
        pipeline.predict_dataset(translation, [{"inputs": b"dog"}], toys.BATCHING),
    ):
        assert dataset.options().autotune.enabled is False


def test_an_epoch_holds_every_example_once(translation):
    # 150 examples make one pool, so an epoch ends with a batch.
    seen = []
    for batch in pipeline.train_dataset(translation, toys.BATCHING, seed=3):
        seen += [tuple(row[row != 0]) for row in batch["targets"].numpy()]
        if len(seen) >= 150:
            break
    expected = [
        tuple(r[r != 0])
        for b in toys.take(pipeline.eval_dataset(translation, "train", toys.BATCHING), 99)
        for r in b["targets"]
    ]
    assert sorted(seen) == sorted(expected)


@pytest.mark.parametrize("count", [3, 5])
def test_each_workers_epoch_is_its_part(numbered, count):
    """Batches of one example: an epoch of a worker is so many batches as it has examples."""
    examples, batching = 23, dataclasses.replace(toys.BATCHING, batch_examples=1)
    sizes = [examples * (i + 1) // count - examples * i // count for i in range(count)]
    first, second = [], []
    for index, size in enumerate(sizes):
        dataset = pipeline.train_dataset(numbered, batching, seed=3, shard=(index, count))
        seen = [int(b["targets"][0]) for b in toys.take(dataset, 2 * size)]
        first += seen[:size]
        assert sorted(seen[:size]) == sorted(seen[size:])
        second += seen[size:]
    assert sorted(first) == list(range(examples))
    assert first != second


@pytest.fixture
def numbered(registries, write_data):
    """23 pictures in 3 shards, each of a class of its own."""
    register_problem("numbered")(toys.Naming)
    names = [f"class {number:02d}" for number in range(23)]
    examples = [{"image": toys.picture(0), "targets": name.encode()} for name in names]
    return task.Task.from_data(
        "numbered", write_data("numbered", {"train": examples}, shards=3, classes=names)
    )


def test_a_saved_iterator_goes_on_in_another_folder(any_task, tmp_path):
    """Its state holds no path, and it reads the folder that it is given."""
    iterator = iter(pipeline.train_dataset(any_task, toys.BATCHING, seed=1))
    for _ in range(5):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    state = b"".join(file.read_bytes() for file in tmp_path.glob("saved.*"))
    assert b"tfrecord" not in state
    assert any_task.data_dir.name.encode() + b"/" not in state
    expected = [next(iterator) for _ in range(25)]
    moved = any_task.data_dir.rename(tmp_path / "elsewhere")
    bound = dataclasses.replace(any_task, data_dir=moved)
    restored = iter(pipeline.train_dataset(bound, toys.BATCHING, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert all(toys.equal(batch, next(restored)) for batch in expected)


def test_one_split_is_read_where_only_its_records_are(naming):
    for file in naming.manifest().files("train"):
        file.unlink()
    batches = toys.take(pipeline.eval_dataset(naming, "validation", toys.BATCHING), 99)
    assert sum(len(b["index"]) for b in batches) == 9
    with pytest.raises(errors.DataError, match=r"train-00000.*is missing"):
        pipeline.train_dataset(naming, toys.BATCHING, seed=0)


def test_shards_behind_max_examples_need_not_be_there(translation):
    first, second, third = translation.manifest().files("train")  # of 50 examples each
    third.unlink()
    second.write_bytes(second.read_bytes()[:-5])
    batches = toys.take(
        pipeline.eval_dataset(translation, "train", toys.BATCHING, max_examples=50), 99
    )
    assert sum(len(b["index"]) for b in batches) == 50
    with pytest.raises(errors.DataError, match=f"{second.name} has .* bytes instead of"):
        pipeline.eval_dataset(translation, "train", toys.BATCHING, max_examples=51)
    with pytest.raises(errors.DataError, match=second.name):
        pipeline.eval_dataset(translation, "train", toys.BATCHING)
    assert first.is_file()


def test_prediction_batches_take_values_from_outside(translation):
    texts = toys.sentences(30, seed=9)
    dataset = pipeline.predict_dataset(translation, [{"inputs": t} for t in texts], toys.BATCHING)
    batches = toys.take(dataset, 99)
    assert sorted(np.concatenate([b["index"] for b in batches])) == list(range(30))
    for batch in batches:
        assert "targets" not in batch
        assert "raw_targets" not in batch
        for place, raw in zip(batch["index"], batch["raw_inputs"]["inputs"], strict=True):
            assert raw == texts[place]


def test_prediction_says_which_input_is_missing(translation):
    with pytest.raises(errors.DataError, match=r"Input 2 has no 'inputs'.*text"):
        pipeline.predict_dataset(translation, [{"inputs": b"x"}, {"text": b"x"}], toys.BATCHING)
    with pytest.raises(errors.DataError, match="nothing to predict"):
        pipeline.predict_dataset(translation, [], toys.BATCHING)


def test_unknown_split(translation):
    with pytest.raises(errors.ConfigError, match="Did you mean 'validation'"):
        pipeline.eval_dataset(translation, "validatoin", toys.BATCHING)


def test_an_empty_split_is_an_error_and_no_endless_loop(registries, write_data):
    register_problem("empty")(toys.Naming)
    example = {"image": toys.picture(0), "targets": b"x"}
    data_dir = write_data("empty", {"train": [], "validation": [example]}, classes=("x",))
    bound = task.Task.from_data("empty", data_dir)
    with pytest.raises(errors.DataError, match="'train' of 'empty' is empty"):
        pipeline.train_dataset(bound, toys.BATCHING, seed=0)
    with pytest.raises(errors.DataError, match="empty"):
        pipeline.eval_dataset(bound, "train", toys.BATCHING)


def test_too_few_examples_for_the_workers(naming):
    with pytest.raises(errors.DataError, match="23 examples for 24 workers"):
        pipeline.train_dataset(naming, toys.BATCHING, seed=0, shard=(0, 24))


def test_a_shard_cut_at_a_record_is_noticed_before_reading(naming):
    path = naming.manifest().files("train")[1]
    path.write_bytes(b"")
    with pytest.raises(errors.DataError, match=path.name):
        pipeline.train_dataset(naming, toys.BATCHING, seed=0)
