"""Batches: their sizes, their padding, and what is in a row."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import register_problem, vocabulary
from t2t_mm.data import batches, pipeline, task
from t2t_mm.modality import Language, features
from t2t_mm.modality.language import features as language_features
from t2t_mm.settings import augmentation
from tests.data import toys


def test_damage_is_to_inputs_only(any_task):
    def damaged(share):
        settings = augmentation.AugmentSettings(share=share)
        names = list(any_task.modalities())
        maker = batches.Maker(any_task, toys.BATCHING, names=names, seed=0, augmentation=settings)
        return [name for name in names if maker.features[name].augmentation is not None]

    assert damaged(0.5) == list(any_task.inputs)
    assert damaged(0.0) == []


def whole_texts(bound, batch):
    """Returns the ids of a batch's targets, uncut, with the end token."""
    texts = [raw.decode() for raw in batch["raw_targets"]]
    return [[*bound.vocabulary.encode(text), vocabulary.EOS_ID] for text in texts]


def test_text_longer_than_max_length_is_cut_and_does_not_end(translation):
    batching = dataclasses.replace(toys.BATCHING, max_length=8)
    lengths = []
    for batch in toys.take(pipeline.eval_dataset(translation, "train", batching), 99):
        for row, whole in zip(batch["targets"], whole_texts(translation, batch), strict=True):
            assert row[row != 0].tolist() == whole[:8]
            lengths.append(len(whole))
    assert min(lengths) < 8 < max(lengths)


def test_a_declared_limit_is_not_lowered(registries, write_data, translation):
    register_problem("declared")(
        type("Declared", (toys.Translation,), {"targets": Language(vocab="tiny", max_length=12)})
    )
    pairs = [
        {"inputs": a, "targets": b}
        for a, b in zip(toys.sentences(80, seed=0), toys.sentences(80, seed=1), strict=True)
    ]
    bound = task.Task.from_data("declared", write_data("declared", {"train": pairs}))
    batching = dataclasses.replace(toys.BATCHING, max_length=8)
    longest = {"inputs": 0, "targets": 0}
    for batch in toys.take(pipeline.eval_dataset(bound, "train", batching), 99):
        for name, ids in (("inputs", batch["inputs"]["inputs"]), ("targets", batch["targets"])):
            longest[name] = max(longest[name], int((ids != 0).sum(axis=1).max()))
    assert longest == {"inputs": 8, "targets": 12}


def test_batches_fill_batch_tokens_and_widths_are_few(translation):
    batches = toys.take(pipeline.train_dataset(translation, toys.BATCHING, seed=0), 60)
    for batch in batches:
        rows, width = batch["targets"].shape
        longer = max(width, batch["inputs"]["inputs"].shape[1])
        assert rows * longer <= toys.BATCHING.batch_tokens
        assert width % toys.BATCHING.length_multiple == 0
        assert batch["targets"].dtype == np.int32
        assert (batch["targets"] != 0).any(axis=0)[: width - 3].all()
    assert len({b["targets"].shape for b in batches}) < 30


@pytest.mark.parametrize("times", [1, 2, 5])
def test_batches_of_evaluation_are_so_many_times_as_large(translation, times):
    batching = dataclasses.replace(toys.BATCHING, eval_times=times)
    evaluated = toys.take(pipeline.eval_dataset(translation, "train", batching), 99)
    trained = toys.take(pipeline.train_dataset(translation, batching, seed=0), 60)

    def largest(batches):
        widths = (max(b["targets"].shape[1], b["inputs"]["inputs"].shape[1]) for b in batches)
        return max(len(b["targets"]) * width for b, width in zip(batches, widths, strict=True))

    assert 0.7 * times < largest(evaluated) / batching.batch_tokens <= times
    assert 0.7 < largest(trained) / batching.batch_tokens <= 1


