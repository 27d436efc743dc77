"""Two small models and four tasks that share what they should share."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import task as task_lib
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.models import multi_model, transformer
from t2t_mm.settings import models

PIECES = 40


ANY_WORDS = types.SimpleNamespace(name="mm_8k", size=PIECES, sha256="0" * 64)


def make_task(name, inputs, targets, command, words=ANY_WORDS):
    return task_lib.Task(
        name=name,
        version="1.0.0",
        inputs=inputs,
        targets=targets,
        command=command,
        metrics=("log_perplexity",),
        splits=("train", "validation"),
        vocabularies={"mm_8k": words},
    )


TASKS = (
    make_task("ende", {"inputs": Language()}, Language(), "to-german"),
    make_task("fren", {"inputs": Language()}, Language(), "to-english"),
    make_task("pictures", {"image": Image(size=32)}, Categorical(classes=("a", "b", "c")), "to-a"),
    make_task("stars", {"review": Language()}, Categorical(classes=("1", "2")), "to-stars"),
)

TINY_TRANSFORMER = [
    "TransformerConfig.width = 16",
    "TransformerConfig.filter_width = 16",
    "TransformerConfig.heads = 2",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TransformerConfig.entry_widths = (4, 4, 8, 8)",
    "TransformerConfig.exit_widths = (8, 8)",
]
"""Gin bindings of a Transformer that is made, and trained a step, in a moment."""

MODELS = {
    "multi_model": (
        multi_model.MultiModel,
        models.MultiModelConfig(
            width=16,
            heads=2,
            encoder_blocks=2,
            mixer_blocks=1,
            decoder_blocks=2,
            experts=6,
            selected=2,
            expert_filter=12,
            entry_widths=(4, 6, 8, 10),
            exit_widths=(12, 14),
        ),
    ),
    "transformer": (
        transformer.Transformer,
        models.TransformerConfig(
            width=16,
            filter_width=24,
            heads=2,
            encoder_layers=2,
            decoder_layers=2,
            entry_widths=(4, 6, 8, 10),
            exit_widths=(12, 14),
        ),
    ),
}


def make_model(name, tasks=TASKS, *, seed=0, **changes):
    """Builds a model and gives every variable, biases and gates too, a value of its own.

    The same seed gives the same.
    """
    import dataclasses

    keras.utils.set_random_seed(seed)
    cls, sizes = MODELS[name]
    model = cls(dataclasses.replace(sizes, **changes), tasks)
    draw = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        noise = draw.normal(scale=0.1, size=variable.shape)
        variable.assign(variable.numpy() + noise.astype(np.float32))
    return model


@pytest.fixture(scope="session", params=sorted(MODELS))
def model(request):
    return make_model(request.param)


def text_batch(batch=3, source=7, target=6, *, seed=0):
    draw = np.random.default_rng(seed)
    return {
        "inputs": {"inputs": tf.constant(draw.integers(3, PIECES, (batch, source)), tf.int32)},
        "targets": tf.constant(draw.integers(3, PIECES, (batch, target)), tf.int32),
    }


def picture_batch(batch=4, *, size=32, seed=0):
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 256, (batch, size, size, 3))
    return {
        "inputs": {"image": tf.constant(pixels, tf.uint8)},
        "targets": tf.constant(draw.integers(0, 3, batch), tf.int32),
    }
