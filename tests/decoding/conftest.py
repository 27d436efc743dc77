"""A small autoregressive model whose every step can be computed again from nothing."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import task as task_lib
from t2t_mm.modality.language import declaration as language

VOCABULARY = 11
WIDTH = 6


class ToyModel:
    """Logits depend on the source and on every piece so far, through a running sum."""

    def __init__(self, *, seed=0, eos_bias=0.0, pad_logit=float("-inf")):
        draw = np.random.default_rng(seed)
        self.embedding = draw.normal(size=(VOCABULARY, WIDTH)).astype(np.float32)
        self.command = draw.normal(size=WIDTH).astype(np.float32)
        self.out = draw.normal(size=(WIDTH, VOCABULARY)).astype(np.float32)
        self.bias = np.zeros(VOCABULARY, np.float32)
        self.bias[0], self.bias[1] = pad_logit, eos_bias

    def encode(self, task_name, inputs):
        del task_name
        vectors = tf.gather(self.embedding, inputs["inputs"])
        return tf.reduce_sum(vectors * tf.cast(inputs["inputs"] != 0, tf.float32)[..., None], 1)

    def start_state(self, task_name, memory, max_length):
        del task_name
        zeros = tf.zeros([tf.shape(memory)[0], WIDTH])
        return {"sum": zeros, "cache": tf.zeros([tf.shape(memory)[0], max_length, WIDTH])}

    def twin(self, task_name):
        return task_name

    def command_row(self, task_name):
        del task_name
        return 0

    def decode_step(self, task_name, ids, step, memory, state, command):
        del task_name, command
        embedded = tf.where(step == 0, self.command[None], tf.gather(self.embedding, ids))
        sums = 0.7 * state["sum"] + embedded
        logits = tf.tanh(sums + memory) @ self.out + self.bias
        return logits, {"sum": sums, "cache": state["cache"]}

    def logits_anew(self, source, written):
        """The logits after `written`, in NumPy, without any state: float32 [V]."""
        memory = self.embedding[[i for i in source if i != 0]].sum(0)
        sums = np.zeros(WIDTH, np.float32)
        for vector in [self.command, *self.embedding[written]]:
            sums = 0.7 * sums + vector
        return np.tanh(sums + memory) @ self.out + self.bias


class Letters:
    """A vocabulary of one letter a piece."""

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
