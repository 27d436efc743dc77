"""Batches: determinism, resumption, completeness, padding, sharding, and errors."""

import dataclasses
import io
import random

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm import errors, vocabulary
from t2t_mm.data import batches, pipeline, sample, task
from t2t_mm.modality import Categorical, Image, Language, features
from t2t_mm.modality.language import features as language_features
from t2t_mm.problem import Problem, register_problem
from t2t_mm.settings import augmentation

WORDS = "a big small red blue dog cat house tree runs sleeps near under the and while".split()
BATCHING = pipeline.Batching(
    batch_tokens=128, batch_examples=4, max_length=24, shuffle_buffer=40, length_multiple=4
)


class Translation(Problem):
    inputs = {"inputs": Language(vocab="tiny")}
    targets = Language(vocab="tiny")
    command = "to-german"
    metrics = ("bleu",)

    def generate_examples(self, split, files):
        raise NotImplementedError


class Naming(Problem):
    inputs = {"image": Image(size=32)}
    targets = Categorical()
    command = "to-class"

    def generate_examples(self, split, files):
        raise NotImplementedError


class Captions(Problem):
    inputs = {"image": Image(size=32)}
    targets = Language(vocab="tiny")
    command = "to-caption"

    def generate_examples(self, split, files):
        raise NotImplementedError


class Asking(Problem):
    inputs = {"image": Image(size=64), "question": Language(vocab="tiny")}
    targets = Categorical(classes=("yes", "no"))
    command = "to-answer"

    def generate_examples(self, split, files):
        raise NotImplementedError


def sentences(count, *, seed):
    """Returns texts of 1 to 14 words; the lengths are the same for every seed."""
    lengths, draw = random.Random(0), random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=lengths.randint(1, 14))).encode() for _ in range(count)]


def picture(number, *, size=(40, 32), kind="PNG"):
    data = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
    pillow.fromarray(pixels).save(data, kind)
    return data.getvalue()


@pytest.fixture
def translation(registries, write_data):
    register_problem("tiny_translation")(Translation)
    pairs = [
        {"inputs": a, "targets": b}
        for a, b in zip(sentences(150, seed=0), sentences(150, seed=1), strict=True)
    ]
    data_dir = write_data("tiny_translation", {"train": pairs, "validation": pairs[:37]}, shards=3)
    made = vocabulary.build("tiny", [line.decode() for line in sentences(200, seed=2)], size=320)
    made.save(data_dir / "vocabularies" / "tiny")
    return task.Task.from_data("tiny_translation", data_dir)


@pytest.fixture
def naming(registries, write_data):
    register_problem("tiny_naming")(Naming)
    examples = [{"image": picture(i), "targets": b"cat" if i % 3 else b"dog"} for i in range(23)]
    splits = {"train": examples, "validation": examples[:9]}
    return task.Task.from_data(
        "tiny_naming", write_data("tiny_naming", splits, classes=("cat", "dog"))
    )


@pytest.fixture
def captions(registries, write_data, translation):
    register_problem("tiny_captions")(Captions)
    examples = [
        {"image": picture(i), "targets": text} for i, text in enumerate(sentences(21, seed=3))
    ]
    splits = {"train": examples, "validation": examples[:11]}
    return task.Task.from_data("tiny_captions", write_data("tiny_captions", splits))


def take(dataset, count):
    return [tf.nest.map_structure(lambda t: t.numpy(), b) for b in dataset.take(count)]


def equal(left, right):
    flat = zip(tf.nest.flatten(left), tf.nest.flatten(right), strict=True)
    return all(a.shape == b.shape and np.array_equal(a, b) for a, b in flat)


@pytest.fixture(params=["translation", "naming", "captions"])
def any_task(request):
    return request.getfixturevalue(request.param)


def test_damage_is_to_inputs_only(any_task):
    def damaged(share):
        settings = augmentation.AugmentSettings(share=share)
        names = list(any_task.modalities())
        maker = batches.Maker(any_task, BATCHING, names=names, seed=0, augmentation=settings)
        return [name for name in names if maker.features[name].augmentation is not None]

    assert damaged(0.5) == list(any_task.inputs)
    assert damaged(0.0) == []


