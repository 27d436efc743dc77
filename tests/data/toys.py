"""Small problems, with the values of their examples."""

import io
import random

import numpy as np
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm import Problem
from t2t_mm.data import pipeline
from t2t_mm.modality import Categorical, Image, Language

WORDS = "a big small red blue dog cat house tree runs sleeps near under the and while".split()
BATCHING = pipeline.Batching(
    batch_tokens=128, batch_examples=4, max_length=24, shuffle_buffer=40, length_multiple=4
)


class Translation(Problem):
    inputs = {"inputs": Language(vocab="tiny")}
    targets = Language(vocab="tiny")
    command = "to-german"
    metrics = ("bleu",)

    def generate_examples(self, split, files):
        raise NotImplementedError


class Naming(Problem):
    inputs = {"image": Image(size=32)}
    targets = Categorical()
    command = "to-class"

    def generate_examples(self, split, files):
        raise NotImplementedError


class Captions(Problem):
    inputs = {"image": Image(size=32)}
    targets = Language(vocab="tiny")
    command = "to-caption"

    def generate_examples(self, split, files):
        raise NotImplementedError


class Asking(Problem):
    inputs = {"image": Image(size=64), "question": Language(vocab="tiny")}
    targets = Categorical(classes=("yes", "no"))
    command = "to-answer"

    def generate_examples(self, split, files):
        raise NotImplementedError


def sentences(count, *, seed):
    """Returns texts of 1 to 14 words; the lengths are the same for every seed."""
    lengths, draw = random.Random(0), random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=lengths.randint(1, 14))).encode() for _ in range(count)]


def picture(number, *, size=(40, 32), kind="PNG"):
    data = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
    pillow.fromarray(pixels).save(data, kind)
    return data.getvalue()


def take(dataset, count):
    return [tf.nest.map_structure(lambda t: t.numpy(), b) for b in dataset.take(count)]


def equal(left, right):
    flat = zip(tf.nest.flatten(left), tf.nest.flatten(right), strict=True)
    return all(a.shape == b.shape and np.array_equal(a, b) for a, b in flat)
