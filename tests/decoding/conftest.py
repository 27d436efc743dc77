"""A small autoregressive model whose every step can be computed again from nothing."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import task as task_lib
from t2t_mm.decoding import hypotheses
from t2t_mm.modality.language import declaration as language

VOCABULARY = 11
WIDTH = 6


class ToyModel:
    """Logits depend on the source and on every token so far, through a running sum."""

    def __init__(self, *, seed=0, eos_bias=0.0, pad_logit=float("-inf"), size=VOCABULARY):
        draw = np.random.default_rng(seed)
        self.embedding = draw.normal(size=(VOCABULARY, WIDTH)).astype(np.float32)
        self.command = draw.normal(size=WIDTH).astype(np.float32)
        self.out = draw.normal(size=(WIDTH, size)).astype(np.float32)
        self.bias = np.zeros(size, np.float32)
        self.bias[0], self.bias[1] = pad_logit, eos_bias

    def encode(self, task_name, inputs):
        del task_name
        vectors = tf.gather(self.embedding, inputs["inputs"])
        return tf.reduce_sum(vectors * tf.cast(inputs["inputs"] != 0, tf.float32)[..., None], 1)

    def start_state(self, task_name, memory, max_length):
        """A sum of fixed size, and a cache that grows: one row an input."""
        del task_name, max_length
        rows = tf.shape(memory)[0]
        return {"sum": tf.zeros([rows, WIDTH]), "cache": tf.zeros([rows, 0, WIDTH])}

    def traced_as(self, task_name):
        return task_name

    def command_row(self, task_name):
        del task_name
        return 0

    def decode_step(self, task_name, ids, step, memory, state, command):
        del task_name, command
        embedded = tf.where(step == 0, self.command[None], tf.gather(self.embedding, ids))
        cache = tf.concat([state["cache"], embedded[:, None]], 1)
        sums = 0.7 * state["sum"] + embedded
        memory = tf.repeat(memory, tf.shape(ids)[0] // tf.shape(memory)[0], axis=0)
        # What the cache adds is nothing, as long as it is the one of this hypothesis.
        powers = tf.pow(0.7, tf.cast(tf.range(step, -1, -1), tf.float32))[:, None]
        zero = tf.reduce_sum(cache * powers, 1) - sums
        logits = tf.tanh(sums + 100 * zero + memory) @ self.out + self.bias
        return logits, {"sum": sums, "cache": cache}

    def logits_anew(self, source, written):
        """The logits after `written`, in NumPy, without any state: float64 [V]."""
        memory = self.embedding[[i for i in source if i != 0]].sum(0)
        sums = np.zeros(WIDTH, np.float32)
        for vector in [self.command, *self.embedding[list(written)]]:
            sums = 0.7 * sums + vector
        return (np.tanh(sums + memory) @ self.out + self.bias).astype(np.float64)

    def log_probs_anew(self, source, written):
        logits = self.logits_anew(source, written)
        return logits - np.log(np.exp(logits).sum())

    def score_anew(self, source, ids, begun=0):
        """Sum of the log-probabilities of `ids` behind the first `begun`."""
        return sum(
            self.log_probs_anew(source, ids[:place])[ids[place]] for place in range(begun, len(ids))
        )


class Letters:
    """A vocabulary of one letter a token."""

    size = VOCABULARY
    sha256 = "0" * 64

    def decode(self, ids):
        ids = list(ids)
        ids = ids[: ids.index(1)] if 1 in ids else ids
        return "".join(chr(ord("a") + i - 3) for i in ids if i != 0)


@pytest.fixture
def toy():
    return ToyModel


@pytest.fixture
def asked():
    """Returns a function of sources and limits to what a search is asked."""

    def make(sources, limits, prefix=None):
        return hypotheses.Asked(
            "toy",
            {"inputs": tf.constant(sources, tf.int32)},
            tf.constant(limits, tf.int32),
            None if prefix is None else tf.constant(prefix, tf.int32),
        )

    return make


@pytest.fixture
def listed():
    """Returns a function of `Hypotheses` to `(ids, score, penalised score)` of each, row by row."""

    def make(found):
        return [
            [
                (ids[:length].tolist(), float(score), float(penalised))
                for ids, score, penalised, length in zip(*row, strict=True)
                if score > -np.inf
            ]
            for row in zip(*(tensor.numpy() for tensor in found), strict=True)
        ]

    return make


@pytest.fixture
def task():
    return task_lib.Task(
        name="toy",
        version="1.0.0",
        inputs={"inputs": language.Language(vocab="letters")},
        targets=language.Language(vocab="letters"),
        command="to-toy",
        metrics=("exact_match",),
        splits=("train", "test"),
        vocabularies={"letters": Letters()},
    )
