"""What is said of records that cannot be used."""

import dataclasses

import pytest

from t2t_mm import errors, register_problem
from t2t_mm.data import pipeline, task
from tests.data import toys


def test_a_file_of_fewer_records_than_the_manifest_says_is_an_error(naming):
    """Sizes agree, every checksum too: only the count tells."""
    manifest = naming.manifest()
    shard = manifest.shards["validation"][0]
    told = dataclasses.replace(shard, examples=shard.examples + 2)
    rest = manifest.shards["validation"][1:]
    dataclasses.replace(manifest, shards={**manifest.shards, "validation": (told, *rest)}).save()
    dataset = pipeline.eval_dataset(naming, "validation", toys.BATCHING)
    with pytest.raises(errors.DataError, match=r"5 of 7 examples read"):
        list(pipeline.iterate(dataset, naming, "validation"))


@pytest.mark.parametrize("training", [True, False])
def test_a_flipped_bit_names_the_file(naming, training):
    path = naming.manifest().files("train")[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    if training:
        dataset = pipeline.train_dataset(naming, toys.BATCHING, seed=0)
    else:
        dataset = pipeline.eval_dataset(naming, "train", toys.BATCHING)
    iterator = iter(dataset)
    with pytest.raises(errors.DataError, match=rf"{path.name}.*sha256"):
        for _ in range(30):
            pipeline.next_batch(iterator, naming)


def test_a_missing_feature_is_named_with_its_record(registries, write_data):
    register_problem("holes")(toys.Naming)
    examples = [{"image": toys.picture(i), "targets": b"x"} for i in range(8)]
    del examples[5]["targets"]
    bound = task.Task.from_data("holes", write_data("holes", {"train": examples}, classes=("x",)))
    dataset = pipeline.eval_dataset(bound, "train", toys.BATCHING)
    with pytest.raises(errors.DataError, match=r"key 'train/5'\) has no 'targets'.*image, key"):
        list(pipeline.iterate(dataset, bound, "train"))


def test_an_unknown_class_is_named_with_its_record(registries, write_data):
    register_problem("strangers")(toys.Naming)
    examples = [{"image": toys.picture(i), "targets": b"x"} for i in range(8)]
    examples[2]["targets"] = b"y"
    data_dir = write_data("strangers", {"train": examples}, classes=("x", "z"))
    bound = task.Task.from_data("strangers", data_dir)
    iterator = iter(pipeline.train_dataset(bound, toys.BATCHING, seed=0))
    with pytest.raises(errors.DataError, match=r"key 'train/2'\).*not among the 2 known"):
        for _ in range(5):
            pipeline.next_batch(iterator, bound)


def test_a_picture_that_does_not_decode_is_named(registries, write_data):
    register_problem("broken")(toys.Naming)
    examples = [{"image": toys.picture(i), "targets": b"x"} for i in range(8)]
    examples[6]["image"] = b"no picture at all"
    bound = task.Task.from_data("broken", write_data("broken", {"train": examples}, classes=("x",)))
    iterator = iter(pipeline.train_dataset(bound, toys.BATCHING, seed=0))
    with pytest.raises(errors.DataError, match=r"key 'train/6'\): 'image' cannot be used"):
        for _ in range(5):
            pipeline.next_batch(iterator, bound)
