"""Examples that share an input (questions about a picture): one record, of which training draws."""

import collections
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm import errors
from t2t_mm.corpus import parts
from t2t_mm.data import manifest, pipeline, pools, reading, records, sample
from t2t_mm.data import task as task_lib
from t2t_mm.datagen import division, encode, generate, shuffle
from t2t_mm.decoding import predict
from t2t_mm.modality import Image, Language
from t2t_mm.problem import Problem, register_problem
from t2t_mm.reports import inspection

BATCHING = pipeline.Batching(
    batch_tokens=64, batch_examples=4, max_length=24, shuffle_buffer=8, length_multiple=4
)
PICTURES = 12


def picture(number):
    data = io.BytesIO()
    pillow.new("RGB", (32, 32), (20 * number, 0, 0)).save(data, "PNG")
    return data.getvalue()


def asked(number):
    """Returns one to four questions about a picture, each with two answers, by key."""
    return {
        f"train/{number}{k}": (f"what {k} of {number}?", (f"answer {k} {number}", f"or {k}"))
        for k in range(number % 4 + 1)
    }


QUESTIONS = {key: pair for number in range(PICTURES) for key, pair in asked(number).items()}


class Asked(Problem):
    corpus = "asked"
    inputs = {"image": Image(size=32), "question": Language(vocab="seen")}
    targets = Language(vocab="seen")
    shared_inputs = ("image",)
    command = "to-answer"
    metrics = ("exact_match",)
    splits = ("train", "validation")

    def generate_examples(self, split, files):
        for number in range(PICTURES):
            image = picture(number)
            for key, (question, answers) in asked(number).items():
                key = key.replace("train", split)
                yield key, {"image": image, "question": question, "targets": answers}


class Alone(Asked):
    """The same with a record for each question."""

    shared_inputs = ()


class Twice(Asked):
    where = (3, 3)  # the pictures of two questions with one key

    def generate_examples(self, split, files):
        for key, values in super().generate_examples(split, files):
            number = int(key.split("/")[1][:-1])
            yield ("twice" if number in self.where and key[-1] in "01" else key), values


class Spoilt(Asked):
    """The first question about each picture that has several is empty."""

    def generate_examples(self, split, files):
        for key, values in super().generate_examples(split, files):
            number = int(key.split("/")[1][:-1])
            spoilt = number % 4 and key.endswith("0")
            yield key, {**values, "question": ""} if spoilt else values


@pytest.fixture
def made(registries, tmp_path):
    """Returns a function: generates a problem and gives its data folder."""

    def run(cls, name="asked", **options):
        register_problem(name)(cls)
        (tmp_path / "raw").mkdir(exist_ok=True)
        data = tmp_path / f"data_{name}"
        generate.generate(name, data, manual_dir=tmp_path / "raw", workers=1, **options)
        return data

    return run


def loaded(data, name="asked"):
    return manifest.Manifest.load(data, name, "1.0.0")


def test_a_picture_is_one_record_and_each_question_an_example(made):
    found = loaded(made(Asked))
    # 12 pictures with 1, 2, 3, 4, 1, ... questions: 3 * (1 + 2 + 3 + 4).
    assert (found.examples("train"), found.records("train")) == (30, 12)
    (path,) = found.files("train")
    assert len(list(records.read_records(path))) == 12
    read = {one["key"][0].decode(): one for one in records.read_values(path)}
    assert {key: (one["question"], one["targets"]) for key, one in read.items()} == {
        key: ((question.encode(),), tuple(text.encode() for text in answers))
        for key, (question, answers) in QUESTIONS.items()
    }
    assert read["train/30"]["image"] == read["train/33"]["image"] != read["train/20"]["image"]
    found.verify()
    assert found.details["shared_inputs"] == ["image"]
    seen = inspection.inspect("asked", path.parent.parent.parent, examples=30)
    assert seen.read == len({example.key for example in seen.examples}) == 30


def evaluated(task):
    """Returns what an evaluation gets of each example, by key."""
    rows = {}
    for batch in pipeline.eval_dataset(task, "validation", BATCHING):
        columns = (
            predict.texts(batch["key"]),
            predict.references(batch),
            predict.texts(batch["raw_inputs"]["question"]),
            batch["inputs"]["question"].numpy().tolist(),
            batch["inputs"]["image"].numpy()[:, 0, 0, 0].tolist(),
            batch["targets"].numpy().tolist(),
        )
        for key, *values in zip(*columns, strict=True):
            rows[key] = [np.trim_zeros(v, "b") if isinstance(v, list) else v for v in values]
    return rows


def test_an_evaluation_gets_what_a_record_for_each_question_gives(made):
    shared = task_lib.Task.from_data("asked", made(Asked))
    alone = task_lib.Task.from_data("alone", made(Alone, "alone"))
    assert shared.vocabulary.sha256 == alone.vocabulary.sha256
    rows = evaluated(shared)
    assert rows == evaluated(alone)
    assert len(rows) == 30
    some = list(pipeline.eval_dataset(shared, "validation", BATCHING, max_examples=7))
    assert sorted(np.concatenate([batch["index"] for batch in some])) == list(range(7))
    taken = sample.take(shared, BATCHING)
    assert (taken.examples, taken.seen) == (30, 30)


