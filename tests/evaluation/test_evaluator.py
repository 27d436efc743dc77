import copy
import dataclasses
import math
import threading
from concurrent import futures

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import answers, functions
from t2t_mm.evaluation import base, evaluator, sharing
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.language import declaration as language
from t2t_mm.settings import batching, decoding

VOCABULARY = 8
BATCHING = batching.Batching()
GREEDY = decoding.DecodeSettings()


class Letters:
    size = VOCABULARY

    def decode(self, ids):
        return "".join("xyzab"[i - 3] for i in ids if i > 2)


class Alone:
    """A model of one problem, whose command is of no interest."""

    def traced_as(self, task_name):
        return task_name

    def command_row(self, task_name):
        return 0


class Copier(Alone):
    """Writes its source; under teacher forcing every token has probability 1/8."""

    def encode(self, task_name, inputs):
        return inputs["inputs"]

    def start_state(self, task_name, memory, max_length):
        return tf.zeros([tf.shape(memory)[0]])

    def decode_step(self, task_name, ids, step, memory, state, command):
        return 50 * tf.one_hot(tf.gather(memory, step, axis=1), VOCABULARY), state

    def loss(self, task_name, batch, *, training, command):
        assert not training
        tokens = tf.reduce_sum(tf.cast(batch["targets"] != 0, tf.float32))
        third = tf.reduce_sum(tf.cast(batch["targets"] == 3, tf.float32))
        means = {"log_perplexity": math.log(8.0), "accuracy": third / tokens, "tokens": tokens}
        return tf.constant(99.0), means  # a loss with smoothing and more: of no interest here


class Classifier(Alone):
    def class_logits(self, task_name, inputs, command):
        return tf.cast(inputs["image"], tf.float32)


def make_task(**changes):
    made = task_lib.Task(
        name="toy",
        version="1.0.0",
        inputs={"inputs": language.Language()},
        targets=language.Language(),
        command="to-toy",
        metrics=("exact_match", "token_accuracy"),
        splits=("train", "test"),
        vocabularies={"mm_8k": Letters()},
    )
    return dataclasses.replace(made, **changes)


CLASSES = make_task(
    inputs={"image": language.Language()},
    targets=categorical.Categorical(classes=("cat", "dog", "emu")),
    metrics=("accuracy", "top5_accuracy", "exact_match"),
    vocabularies={},
)


def dataset(batches, *, name, depth=None):
    """Batches of (index, features, targets, references), as the pipeline makes them.

    References are a text an example, or a list of several.
    """
    dtype = tf.float32 if depth else tf.int32
    targets = tf.TensorSpec([None] if depth else [None, None], tf.int32)
    strings = tf.TensorSpec([None], tf.string)
    spec = {
        "inputs": {name: tf.TensorSpec([None, depth], dtype)},
        "targets": targets,
        "index": tf.TensorSpec([None], tf.int32),
        "key": strings,
        "raw_targets": strings,
        "references": tf.RaggedTensorSpec([None, None], tf.string),
        "raw_inputs": {name: strings},
    }

    def generate():
        for index, features, target, references in batches:
            several = [given if isinstance(given, list) else [given] for given in references]
            yield {
                "inputs": {name: features},
                "targets": target,
                "index": index,
                "key": [f"key {i}".encode() for i in index],
                "raw_targets": [given[0] for given in several],
                "references": tf.ragged.constant(several),
                "raw_inputs": {name: [f"raw {i}".encode() for i in index]},
            }

    return tf.data.Dataset.from_generator(generate, output_signature=spec)


@pytest.fixture
def serve(monkeypatch):
    """Serves given batches in place of records."""

    def install(*arguments, **more):
        made = dataset(*arguments, **more)
        monkeypatch.setattr(
            pipeline, "eval_dataset", lambda *_, part, **__: made.shard(part[1], part[0])
        )

    return install


def test_text_covers_every_example_once_in_record_order(serve):
    batches = [
        ([2, 0], [[3, 1, 0], [4, 5, 1]], [[3, 1, 0], [4, 5, 1]], [b"x", b"yz"]),
        ([1], [[3, 3, 3, 6, 1]], [[3, 3, 3, 3, 1]], [b"xxxx"]),
    ]
    serve(batches, name="inputs")
    found = evaluator.run(Copier(), make_task(), "test", BATCHING, GREEDY)
    assert [answer.outputs for answer in found.answers] == ["yz", "xxxa", "x"]
    assert found.references == [("yz",), ("xxxx",), ("x",)]
    assert [answer.inputs for answer in found.answers] == ["raw 0", "raw 1", "raw 2"]
    assert found.cut == 0
    assert found.values == {
        "exact_match": pytest.approx(2 / 3),
        # Tokens 3 are held right: 1 of 5 in the first batch, 4 of 5 in the second.
        "token_accuracy": pytest.approx(5 / 10),
        "log_perplexity": pytest.approx(math.log(8)),
    }


