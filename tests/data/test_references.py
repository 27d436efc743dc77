"""Several targets that are all right: from the generator to what metrics and people see."""

import collections
import io
import json

import numpy as np
import pytest
import rich.console
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm import errors, vocabulary
from t2t_mm.data import manifest, pipeline, records
from t2t_mm.data import task as task_lib
from t2t_mm.datagen import generate
from t2t_mm.decoding import predict
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.problem import Problem, register_problem
from t2t_mm.reports import inspect, inspect_html, inspection

BATCHING = pipeline.Batching(
    batch_tokens=64, batch_examples=4, max_length=24, shuffle_buffer=8, length_multiple=4
)


def picture(number):
    data = io.BytesIO()
    pillow.new("RGB", (32, 32), (number, 0, 0)).save(data, "PNG")
    return data.getvalue()


def captions(number):
    """Returns one to five captions, of a length that differs."""
    return tuple(f"caption {k} of {number}" + " more" * (number % 3) for k in range(number % 5 + 1))


class Described(Problem):
    corpus = "described"
    inputs = {"image": Image(size=32)}
    targets = Language(vocab="seen")
    command = "to-english"
    metrics = ("exact_match",)
    splits = ("train", "validation")

    def generate_examples(self, split, files):
        for number in range(20):
            values = captions(number)
            if split == "train" and number % 2:
                values = list(values)
            yield f"{split}/{number}", {"image": picture(number), "targets": values}


class Gapped(Described):
    def generate_examples(self, split, files):
        for key, values in super().generate_examples(split, files):
            yield key, {**values, "targets": ["", *values["targets"], " \u200b"]}


class Asked(Described):
    targets = Categorical(allow_unseen=True)
    metrics = ("accuracy",)

    def generate_examples(self, split, files):
        for number in range(6):
            answers = ("yes", "no") if number % 2 else ("no", "no")
            if split != "train" and number == 4:
                answers = ("perhaps", "yes")
            targets = answers if split != "train" else answers[0]
            yield f"{split}/{number}", {"image": picture(number), "targets": targets}


class Empty(Described):
    def generate_examples(self, split, files):
        for number in range(4):
            targets = () if number == 2 else ("a", 3) if number == 3 else "alone"
            yield f"{split}/{number}", {"image": picture(number), "targets": targets}


@pytest.fixture
def made(registries, tmp_path):
    """Returns a function: generates a problem and gives its data folder."""

    def run(cls, name="described", **options):
        if name not in registries.problems:
            register_problem(name)(cls)
        raw = tmp_path / "raw"
        raw.mkdir(exist_ok=True)
        data = tmp_path / "data"
        generate.generate(name, data, manual_dir=raw, workers=1, **options)
        return data

    return run


def examples(data, split, name="described"):
    loaded = manifest.Manifest.load(data, name, "1.0.0")
    return [e for file in loaded.files(split) for e in records.read_values(file)]


def test_records_hold_all_of_them_in_order(made):
    for split in ("train", "validation"):
        found = {e["key"][0].decode(): e["targets"] for e in examples(made(Described), split)}
        assert found == {
            f"{split}/{n}": tuple(text.encode() for text in captions(n)) for n in range(20)
        }


def test_the_vocabulary_is_of_all_of_them(made):
    vocabulary.Vocabulary.load(made(Described) / "vocabularies" / "seen")
    about = vocabulary.read_json(made(Described) / "vocabularies" / "seen")
    assert about["sentences"] == sum(len(captions(n)) for n in range(20))


def test_metrics_get_all_and_losses_the_first(made):
    task = task_lib.Task.from_data("described", made(Described))
    seen = {}
    for batch in pipeline.eval_dataset(task, "validation", BATCHING):
        keys = predict.texts(batch["key"])
        references = predict.references(batch)
        seen.update(zip(keys, references, strict=True))
        assert predict.texts(batch["raw_targets"]) == [own[0] for own in references]
        for ids, own in zip(batch["targets"].numpy(), references, strict=True):
            whole = [*task.vocabulary.encode(own[0]), vocabulary.EOS_ID]
            assert ids[ids != vocabulary.PAD_ID].tolist() == whole[: BATCHING.max_length]
    assert seen == {f"validation/{n}": captions(n) for n in range(20)}


