"""What a sample tells about batches is what the pipeline then makes."""

import dataclasses

import numpy as np
import pytest

from t2t_mm import errors, vocabulary
from t2t_mm.data import pipeline, sample, task
from t2t_mm.mixture import mixture
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.problem import Problem, register_problem
from tests.data.toys import WORDS, picture

BATCHING = pipeline.Batching(
    batch_tokens=128, batch_examples=4, max_length=64, shuffle_buffer=40, length_multiple=4
)


class Copying(Problem):
    inputs = {"inputs": Language(vocab="tiny")}
    targets = Language(vocab="tiny")
    command = "to-english"

    def generate_examples(self, split, files):
        raise NotImplementedError


class Naming(Copying):
    inputs = {"image": Image(size=32)}
    targets = Categorical(classes=("yes", "no"))


@pytest.fixture
def copying(registries, write_data):
    """Returns a function: a task of so many texts, of 1 to so many words."""

    def make(name, count, longest):
        draw = np.random.default_rng(longest)
        texts = [
            " ".join(draw.choice(WORDS, draw.integers(1, longest + 1))).encode()
            for _ in range(count)
        ]
        register_problem(name)(type("Sized", (Copying,), {}))
        examples = [{"inputs": text, "targets": text} for text in texts]
        data_dir = write_data(name, {"train": examples, "validation": examples[:3]})
        if not (data_dir / "vocabularies" / "tiny").exists():
            words = vocabulary.build("tiny", [t.decode() for t in texts] + WORDS * 9, size=320)
            words.save(data_dir / "vocabularies" / "tiny")
        return task.Task.from_data(name, data_dir)

    return make


def epoch(bound, *, shard=(0, 1), examples=None):
    """Returns how many examples each batch of one epoch has."""
    counts = []
    left = examples or bound.manifest().examples("train")
    for batch in pipeline.train_dataset(bound, BATCHING, seed=3, shard=shard):
        counts.append(batch["targets"].shape[0])
        left -= counts[-1]
        if left <= 0:
            return counts
    return counts


def test_of_a_small_split_it_is_exact(copying):
    bound = copying("few", 150, 14)
    found = sample.take(bound, BATCHING)
    counts = epoch(bound)
    assert sum(counts) == found.examples == found.seen == 150
    assert found.examples_a_batch == pytest.approx(150 / len(counts))


def test_of_a_large_one_it_is_near(copying, monkeypatch):
    bound = copying("many", 1200, 14)
    monkeypatch.setattr(sample, "MOST_EXAMPLES", 300)
    found = sample.take(bound, BATCHING)
    assert (found.examples, found.seen) == (1200, 300)
    assert found.examples_a_batch == pytest.approx(np.mean(epoch(bound)), rel=0.1)


@pytest.mark.parametrize("too_long", ["cut", "drop"])
def test_what_is_too_long_is_counted(copying, too_long):
    bound = copying("few", 150, 14)
    batching = dataclasses.replace(BATCHING, max_length=8, too_long=too_long)
    found = sample.take(bound, batching)
    evaluated = pipeline.eval_dataset(bound, "train", batching)
    cut = sum(int(bound.targets.is_cut(batch["targets"]).sum()) for batch in evaluated)
    assert 0 < found.too_long == cut < 150
    assert found.limits == {"inputs": 8, "targets": 8}
    assert found.longest == 8
    assert found.examples == (150 if too_long == "cut" else 150 - cut)


def test_it_depends_on_nothing_but_data_and_sizes(copying):
    bound = copying("few", 150, 14)
    assert sample.take(bound, BATCHING) == sample.take(bound, BATCHING)


def test_workers_have_pools_of_their_own_part(copying):
    bound = copying("few", 150, 14)
    counts = [count for i in range(3) for count in epoch(bound, shard=(i, 3), examples=50)]
    found = sample.take(bound, BATCHING, workers=3)
    assert found.examples_a_batch == pytest.approx(np.mean(counts), rel=0.15)


def test_pictures_to_classes_need_no_look(registries, write_data):
    register_problem("naming")(Naming)
    examples = [{"image": picture(i), "targets": b"yes"} for i in range(9)]
    bound = task.Task.from_data("naming", write_data("naming", {"train": examples}))
    found = sample.take(bound, BATCHING)
    assert (found.examples, found.seen, found.examples_a_batch) == (9, 0, 4.0)


def test_a_damaged_record_is_named(copying):
    bound = copying("few", 150, 14)
    path = bound.manifest().files("train")[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(errors.DataError, match=rf"{path.name}.*sha256"):
        sample.take(bound, BATCHING)


@pytest.mark.parametrize(("schedule", "more"), [("proportional", 1.0), ("temperature:2", 2**-0.5)])
def test_problems_of_long_and_of_short_texts_are_seen_as_the_schedule_says(copying, schedule, more):
    """Epochs of the larger one over those of the smaller, as the pipeline makes them."""
    tasks = [copying("long", 400, 14), copying("short", 200, 2)]
    samples = [sample.take(bound, BATCHING) for bound in tasks]
    mixed = mixture.Mixture(
        [bound.name for bound in tasks],
        [found.examples for found in samples],
        schedule,
        seed=0,
        examples_a_step=[found.examples_a_batch for found in samples],
    )
    assert samples[1].examples_a_batch > 2 * samples[0].examples_a_batch
    steps = 3000
    picked = np.bincount([mixed.pick(step) for step in range(steps)], minlength=2)
    seen = picked * [np.mean(epoch(bound)) for bound in tasks]
    epochs = seen / [400, 200]
    assert epochs[0] / epochs[1] == pytest.approx(more, rel=0.15)
    np.testing.assert_allclose([row.epochs for row in mixed.table(steps)], epochs, rtol=0.1)
