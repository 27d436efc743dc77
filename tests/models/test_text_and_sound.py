"""A text and a sound to a text, all the way: records, batches, loss, and answers."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.datagen import generate
from t2t_mm.decoding import predict
from t2t_mm.modality import Language
from t2t_mm.modality.audio.declaration import Audio
from t2t_mm.problem import Problem, register_problem
from t2t_mm.settings import batching, decoding
from tests.models.conftest import make_model

RATE = 8_000
BATCHING = batching.Batching(batch_tokens=256, max_length=64, shuffle_buffer=10)


class Asking(Problem):
    inputs = {"question": Language(vocab="asking"), "sound": Audio(sample_rate=RATE)}
    targets = Language(vocab="asking", max_length=8)
    command = "to-answer"
    metrics = ("exact_match",)
    splits = ("train", "validation")

    def generate_examples(self, split, files):
        for number in range(6):
            time = np.arange(RATE // 4 * (1 + number % 3)) / RATE
            tone = 0.3 * np.sin(2 * np.pi * 200 * (1 + number) * time)
            values = {"question": "how high" + " is it" * (number % 2), "targets": f"{number}"}
            yield f"{split}/{number}", {**values, "sound": (tone.astype(np.float32), RATE)}


@pytest.fixture
def task(registries, tmp_path):
    register_problem("toy_asking")(Asking)
    generate.generate("toy_asking", tmp_path / "data", manual_dir=tmp_path, workers=1)
    return task_lib.Task.from_data("toy_asking", tmp_path / "data")


@pytest.mark.slow
def test_both_are_seen_and_told_apart(task):
    model = make_model("transformer", [task])
    assert model.input_names == ("question", "sound")
    batch = next(iter(pipeline.train_dataset(task, BATCHING, seed=0)))
    loss, _ = model.loss("toy_asking", batch, training=True, seed=tf.constant([1, 2]))
    assert np.isfinite(float(loss))
    memory, mask, _ = model.encode("toy_asking", batch["inputs"])
    text = batch["inputs"]["question"].shape[1]
    assert memory.shape[:2] == mask.shape
    assert memory.shape[1] > text
    dataset = pipeline.eval_dataset(task, "validation", BATCHING)
    limits = decoding.DecodeSettings(max_length=5)
    for made in dataset:
        found = predict.decode_batch(model, task, made, dataset.element_spec["inputs"], limits)
        shown = predict.shown_inputs(task, made)
        assert len(found) == len(shown) == len(made["index"])
        for one in shown:
            assert one["question"].startswith("how high")
            assert one["sound"].startswith("validation/")