def test_training_goes_on_from_a_checkpoint(made, tmp_path):
    task = task_lib.Task.from_data("described", made(Described))
    dataset = pipeline.train_dataset(task, BATCHING, seed=1)
    iterator = iter(dataset)
    for _ in range(4):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator)["targets"].numpy() for _ in range(5)]
    restored = iter(pipeline.train_dataset(task, BATCHING, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    for batch in expected:
        np.testing.assert_array_equal(next(restored)["targets"], batch)


def drawn(task, seed, count):
    """Returns key and target of the first examples of training, in order."""
    rows = []
    for batch in pipeline.train_dataset(task, BATCHING, seed=seed).take(count):
        for key, ids in zip(predict.texts(batch["key"]), batch["targets"].numpy(), strict=True):
            rows.append((key, tuple(ids[ids != 0].tolist())))
    return rows


def test_training_draws_one_of_them_by_its_seed(made):
    task = task_lib.Task.from_data("described", made(Described))
    whole = {
        f"train/{n}": {(*task.vocabulary.encode(text), 1)[:24] for text in captions(n)}
        for n in range(20)
    }
    rows = drawn(task, 1, 120)
    assert all(ids in whole[key] for key, ids in rows)
    # Each of the 60 captions is drawn sooner or later, a sole one always.
    assert {(key, ids) for key, ids in rows} == {(k, i) for k, ids in whole.items() for i in ids}
    counts = collections.Counter(ids for key, ids in rows if key == "train/4")
    assert max(counts.values()) < 3 * min(counts.values()) + 10
    assert drawn(task, 1, 20) == drawn(task, 1, 20)
    assert drawn(task, 1, 20) != drawn(task, 2, 20)


def test_an_empty_list_and_a_wrong_value_in_one_are_bad_examples(made):
    with pytest.raises(errors.BadExampleError, match="targets: There is no target in the list"):
        made(Empty)
    data = made(Empty, max_bad_examples=4)
    details = manifest.Manifest.load(data, "described", "1.0.0").details
    assert set(details["skipped"].values()) == {2}
    assert len(examples(data, "train")) == 2


def test_an_empty_caption_beside_others_is_left_out_and_counted(made):
    data = made(Gapped)
    details = manifest.Manifest.load(data, "described", "1.0.0").details
    assert "skipped" not in details or not any(details["skipped"].values())
    found = details["filtered"]
    assert found == {
        split: {"an empty target beside others": 2 * 20} for split in ("train", "validation")
    }  # two of each of the 20 pictures


def test_classes_that_only_validation_has_are_kept_where_that_is_allowed(made):
    data = made(Asked)
    loaded = manifest.Manifest.load(data, "described", "1.0.0")
    assert loaded.classes == {"targets": ("no", "yes")}
    assert loaded.details["unseen"] == {"targets": {"validation": 1}}
    task = task_lib.Task.from_data("described", data)
    labels = {}
    for batch in pipeline.eval_dataset(task, "validation", BATCHING):
        labels.update(zip(predict.texts(batch["key"]), batch["targets"].numpy(), strict=True))
    assert labels == {f"validation/{n}": -1 if n == 4 else n % 2 for n in range(6)}
    for batch in pipeline.train_dataset(task, BATCHING, seed=0).take(4):
        assert (batch["targets"].numpy() >= 0).all()


def test_people_see_all_of_them(made):
    found = inspection.inspect("described", made(Described), split="validation", examples=20)
    for example in json.loads(json.dumps(found.describe()))["examples"]:
        wanted = captions(int(example["key"].split("/")[1]))
        assert example["targets"] == wanted[0]
        assert tuple(example.get("references", wanted[:1])) == wanted
    stream = io.StringIO()
    inspect.show(found, console=rich.console.Console(file=stream, width=100))
    page = inspect_html.page(found)
    for text in ("caption 0 of 4 more", "caption 4 of 4 more"):
        assert text in stream.getvalue()
        assert text in page


def test_people_see_equal_ones_once(made):
    found = inspection.inspect("described", made(Asked), split="validation", examples=6)
    several = {e.key: e.others() for e in found.examples}
    assert several["validation/0"] == {}
    assert several["validation/4"] == {b"yes": 1}
    thrice = inspection.Example("k", {}, (b"no", b"yes", b"no", b"yes", b"yes", b"maybe"))
    assert thrice.others() == {b"yes": 3, b"maybe": 1}


@pytest.mark.parametrize("name", ["image", "key"])
def test_a_second_value_of_anything_else_is_named(registries, write_data, name):
    register_problem("described")(Asked)
    values = [{"image": picture(n), "targets": b"x", "key": f"k{n}".encode()} for n in range(4)]
    values[2][name] = [values[2][name], b"second"]
    data = write_data("described", {"train": values, "validation": values[:1]}, classes=("x",))
    task = task_lib.Task.from_data("described", data)
    with pytest.raises(errors.DataError, match=f"the feature '{name}' holds 2 values"):
        list(pipeline.iterate(pipeline.eval_dataset(task, "train", BATCHING), task, "train"))