@pytest.mark.slow
def test_a_saved_iterator_damages_exactly_as_it_would_have(any_task, tmp_path):
    damage = augmentation.AugmentSettings(share=0.5, strength=5.0)
    iterator, restored = (
        iter(pipeline.train_dataset(any_task, BATCHING, seed=1, augmentation=damage))
        for _ in range(2)
    )
    plain = iter(pipeline.train_dataset(any_task, BATCHING, seed=1))
    assert not all(equal(next(iterator), next(plain)) for _ in range(5))
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator) for _ in range(9)]
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert all(equal(batch, next(restored)) for batch in expected)


@pytest.mark.parametrize("kind", ["translation", "naming"])
def test_same_seed_same_batches_other_seed_others(kind, request):
    bound = request.getfixturevalue(kind)
    first = take(pipeline.train_dataset(bound, BATCHING, seed=7), 12)
    again = take(pipeline.train_dataset(bound, BATCHING, seed=7), 12)
    other = take(pipeline.train_dataset(bound, BATCHING, seed=8), 12)
    assert equal(first, again)
    assert not any(equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_saved_iterator_goes_on_exactly(any_task, tmp_path):
    dataset = pipeline.train_dataset(any_task, BATCHING, seed=1)
    iterator = iter(dataset)
    for _ in range(9):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator) for _ in range(25)]
    restored = iter(pipeline.train_dataset(any_task, BATCHING, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert all(equal(batch, next(restored)) for batch in expected)


def test_every_example_is_evaluated_once(any_task):
    batches = take(pipeline.eval_dataset(any_task, "train", BATCHING), 1000)
    places = np.concatenate([b["index"] for b in batches])
    keys = np.concatenate([b["key"] for b in batches])
    examples = any_task.manifest().examples("train")
    assert sorted(places) == list(range(examples))
    assert len(set(keys)) == examples


def test_workers_share_the_batches_that_one_would_get(any_task):
    whole = take(pipeline.eval_dataset(any_task, "train", BATCHING), 1000)
    for index in range(3):
        part = take(pipeline.eval_dataset(any_task, "train", BATCHING, part=(index, 3)), 1000)
        assert len(part) == len(whole[index::3])
        for own, one in zip(part, whole[index::3], strict=True):
            assert own["index"].tolist() == one["index"].tolist()
            for name, value in own["inputs"].items():
                np.testing.assert_array_equal(value, one["inputs"][name])


def test_index_is_the_place_in_record_order(translation):
    batches = take(pipeline.eval_dataset(translation, "validation", BATCHING), 1000)
    by_place = {
        place: (key, text)
        for b in batches
        for place, key, text in zip(b["index"], b["key"], b["raw_targets"], strict=True)
    }
    # Three shards hold every third example each.
    expected = [n for start in range(3) for n in range(start, 37, 3)]
    texts = sentences(150, seed=1)
    for place, number in enumerate(expected):
        assert by_place[place] == (f"validation/{number}".encode(), texts[number])


def test_max_examples_takes_the_first_records(translation):
    batches = take(pipeline.eval_dataset(translation, "train", BATCHING, max_examples=10), 100)
    assert sorted(np.concatenate([b["index"] for b in batches])) == list(range(10))


def test_evaluation_keeps_the_raw_values_beside_the_ids(translation):
    words = translation.vocabulary
    for batch in take(pipeline.eval_dataset(translation, "validation", BATCHING), 100):
        for ids, raw in zip(batch["targets"], batch["raw_targets"], strict=True):
            whole = [*words.encode(raw.decode()), vocabulary.EOS_ID]
            assert ids[ids != vocabulary.PAD_ID].tolist() == whole[:24]
        assert batch["raw_inputs"]["inputs"].shape == batch["index"].shape


def whole_texts(bound, batch):
    """Returns the ids of a batch's targets, uncut, with the end token."""
    texts = [raw.decode() for raw in batch["raw_targets"]]
    return [[*bound.vocabulary.encode(text), vocabulary.EOS_ID] for text in texts]


def test_text_longer_than_max_length_is_cut_and_does_not_end(translation):
    batching = dataclasses.replace(BATCHING, max_length=8)
    lengths = []
    for batch in take(pipeline.eval_dataset(translation, "train", batching), 99):
        for row, whole in zip(batch["targets"], whole_texts(translation, batch), strict=True):
            assert row[row != 0].tolist() == whole[:8]
            lengths.append(len(whole))
    assert min(lengths) < 8 < max(lengths)


def test_a_declared_limit_is_not_lowered(registries, write_data, translation):
    register_problem("declared")(
        type("Declared", (Translation,), {"targets": Language(vocab="tiny", max_length=12)})
    )
    pairs = [
        {"inputs": a, "targets": b}
        for a, b in zip(sentences(80, seed=0), sentences(80, seed=1), strict=True)
    ]
    bound = task.Task.from_data("declared", write_data("declared", {"train": pairs}))
    batching = dataclasses.replace(BATCHING, max_length=8)
    longest = {"inputs": 0, "targets": 0}
    for batch in take(pipeline.eval_dataset(bound, "train", batching), 99):
        for name, ids in (("inputs", batch["inputs"]["inputs"]), ("targets", batch["targets"])):
            longest[name] = max(longest[name], int((ids != 0).sum(axis=1).max()))
    assert longest == {"inputs": 8, "targets": 12}


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
    batching = dataclasses.replace(BATCHING, max_length=8, too_long="drop")
    evaluated = take(pipeline.eval_dataset(translation, "train", batching), 99)
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
    return next(iter(pipeline.train_dataset(bound, BATCHING, seed=0)))


def test_a_saved_iterator_that_drops_goes_on_exactly(translation, tmp_path):
    batching = dataclasses.replace(BATCHING, max_length=8, too_long="drop")
    iterator = iter(pipeline.train_dataset(translation, batching, seed=1))
    for _ in range(7):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator) for _ in range(20)]
    restored = iter(pipeline.train_dataset(translation, batching, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert all(equal(batch, next(restored)) for batch in expected)


def test_where_all_are_too_long_there_is_an_end_and_a_word(registries, write_data, translation):
    register_problem("long")(type("Long", (Translation,), {}))
    pair = {"inputs": b"a dog runs", "targets": b"a cat sleeps near the house"}
    bound = task.Task.from_data("long", write_data("long", {"train": [pair] * 9}))
    batching = dataclasses.replace(BATCHING, max_length=4, too_long="drop")
    with pytest.raises(errors.ConfigError, match="leaves no example of 'long'.*9 of 9"):
        sample.take(bound, batching)
    iterator = iter(pipeline.train_dataset(bound, batching, seed=1))
    with pytest.raises(errors.DataError, match="Batching.too_long drops every example"):
        pipeline.next_batch(iterator, bound)


def test_batches_fill_batch_tokens_and_widths_are_few(translation):
    batches = take(pipeline.train_dataset(translation, BATCHING, seed=0), 60)
    for batch in batches:
        rows, width = batch["targets"].shape
        longer = max(width, batch["inputs"]["inputs"].shape[1])
        assert rows * longer <= BATCHING.batch_tokens
        assert width % BATCHING.length_multiple == 0
        assert batch["targets"].dtype == np.int32
        assert (batch["targets"] != 0).any(axis=0)[: width - 3].all()
    assert len({b["targets"].shape for b in batches}) < 30


@pytest.mark.parametrize("times", [1, 2, 5])
def test_batches_of_evaluation_are_so_many_times_as_large(translation, times):
    batching = dataclasses.replace(BATCHING, eval_times=times)
    evaluated = take(pipeline.eval_dataset(translation, "train", batching), 99)
    trained = take(pipeline.train_dataset(translation, batching, seed=0), 60)

    def largest(batches):
        widths = (max(b["targets"].shape[1], b["inputs"]["inputs"].shape[1]) for b in batches)
        return max(len(b["targets"]) * width for b, width in zip(batches, widths, strict=True))

    assert 0.7 * times < largest(evaluated) / batching.batch_tokens <= times
    assert 0.7 < largest(trained) / batching.batch_tokens <= 1


def test_no_iterator_has_a_thread_that_tunes_it(translation):
    """Its end would wait for that thread, which wakes after seconds, or a minute."""
    for dataset in (
        pipeline.train_dataset(translation, BATCHING, seed=0),
        pipeline.eval_dataset(translation, "validation", BATCHING),
        pipeline.predict_dataset(translation, [{"inputs": b"dog"}], BATCHING),
    ):
        assert dataset.options().autotune.enabled is False


def test_sorting_saves_padding(translation):
    batches = take(pipeline.train_dataset(translation, BATCHING, seed=0), 40)
    sorted_share = np.mean([pipeline.padding_share(b) for b in batches])
    rows = np.array([int((row != 0).sum()) for b in batches for row in b["targets"]])
    rows = np.random.default_rng(0).permutation(rows)[: len(rows) // 8 * 8].reshape(-1, 8)
    unsorted_share = 1 - rows.sum() / (rows.max(axis=1) * 8).sum()
    assert 0 <= sorted_share < 0.7 * unsorted_share


def test_pictures_alone_have_no_padding(naming):
    batch = next(iter(pipeline.train_dataset(naming, BATCHING, seed=0)))
    assert pipeline.padding_share(batch) == 0.0
    assert batch["inputs"]["image"].shape == (4, 32, 32, 3)
    assert batch["inputs"]["image"].dtype == tf.uint8
    assert batch["targets"].dtype == tf.int32


def test_several_inputs_share_the_budget_of_a_batch(registries, write_data, translation):
    register_problem("tiny_asking")(Asking)
    examples = [
        {"image": picture(i), "question": text, "targets": b"no" if i % 2 else b"yes"}
        for i, text in enumerate(sentences(20, seed=5))
    ]
    bound = task.Task.from_data("tiny_asking", write_data("tiny_asking", {"train": examples}))
    texts = set(sentences(20, seed=5))
    for batch in take(pipeline.eval_dataset(bound, "train", BATCHING), 99):
        rows, width = batch["inputs"]["question"].shape
        assert batch["inputs"]["image"].shape == (rows, 64, 64, 3)
        assert rows == 1 or rows * (16 + width) <= 2 * BATCHING.batch_tokens  # 4 x 4 patches
        for place, label, raw in zip(
            batch["index"], batch["targets"], batch["raw_targets"], strict=True
        ):
            assert (b"yes", b"no")[label] == raw
            assert 0 <= place < 20
        assert set(batch["raw_inputs"]["question"]) <= texts


def test_features_are_the_same_directly_and_through_the_pipeline(captions):
    made = {name: features.build(m, captions) for name, m in captions.modalities().items()}
    for batch in take(pipeline.eval_dataset(captions, "validation", BATCHING), 9):
        image = made["image"].featurize(batch["raw_inputs"]["image"], training=False)
        np.testing.assert_array_equal(batch["inputs"]["image"], image)
        ids = made["targets"].featurize(batch["raw_targets"], training=False)
        for row, direct in zip(batch["targets"], ids.to_list(), strict=True):
            # Batching.max_length cuts at 24; what is not cut is the same, end included.
            assert row[row != 0].tolist() == direct[:24]


def test_an_epoch_holds_every_example_once(translation):
    # 150 examples make one pool, so an epoch ends with a batch.
    seen = []
    for batch in pipeline.train_dataset(translation, BATCHING, seed=3):
        seen += [tuple(row[row != 0]) for row in batch["targets"].numpy()]
        if len(seen) >= 150:
            break
    expected = [
        tuple(r[r != 0])
        for b in take(pipeline.eval_dataset(translation, "train", BATCHING), 99)
        for r in b["targets"]
    ]
    assert sorted(seen) == sorted(expected)


@pytest.mark.parametrize("count", [3, 5])
def test_each_workers_epoch_is_its_part(numbered, count):
    """Batches of one example: an epoch of a worker is so many batches as it has examples."""
    examples, batching = 23, dataclasses.replace(BATCHING, batch_examples=1)
    sizes = [examples * (i + 1) // count - examples * i // count for i in range(count)]
    first, second = [], []
    for index, size in enumerate(sizes):
        dataset = pipeline.train_dataset(numbered, batching, seed=3, shard=(index, count))
        seen = [int(b["targets"][0]) for b in take(dataset, 2 * size)]
        first += seen[:size]
        assert sorted(seen[:size]) == sorted(seen[size:])
        second += seen[size:]
    assert sorted(first) == list(range(examples))
    assert first != second


@pytest.fixture
def numbered(registries, write_data):
    """23 pictures in 3 shards, each of a class of its own."""
    register_problem("numbered")(Naming)
    names = [f"class {number:02d}" for number in range(23)]
    examples = [{"image": picture(0), "targets": name.encode()} for name in names]
    return task.Task.from_data(
        "numbered", write_data("numbered", {"train": examples}, shards=3, classes=names)
    )


def test_every_token_weighs_about_the_same(translation):
    """A batch's loss is a mean over its tokens: one of few tokens would weigh each heavily."""
    for seed in range(3):
        dataset = pipeline.train_dataset(translation, BATCHING, seed=seed)
        tokens, rows = [], 0
        for batch in dataset:
            tokens.append(int(np.count_nonzero(batch["targets"])))
            rows += len(batch["targets"])
            if rows >= 150:  # all of the pool
                break
        weights = 1 / np.array(tokens)
        mean = len(tokens) / sum(tokens)  # of a token's weight: each batch's weights sum to 1
        assert weights.max() < 2.5 * mean  # of five or six pairs a batch, one is a good part


def test_pictures_come_in_batches_of_one_size(naming):
    """23 examples, 4 a batch: what is left of an epoch begins a batch with the next."""
    sizes = [len(b["targets"]) for b in take(pipeline.train_dataset(naming, BATCHING, seed=0), 30)]
    assert sizes == [4] * 30


def test_a_saved_iterator_goes_on_in_another_folder(any_task, tmp_path):
    """Its state holds no path, and it reads the folder that it is given."""
    iterator = iter(pipeline.train_dataset(any_task, BATCHING, seed=1))
    for _ in range(5):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    state = b"".join(file.read_bytes() for file in tmp_path.glob("saved.*"))
    assert b"tfrecord" not in state
    assert any_task.data_dir.name.encode() + b"/" not in state
    expected = [next(iterator) for _ in range(25)]
    moved = any_task.data_dir.rename(tmp_path / "elsewhere")
    bound = dataclasses.replace(any_task, data_dir=moved)
    restored = iter(pipeline.train_dataset(bound, BATCHING, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    assert all(equal(batch, next(restored)) for batch in expected)


def test_one_split_is_read_where_only_its_records_are(naming):
    for file in naming.manifest().files("train"):
        file.unlink()
    batches = take(pipeline.eval_dataset(naming, "validation", BATCHING), 99)
    assert sum(len(b["index"]) for b in batches) == 9
    with pytest.raises(errors.DataError, match=r"train-00000.*is missing"):
        pipeline.train_dataset(naming, BATCHING, seed=0)


def test_shards_behind_max_examples_need_not_be_there(translation):
    first, second, third = translation.manifest().files("train")  # of 50 examples each
    third.unlink()
    second.write_bytes(second.read_bytes()[:-5])
    batches = take(pipeline.eval_dataset(translation, "train", BATCHING, max_examples=50), 99)
    assert sum(len(b["index"]) for b in batches) == 50
    with pytest.raises(errors.DataError, match=f"{second.name} has .* bytes instead of"):
        pipeline.eval_dataset(translation, "train", BATCHING, max_examples=51)
    with pytest.raises(errors.DataError, match=second.name):
        pipeline.eval_dataset(translation, "train", BATCHING)
    assert first.is_file()


def test_a_file_of_fewer_records_than_the_manifest_says_is_an_error(naming):
    """Sizes agree, every checksum too: only the count tells."""
    manifest = naming.manifest()
    shard = manifest.shards["validation"][0]
    told = dataclasses.replace(shard, examples=shard.examples + 2)
    rest = manifest.shards["validation"][1:]
    dataclasses.replace(manifest, shards={**manifest.shards, "validation": (told, *rest)}).save()
    dataset = pipeline.eval_dataset(naming, "validation", BATCHING)
    with pytest.raises(errors.DataError, match=r"5 of 7 examples read"):
        list(pipeline.iterate(dataset, naming, "validation"))


def test_prediction_batches_take_values_from_outside(translation):
    texts = sentences(30, seed=9)
    dataset = pipeline.predict_dataset(translation, [{"inputs": t} for t in texts], BATCHING)
    batches = take(dataset, 99)
    assert sorted(np.concatenate([b["index"] for b in batches])) == list(range(30))
    for batch in batches:
        assert "targets" not in batch
        assert "raw_targets" not in batch
        for place, raw in zip(batch["index"], batch["raw_inputs"]["inputs"], strict=True):
            assert raw == texts[place]


def test_prediction_says_which_input_is_missing(translation):
    with pytest.raises(errors.DataError, match=r"Input 2 has no 'inputs'.*text"):
        pipeline.predict_dataset(translation, [{"inputs": b"x"}, {"text": b"x"}], BATCHING)
    with pytest.raises(errors.DataError, match="nothing to predict"):
        pipeline.predict_dataset(translation, [], BATCHING)


def test_unknown_split(translation):
    with pytest.raises(errors.ConfigError, match="Did you mean 'validation'"):
        pipeline.eval_dataset(translation, "validatoin", BATCHING)


def test_an_empty_split_is_an_error_and_no_endless_loop(registries, write_data):
    register_problem("empty")(Naming)
    example = {"image": picture(0), "targets": b"x"}
    data_dir = write_data("empty", {"train": [], "validation": [example]}, classes=("x",))
    bound = task.Task.from_data("empty", data_dir)
    with pytest.raises(errors.DataError, match="'train' of 'empty' is empty"):
        pipeline.train_dataset(bound, BATCHING, seed=0)
    with pytest.raises(errors.DataError, match="empty"):
        pipeline.eval_dataset(bound, "train", BATCHING)


def test_too_few_examples_for_the_workers(naming):
    with pytest.raises(errors.DataError, match="23 examples for 24 workers"):
        pipeline.train_dataset(naming, BATCHING, seed=0, shard=(0, 24))


def test_a_shard_cut_at_a_record_is_noticed_before_reading(naming):
    path = naming.manifest().files("train")[1]
    path.write_bytes(b"")
    with pytest.raises(errors.DataError, match=path.name):
        pipeline.train_dataset(naming, BATCHING, seed=0)


@pytest.mark.parametrize("training", [True, False])
def test_a_flipped_bit_names_the_file(naming, training):
    path = naming.manifest().files("train")[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    if training:
        dataset = pipeline.train_dataset(naming, BATCHING, seed=0)
    else:
        dataset = pipeline.eval_dataset(naming, "train", BATCHING)
    iterator = iter(dataset)
    with pytest.raises(errors.DataError, match=rf"{path.name}.*sha256"):
        for _ in range(30):
            pipeline.next_batch(iterator, naming)


def test_problems_alike_share_a_graph_and_nothing_else(registries, write_data):
    made = {}
    for name, classes in (("one", ("x", "y")), ("same", ("x", "y")), ("other", ("y", "x"))):
        register_problem(name)(type(name, (Naming,), {}))
        examples = [{"image": picture(i), "targets": b"xy"[i % 2 :][:1]} for i in range(9)]
        data_dir = write_data(name, {"train": examples}, classes=classes)
        made[name] = task.Task.from_data(name, data_dir)

    def key(name, seed=0, **settings):
        names = list(made[name].modalities())
        return batches.Maker(made[name], BATCHING, names=names, seed=seed, **settings).key()

    assert key("one") == key("same") == key("one", seed=5)
    assert key("one") != key("other")  # whose first class is another
    assert key("one") != key("one", seed=None)  # evaluation draws nothing
    assert key("one") != key("one", augmentation=augmentation.AugmentSettings(share=0.5))

    def epoch(name, seed):
        drawn = take(pipeline.train_dataset(made[name], BATCHING, seed=seed), 9)
        keys = np.concatenate([batch["key"] for batch in drawn])
        ids = np.concatenate([batch["targets"] for batch in drawn])
        # Example i is of class "xy"[i % 2].
        numbers = [int(text.split(b"/")[1]) for text in keys]
        right = [made[name].targets.classes.index("xy"[number % 2]) for number in numbers]
        assert ids.tolist() == right
        return numbers

    assert epoch("one", 1) == epoch("one", 1)
    assert epoch("one", 1) != epoch("one", 2)
    assert epoch("one", 1) != epoch("same", 1)  # seeds depend on the name
    assert len(epoch("other", 1)) == 36  # 9 batches of 4


def test_features_of_another_package_share_no_graph(translation):
    class Own(language_features.LanguageFeatures):
        pass

    names = list(translation.modalities())
    maker = batches.Maker(translation, BATCHING, names=names, seed=0)
    assert maker.key() is not None
    maker.features["inputs"].__class__ = Own
    assert maker.key() is None


def test_a_missing_feature_is_named_with_its_record(registries, write_data):
    register_problem("holes")(Naming)
    examples = [{"image": picture(i), "targets": b"x"} for i in range(8)]
    del examples[5]["targets"]
    bound = task.Task.from_data("holes", write_data("holes", {"train": examples}, classes=("x",)))
    dataset = pipeline.eval_dataset(bound, "train", BATCHING)
    with pytest.raises(errors.DataError, match=r"key 'train/5'\) has no 'targets'.*image, key"):
        list(pipeline.iterate(dataset, bound, "train"))


def test_an_unknown_class_is_named_with_its_record(registries, write_data):
    register_problem("strangers")(Naming)
    examples = [{"image": picture(i), "targets": b"x"} for i in range(8)]
    examples[2]["targets"] = b"y"
    data_dir = write_data("strangers", {"train": examples}, classes=("x", "z"))
    bound = task.Task.from_data("strangers", data_dir)
    iterator = iter(pipeline.train_dataset(bound, BATCHING, seed=0))
    with pytest.raises(errors.DataError, match=r"key 'train/2'\).*not among the 2 known"):
        for _ in range(5):
            pipeline.next_batch(iterator, bound)


def test_a_picture_that_does_not_decode_is_named(registries, write_data):
    register_problem("broken")(Naming)
    examples = [{"image": picture(i), "targets": b"x"} for i in range(8)]
    examples[6]["image"] = b"no picture at all"
    bound = task.Task.from_data("broken", write_data("broken", {"train": examples}, classes=("x",)))
    iterator = iter(pipeline.train_dataset(bound, BATCHING, seed=0))
    with pytest.raises(errors.DataError, match=r"key 'train/6'\): 'image' cannot be used"):
        for _ in range(5):
            pipeline.next_batch(iterator, bound)


def test_a_batch_for_training_says_which_examples_it_holds(naming, translation):
    held = {f"train/{n}".encode(): text for n, text in enumerate(sentences(150, seed=1))}
    vocabulary_of = translation.vocabularies["tiny"]
    for batch in take(pipeline.train_dataset(translation, BATCHING, seed=1), 5):
        assert batch["key"].shape == batch["targets"].shape[:1]
        for key, ids in zip(batch["key"], batch["targets"], strict=True):
            assert held[key].decode().startswith(vocabulary_of.decode([int(i) for i in ids]))
    for batch in take(pipeline.train_dataset(naming, BATCHING, seed=1), 6):
        dogs = [int(key.decode().removeprefix("train/")) % 3 == 0 for key in batch["key"]]
        assert batch["targets"].tolist() == [int(is_dog) for is_dog in dogs]