def test_examples_without_an_end_token_are_counted_as_cut(serve):
    serve([([0, 1], [[3, 1, 0], [4, 1, 0]], [[3, 1, 0], [4, 5, 3]], [b"x", b"y"])], name="inputs")
    assert evaluator.run(Copier(), make_task(), "test", BATCHING, GREEDY).cut == 1


def test_classes_are_measured_from_one_forward_pass(serve):
    logits = [[2.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 3.0, 0.0]]
    serve(
        [([1, 0], logits[:2], [0, 1], [b"cat", b"dog"]), ([2], logits[2:], [1], [b"dog"])],
        name="image",
        depth=3,
    )
    values = evaluator.run(Classifier(), CLASSES, "test", BATCHING, GREEDY).values
    # -log p: ln(e^2 + 2) - 2, ln(e + 2) - 0, ln(e^3 + 2) - 3; a mean over three examples.
    e = math.e
    nats = math.log(e**2 + 2) - 2 + math.log(e + 2) + math.log(e**3 + 2) - 3
    assert values == {
        "accuracy": pytest.approx(2 / 3),
        "top5_accuracy": 1.0,
        "exact_match": pytest.approx(2 / 3),
        "log_perplexity": pytest.approx(nats / 3),
    }


def test_of_each_example_its_key_and_the_rank_of_its_class_are_kept(serve):
    logits = [[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    serve([([1, 0], logits, [0, -1], [b"cat", b"fox"])], name="image", depth=3)
    found = evaluator.run(Classifier(), CLASSES, "test", BATCHING, GREEDY)
    unknown, known = found.answers
    assert (unknown.as_kept()["key"], known.as_kept()["key"]) == ("key 0", "key 1")
    assert unknown.measured == {}
    assert known.as_kept()["measured"] == {
        "nats": pytest.approx(math.log(math.e**2 + 2) - 2),
        "rank": 0,
    }
    assert "key" not in known.as_json() and "measured" not in known.as_json()


def test_metrics_see_all_references(serve):
    batches = [
        ([1, 0], [[3, 1, 0], [4, 5, 1]], [[3, 1, 0], [4, 5, 1]], [[b"a", b"x"], [b"x", b"b"]])
    ]
    serve(batches, name="inputs")
    found = evaluator.run(Copier(), make_task(), "test", BATCHING, GREEDY)
    assert found.references == [("x", "b"), ("a", "x")]
    assert [answer.outputs for answer in found.answers] == ["yz", "x"]
    assert found.values["exact_match"] == 1 / 2


def test_no_answer_is_right_where_the_class_is_not_in_training(serve):
    logits = [[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    serve([([0, 1], logits, [0, -1], [b"cat", b"fox"])], name="image", depth=3)
    found = evaluator.run(Classifier(), CLASSES, "test", BATCHING, GREEDY)
    e = math.e
    assert found.values == {
        "accuracy": 1 / 2,
        "top5_accuracy": 1 / 2,
        "exact_match": 1 / 2,
        "log_perplexity": pytest.approx(math.log(e**2 + 2) - 2),
    }
    assert found.notes["log_perplexity"].startswith("without 1 of 2 examples")


def test_evaluating_again_traces_nothing(serve):
    model = Copier()
    for length in (2, 4, 3):
        ids = np.full([length, length], 3, np.int32)
        ids[:, -1] = 1
        serve([(list(range(length)), ids, ids, [b"x"] * length)], name="inputs")
        evaluator.run(model, make_task(), "test", BATCHING, GREEDY)
    assert functions.of(model).traces() == 2  # the search and the sums


def test_what_no_metric_needs_is_not_run(serve):
    class NeverDecodes(Copier):
        def decode_step(self, *_):
            raise AssertionError("decoded")

    serve([([0], [[3, 1]], [[3, 1]], [b"x"])], name="inputs")
    task = make_task(metrics=("token_accuracy",))
    found = evaluator.run(NeverDecodes(), task, "test", BATCHING, GREEDY)
    assert found.answers == []
    assert set(found.values) == {"token_accuracy", "log_perplexity"}


def test_bleu_brings_its_signature(serve):
    serve([([0], [[3, 1]], [[3, 1]], [b"x"])], name="inputs")
    found = evaluator.run(Copier(), make_task(metrics=("bleu",)), "test", BATCHING, GREEDY)
    assert "tok:13a" in found.notes["bleu"]


def test_an_example_given_twice_or_left_out_is_a_fault(serve):
    row = ([[3, 1]], [[3, 1]], [b"x"])
    serve([([0], *row), ([0], *row)], name="inputs")
    with pytest.raises(RuntimeError, match="example 0 twice"):
        evaluator.run(Copier(), make_task(), "test", BATCHING, GREEDY)
    serve([([0], *row), ([2], *row)], name="inputs")
    with pytest.raises(RuntimeError, match="left out example 1"):
        evaluator.run(Copier(), make_task(), "test", BATCHING, GREEDY)


def test_scores_that_are_no_numbers_end_in_one_line(serve):
    serve([([0], [[math.nan] * 3], [0], [b"cat"])], name="image", depth=3)
    with pytest.raises(errors.NotFiniteError, match="no finite numbers"):
        evaluator.run(Classifier(), CLASSES, "test", BATCHING, GREEDY)


def test_a_metric_of_classes_is_refused_for_text():
    with pytest.raises(errors.ConfigError, match="take token_accuracy"):
        evaluator.metrics_of(make_task(metrics=("accuracy",)))


def test_metrics_of_plugins_are_fed(serve, registries):
    @registries.metrics.register("mean_length")
    class MeanLength(base.Metric):
        name = "mean_length"
        needs = "decodes"

        def __init__(self, task=None):
            super().__init__(task)
            self.lengths = []

        def update(self, given):
            self.lengths += [len(output) for output in given.outputs]

        def result(self):
            return {self.name: sum(self.lengths) / len(self.lengths)}

    serve([([1, 0], [[3, 3, 1], [3, 1, 0]], [[3, 1], [3, 1]], [b"x", b"x"])], name="inputs")
    task = make_task(metrics=("mean_length",))
    values = evaluator.run(Copier(), task, "test", BATCHING, GREEDY).values
    assert values["mean_length"] == 1.5


class Threads:
    """Workers that are threads of this process."""

    def __init__(self, count):
        self.index, self.count = 0, count
        self._barrier, self._given = threading.Barrier(count, timeout=60), [b""] * count

    def of(self, index):
        own = copy.copy(self)
        own.index = index
        return own

    def exchange(self, own):
        self._given[self.index] = own
        self._barrier.wait()
        found = list(self._given)
        self._barrier.wait()
        return found

    def run(self, work):
        with futures.ThreadPoolExecutor(self.count) as pool:
            return list(pool.map(lambda i: work(self.of(i)), range(self.count)))


def _shared(model, task, *, count):
    return Threads(count).run(
        lambda own: evaluator.run(model, task, "test", BATCHING, GREEDY, workers=own)
    )


@pytest.mark.parametrize("count", [2, 3])
def test_workers_share_an_evaluation_and_all_find_what_one_finds(serve, count):
    """Three batches: with two workers the second has one of them."""
    ids = [[3, 4, 1], [4, 5, 1]]
    batches = [
        ([2, 0], ids, ids, [[b"xy", b"z"], [b"yz"]]),
        ([1], [[3, 3, 3, 6, 1]], [[3, 3, 3, 3, 1]], [b"xxxx"]),
        ([4, 3], ids, ids, [b"a", b"yz"]),
    ]
    serve(batches, name="inputs")
    task = make_task(metrics=("bleu", "exact_match", "token_accuracy"))
    one = evaluator.run(Copier(), task, "test", BATCHING, GREEDY)
    assert len(one.answers) == 5
    for found in _shared(Copier(), task, count=count):
        assert found == one


def test_classes_are_measured_by_workers_as_by_one(serve):
    logits = np.random.default_rng(0).normal(size=[6, 3]).astype(np.float32)
    rows = [
        ([2 * i, 2 * i + 1], logits[2 * i : 2 * i + 2], [0, 2], [b"cat", b"emu"]) for i in range(3)
    ]
    serve(rows, name="image", depth=3)
    one = evaluator.run(Classifier(), CLASSES, "test", BATCHING, GREEDY)
    for found in _shared(Classifier(), CLASSES, count=2):
        assert found == one


def test_what_one_worker_cannot_evaluate_ends_all(serve):
    bad = ([1], [[math.nan] * 3], [0], [b"cat"])
    serve([([0], [[1.0, 0.0, 0.0]], [0], [b"cat"]), bad], name="image", depth=3)

    def work(own):
        with pytest.raises(errors.UserError) as raised:
            evaluator.run(Classifier(), CLASSES, "test", BATCHING, GREEDY, workers=own)
        return str(raised.value)

    other, own = Threads(2).run(work)
    assert own.startswith("The model's scores")
    assert other.startswith("Worker 1 cannot evaluate its share") and "no finite numbers" in other


def test_an_answer_with_others_survives_the_way_between_workers():
    second = answers.Answer(None, "b", -2.5, penalised_score=-1.25)
    first = answers.Answer({"a": "x"}, "a", -0.1, ("a", "c"), (second,), None, True, -0.05, "key 1")
    measured = sharing.Measured(
        [1], ["key 1"], [("a", "c")], 1, [first], base.Scores(0.1, 2, 3), None
    )
    assert sharing.Measured.from_bytes(measured.to_bytes()) == measured
