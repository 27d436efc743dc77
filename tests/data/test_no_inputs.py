"""Records and batches of a language model, which has targets and nothing else."""

import numpy as np
import pytest

from t2t_mm.data import pipeline, records
from t2t_mm.data import task as task_lib
from t2t_mm.datagen import generate
from t2t_mm.modality import Language
from t2t_mm.problem import Problem, register_problem

BATCHING = pipeline.Batching(batch_tokens=64, max_length=24, shuffle_buffer=40, length_multiple=4)


class Writing(Problem):
    inputs = {}
    targets = Language(vocab="writing", max_length=20)
    command = "to-english"
    metrics = ("log_perplexity",)

    def generate_examples(self, split, files):
        for number in range(40):
            yield f"{split}/{number}", {"targets": f"{split} dog {number}" + " runs" * (number % 5)}


@pytest.fixture
def task(registries, tmp_path):
    register_problem("toy_writing")(Writing)
    generate.generate("toy_writing", tmp_path / "data", manual_dir=tmp_path, workers=1)
    return task_lib.Task.from_data("toy_writing", tmp_path / "data")


def test_records_hold_targets_alone(task):
    (file, *_) = task.manifest().files("train")
    assert set(next(records.read_examples(file))) == {"targets", "key"}
    rebuilt = task_lib.Task.from_description(task.describe(), task.data_dir / "vocabularies")
    assert (rebuilt.inputs, list(rebuilt.given())) == ({}, ["prefix"])


def test_batches_say_how_many_texts_there_are(task):
    for batch in pipeline.train_dataset(task, BATCHING, seed=0).take(5):
        assert batch["inputs"]["prefix"].shape == (batch["targets"].shape[0], 0)
    seen = 0
    for batch in pipeline.eval_dataset(task, "validation", BATCHING):
        assert batch["raw_inputs"] == {}
        assert batch["inputs"]["prefix"].shape == (len(batch["index"]), 0)
        seen += len(batch["index"])
    assert seen == 40


def test_beginnings_of_texts_have_no_end_token(task):
    given = [b"train dog", b"", b"train dog 7 runs", b"dog " * 50]
    dataset = pipeline.predict_dataset(task, [{"prefix": text} for text in given], BATCHING)
    found = {}
    for batch in dataset:
        rows = batch["inputs"]["prefix"].numpy()
        for place, row in zip(batch["index"].numpy(), rows, strict=True):
            found[int(place)] = row[row != 0].tolist()
    assert found[0] == task.vocabulary.encode("train dog")
    assert found[1] == []
    assert found[2] == task.vocabulary.encode("train dog 7 runs")
    assert len(found[3]) == 19  # a piece of the 20 is left for the end


def test_nothing_but_empty_beginnings_makes_batches_of_usual_size(task):
    dataset = pipeline.predict_dataset(task, [{"prefix": b""}] * 9, BATCHING)
    sizes = [batch["inputs"]["prefix"].shape for batch in dataset]
    # Twice 64 positions over 16, the length that a text is taken to have, are 8 at most; the
    # ninth makes a second batch, with which the first shares.
    assert sizes == [(4, 0), (5, 0)]


def test_a_seed_decides_the_order(task):
    def first(seed):
        batch = next(iter(pipeline.train_dataset(task, BATCHING, seed=seed)))
        return batch["targets"].numpy()

    assert np.array_equal(first(1), first(1))
    assert not np.array_equal(first(1), first(2))