def test_sorting_saves_padding(translation):
    batches = toys.take(pipeline.train_dataset(translation, toys.BATCHING, seed=0), 40)
    sorted_share = np.mean([pipeline.padding_share(b) for b in batches])
    rows = np.array([int((row != 0).sum()) for b in batches for row in b["targets"]])
    rows = np.random.default_rng(0).permutation(rows)[: len(rows) // 8 * 8].reshape(-1, 8)
    unsorted_share = 1 - rows.sum() / (rows.max(axis=1) * 8).sum()
    assert 0 <= sorted_share < 0.7 * unsorted_share


def test_pictures_alone_have_no_padding(naming):
    batch = next(iter(pipeline.train_dataset(naming, toys.BATCHING, seed=0)))
    assert pipeline.padding_share(batch) == 0.0
    assert batch["inputs"]["image"].shape == (4, 32, 32, 3)
    assert batch["inputs"]["image"].dtype == tf.uint8
    assert batch["targets"].dtype == tf.int32


def test_several_inputs_share_the_budget_of_a_batch(registries, write_data, translation):
    register_problem("tiny_asking")(toys.Asking)
    examples = [
        {"image": toys.picture(i), "question": text, "targets": b"no" if i % 2 else b"yes"}
        for i, text in enumerate(toys.sentences(20, seed=5))
    ]
    bound = task.Task.from_data("tiny_asking", write_data("tiny_asking", {"train": examples}))
    texts = set(toys.sentences(20, seed=5))
    for batch in toys.take(pipeline.eval_dataset(bound, "train", toys.BATCHING), 99):
        rows, width = batch["inputs"]["question"].shape
        assert batch["inputs"]["image"].shape == (rows, 64, 64, 3)
        assert rows == 1 or rows * (16 + width) <= 2 * toys.BATCHING.batch_tokens  # 4 x 4 patches
        for place, label, raw in zip(
            batch["index"], batch["targets"], batch["raw_targets"], strict=True
        ):
            assert (b"yes", b"no")[label] == raw
            assert 0 <= place < 20
        assert set(batch["raw_inputs"]["question"]) <= texts


def test_features_are_the_same_directly_and_through_the_pipeline(captions):
    made = {name: features.build(m, captions) for name, m in captions.modalities().items()}
    for batch in toys.take(pipeline.eval_dataset(captions, "validation", toys.BATCHING), 9):
        image = made["image"].featurize(batch["raw_inputs"]["image"], training=False)
        np.testing.assert_array_equal(batch["inputs"]["image"], image)
        ids = made["targets"].featurize(batch["raw_targets"], training=False)
        for row, direct in zip(batch["targets"], ids.to_list(), strict=True):
            # Batching.max_length cuts at 24; what is not cut is the same, end included.
            assert row[row != 0].tolist() == direct[:24]


def test_every_token_weighs_about_the_same(translation):
    """A batch's loss is a mean over its tokens: one of few tokens would weigh each heavily."""
    for seed in range(3):
        dataset = pipeline.train_dataset(translation, toys.BATCHING, seed=seed)
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
    sizes = [
        len(b["targets"])
        for b in toys.take(pipeline.train_dataset(naming, toys.BATCHING, seed=0), 30)
    ]
    assert sizes == [4] * 30


def test_problems_alike_share_a_graph_and_nothing_else(registries, write_data):
    made = {}
    for name, classes in (("one", ("x", "y")), ("same", ("x", "y")), ("other", ("y", "x"))):
        register_problem(name)(type(name, (toys.Naming,), {}))
        examples = [{"image": toys.picture(i), "targets": b"xy"[i % 2 :][:1]} for i in range(9)]
        data_dir = write_data(name, {"train": examples}, classes=classes)
        made[name] = task.Task.from_data(name, data_dir)

    def key(name, seed=0, **settings):
        names = list(made[name].modalities())
        return batches.Maker(made[name], toys.BATCHING, names=names, seed=seed, **settings).key()

    assert key("one") == key("same") == key("one", seed=5)
    assert key("one") != key("other")  # whose first class is another
    assert key("one") != key("one", seed=None)  # evaluation draws nothing
    assert key("one") != key("one", augmentation=augmentation.AugmentSettings(share=0.5))

    def epoch(name, seed):
        drawn = toys.take(pipeline.train_dataset(made[name], toys.BATCHING, seed=seed), 9)
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
    maker = batches.Maker(translation, toys.BATCHING, names=names, seed=0)
    assert maker.key() is not None
    maker.features["inputs"].__class__ = Own
    assert maker.key() is None


def test_a_batch_for_training_says_which_examples_it_holds(naming, translation):
    held = {f"train/{n}".encode(): text for n, text in enumerate(toys.sentences(150, seed=1))}
    vocabulary_of = translation.vocabularies["tiny"]
    for batch in toys.take(pipeline.train_dataset(translation, toys.BATCHING, seed=1), 5):
        assert batch["key"].shape == batch["targets"].shape[:1]
        for key, ids in zip(batch["key"], batch["targets"], strict=True):
            assert held[key].decode().startswith(vocabulary_of.decode([int(i) for i in ids]))
    for batch in toys.take(pipeline.train_dataset(naming, toys.BATCHING, seed=1), 6):
        dogs = [int(key.decode().removeprefix("train/")) % 3 == 0 for key in batch["key"]]
        assert batch["targets"].tolist() == [int(is_dog) for is_dog in dogs]
