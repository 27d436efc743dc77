"""What waits in memory for one problem is bounded, however much data it has."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import task as task_lib
from t2t_mm.datagen import generate
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.problem import Problem, register_problem
from t2t_mm.settings import batching
from t2t_mm.training import feed

BATCHING = batching.Batching(batch_tokens=32, max_length=16, shuffle_buffer=100)


class Counting(Problem):
    inputs = {}
    targets = Language(vocab="feed")
    command = "to-english"
    metrics = ("log_perplexity",)
    splits = ("train", "validation")
    size = 0

    def generate_examples(self, split, files):
        for number in range(self.size if split == "train" else 3):
            yield f"{split}/{number}", {"targets": f"number {number:06d}"}


@pytest.fixture
def state_bytes(registries, tmp_path):
    """Returns a function: what an iterator over so many examples holds, once it has begun."""

    def measure(size):
        name = f"toy_{size}"
        register_problem(name)(type("Sized", (Counting,), {"size": size}))
        generate.generate(name, tmp_path / name, manual_dir=tmp_path, workers=1)
        task = task_lib.Task.from_data(name, tmp_path / name)
        made = feed.Feed([task], BATCHING, seed=0, strategy=tf.distribute.get_strategy())
        made.next(name)
        written = tf.train.Checkpoint(data=made.iterators[name]).write(str(tmp_path / f"s{size}"))
        return sum(path.stat().st_size for path in tmp_path.glob(f"s{size}*")), written

    return lambda size: measure(size)[0]


class Asking(Problem):
    inputs = {"question": Language(vocab="feed"), "image": Image(size=32)}
    targets = Categorical(classes=("yes", "no"))
    command = "to-class"
    metrics = ("accuracy",)
    splits = ("train", "validation")

    def generate_examples(self, split, files):
        pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
        for number in range(6):
            question = "red " * (number + 1)
            yield str(number), {"question": question, "image": pixels, "targets": "yes"}


def test_inputs_are_counted_in_their_own_units(registries, tmp_path):
    register_problem("toy_asking")(Asking)
    generate.generate("toy_asking", tmp_path / "data", manual_dir=tmp_path, workers=1)
    task = task_lib.Task.from_data("toy_asking", tmp_path / "data")
    made = feed.Feed([task], BATCHING, seed=0, strategy=tf.distribute.get_strategy())
    batch, counts = made.next("toy_asking")
    ids = batch["inputs"]["question"].numpy()
    assert counts.examples == len(ids)
    assert counts.lengths == {"cut_examples": 0, "dropped_examples": 0}
    assert counts.amounts == {"tokens": (ids > 0).sum(), "pictures": len(ids)}
    assert counts.amounts["tokens"] > 2 * counts.examples  # each has a word and its end at least


@pytest.mark.parametrize("too_long", ["cut", "drop"])
def test_examples_that_are_too_long_are_counted(registries, tmp_path, too_long):
    """Questions of 1 to 6 words: with the end token, those of 4 and more are over 4 tokens."""
    register_problem("toy_asking")(Asking)
    generate.generate("toy_asking", tmp_path / "data", manual_dir=tmp_path, workers=1)
    task = task_lib.Task.from_data("toy_asking", tmp_path / "data")
    own = task.vocabularies["feed"]
    long = sum(len(own.encode("red " * (number + 1))) + 1 > 4 for number in range(6))
    sizes = batching.Batching(batch_tokens=1000, max_length=4, too_long=too_long)
    made = feed.Feed([task], sizes, seed=0, strategy=tf.distribute.get_strategy())
    batch, counts = made.next("toy_asking")
    assert "dropped" not in batch
    name, other = ("cut_examples", "dropped_examples")[:: 1 if too_long == "cut" else -1]
    assert counts.lengths == {name: long, other: 0}
    assert counts.examples == (6 if too_long == "cut" else 6 - long)


def test_a_problem_of_four_times_the_examples_holds_no_more(state_bytes):
    small, large = state_bytes(1_000), state_bytes(4_000)
    assert large < 1.1 * small
    assert small < 200_000