def drawn(task, seed, count, **options):
    """Returns key, question and answer of the first examples of training, in order."""
    rows = []
    for batch in pipeline.train_dataset(task, BATCHING, seed=seed, **options).take(count):
        columns = (batch["inputs"]["question"].numpy(), batch["targets"].numpy())
        images = batch["inputs"]["image"].numpy()[..., 0].max(axis=(1, 2))  # moved, on black
        for key, image, *ids in zip(predict.texts(batch["key"]), images, *columns, strict=True):
            assert image == 20 * int(key.split("/")[1][:-1])
            rows.append((key, *(tuple(one[one != 0].tolist()) for one in ids)))
    return rows


def test_training_draws_a_question_with_its_answer(made):
    task = task_lib.Task.from_data("asked", made(Asked))

    def ids(text):
        return (*task.vocabulary.encode(text), 1)[: BATCHING.max_length]

    rows = drawn(task, 1, 100)
    for key, question, answer in rows:
        wanted, answers = QUESTIONS[key]
        assert question == ids(wanted)
        assert answer in [ids(text) for text in answers]
    # Sooner or later each question comes with each of its answers, and equally often.
    assert len(set(rows)) == 2 * 30
    counts = collections.Counter(key for key, *_ in rows)
    assert max(counts[f"train/3{k}"] for k in range(4)) < 3 * min(
        counts[f"train/3{k}"] for k in range(4)
    )
    # Each picture is as frequent, however many questions there are about it.
    pictures = collections.Counter(key[:-1] for key, *_ in rows)
    assert max(pictures.values()) - min(pictures.values()) < 8
    again, other = drawn(task, 1, 5), drawn(task, 2, 5)
    assert again == rows[: len(again)]
    assert other != rows[: len(other)]


def test_workers_have_pictures_of_their_own(made):
    task = task_lib.Task.from_data("asked", made(Asked))
    of = [{key[:-1] for key, *_ in drawn(task, 1, 20, shard=(index, 2))} for index in range(2)]
    assert not of[0] & of[1]
    assert len(of[0] | of[1]) == PICTURES


def test_training_goes_on_from_a_checkpoint(made, tmp_path):
    task = task_lib.Task.from_data("asked", made(Asked))
    iterator = iter(pipeline.train_dataset(task, BATCHING, seed=1))
    for _ in range(3):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "saved"))
    expected = [next(iterator) for _ in range(4)]
    restored = iter(pipeline.train_dataset(task, BATCHING, seed=1))
    tf.train.Checkpoint(iterator=restored).read(path).assert_consumed()
    for batch in expected:
        tf.nest.map_structure(np.testing.assert_array_equal, next(restored), batch)


def test_a_draw_is_a_place_in_its_row():
    rows = tf.ragged.constant([["a"], ["b", "c", "d"], ["e", "f"]] * 50)
    seed = tf.constant([3, 4], tf.int64)
    uniform = tf.random.stateless_uniform([150], seed).numpy()
    lists = rows.to_list()
    expected = [row[int(draw * len(row))] for row, draw in zip(lists, uniform, strict=True)]
    assert pools.draw(rows, seed).numpy().tolist() == expected


def test_those_who_take_turns_keep_questions_together(made, tmp_path):
    (shard,) = loaded(made(Asked)).shards["train"]
    buckets = tmp_path / "buckets"
    buckets.mkdir()
    for turn in range(3):
        assignment = encode.Assignment(
            problem="asked",
            split="train",
            root=tmp_path / "raw",
            buckets=buckets,
            number=turn,
            slices=(division.Slice(0, parts.Part(), turn, 3),),
            seed=0,
            max_examples=None,
            max_bad_examples=0,
            source="manual",
        )
        # Of the 12 pictures 4, with 1 + 4 + 3 + 2 questions, as each third one has.
        assert encode.encode_part(assignment, lambda done: None).examples == 10
    plan = shuffle.ShardPlan(buckets, tmp_path, "train", 0, 1)
    assert shuffle.write_shard(plan, lambda done: None).shard == shard


@pytest.mark.parametrize("where", [(3,), (2, 7)], ids=["one picture", "two pictures"])
def test_a_key_that_occurs_twice_is_named(made, monkeypatch, where):
    monkeypatch.setattr(Twice, "where", where)
    with pytest.raises(errors.DataError, match="have the key 'twice'"):
        made(Twice)


def test_a_bad_question_does_not_cost_its_picture(made):
    found = loaded(made(Spoilt, max_bad_examples=100))
    # 9 of the 12 pictures have several questions, and lose their first.
    assert (found.examples("train"), found.records("train")) == (30 - 9, 12)
    assert sum(found.details["skipped"].values()) == 2 * 9


def test_a_record_of_another_form_is_no_group():
    whole = records.encode_example({"image": picture(1), "question": b"q", "targets": b"x"})
    for serialized in (tf.constant(whole), tf.constant([whole])):
        with pytest.raises(tf.errors.InvalidArgumentError, match="no 'examples'"):
            reading.rest_of(serialized)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"shared_inputs": "image"}, "shared_inputs is a string"),
        ({"shared_inputs": ("picture",)}, "of which inputs lacks some"),
        (
            {"inputs": {"image": Image(size=32), "examples": Language(vocab="seen")}},
            "an input is named 'examples'",
        ),
    ],
)
def test_a_wrong_declaration(registries, attributes, said):
    with pytest.raises(errors.PluginError, match=said):
        register_problem("wrong")(type("Wrong", (Asked,), attributes))
