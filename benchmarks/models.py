"""Models of a stated size, with tasks that need no data."""

from __future__ import annotations

import pathlib
import types
from typing import Any

VOCABULARY = 8192
CLASSES = 10
TEXT, PICTURES = "text", "pictures"
T2T = pathlib.Path(__file__).resolve().parent / "t2t"
"""The plugin with the model of Tensor2Tensor's shape, and the gin files of its sizes."""
T2T_TINY, T2T_MID = str(T2T / "multi_model_t2t_tiny"), str(T2T / "multi_model_t2t_mid")


def text_task(vocabulary: int = VOCABULARY, max_length: int = 256) -> Any:
    """Returns a task of text to text with a vocabulary that has a size and nothing else."""
    from t2t_mm.data import task as task_lib
    from t2t_mm.modality import Language

    declared = Language(max_length=max_length)
    words: Any = types.SimpleNamespace(name=declared.vocab, size=vocabulary, sha256="0" * 64)
    return task_lib.Task(
        name=TEXT,
        version="1.0.0",
        inputs={"inputs": declared},
        targets=declared,
        command="to-text",
        metrics=("log_perplexity",),
        splits=("train", "validation"),
        vocabularies={declared.vocab: words},
    )


def picture_task(size: int = 32) -> Any:
    """Returns a task of pictures to classes."""
    from t2t_mm.data import task as task_lib
    from t2t_mm.modality import Categorical, Image

    return task_lib.Task(
        name=PICTURES,
        version="1.0.0",
        inputs={"image": Image(size=size)},
        targets=Categorical(classes=tuple(str(i) for i in range(CLASSES))),
        command="to-class",
        metrics=("accuracy",),
        splits=("train", "validation"),
        vocabularies={},
    )


def build(gin_file: str, params: list[str], tasks: list[Any], precision: str) -> Any:
    """Returns the model that a gin file sizes.

    Args:
      gin_file: as `--gin_file` takes it.
      params: bindings on top.
      tasks: what it is for.
      precision: "float32" or "bfloat16".
    """
    import keras

    from t2t_mm import config, plugins
    from t2t_mm.models import build as build_lib
    from t2t_mm.models import precision as precision_lib
    from t2t_mm.settings import training

    plugins.load_all(T2T)
    config.load([gin_file], params)
    keras.utils.set_random_seed(0)
    precision_lib.use(precision)
    return build_lib.build(config.build(training.TrainSettings).model, tasks)


def weights(model: Any) -> int:
    """Returns the number of trainable weights."""
    return sum(int(variable.value.shape.num_elements()) for variable in model.trainable_variables)


def text_batches(count: int, rows: int, length: int, vocabulary: int = VOCABULARY) -> Any:
    """Returns endless batches of `rows` sources and targets of `length` random tokens.

    The same few come again and again: nothing but the model takes time.
    """
    import tensorflow as tf

    def ids(seed: int) -> Any:
        shape = [count * rows, length]
        return tf.random.stateless_uniform(shape, [seed, 0], 3, vocabulary, tf.int32)

    data = tf.data.Dataset.from_tensor_slices({"inputs": {"inputs": ids(1)}, "targets": ids(2)})
    return data.batch(rows, drop_remainder=True).cache().repeat().prefetch(2)


def picture_batches(count: int, rows: int, size: int = 32) -> Any:
    """Returns endless batches of `rows` pictures of noise, with classes."""
    import tensorflow as tf

    shape = [count * rows, size, size, 3]
    pixels = tf.random.stateless_uniform(shape, [1, 0], 0, 256, tf.int32)
    classes = tf.random.stateless_uniform([count * rows], [2, 0], 0, CLASSES, tf.int32)
    data = tf.data.Dataset.from_tensor_slices(
        {"inputs": {"image": tf.cast(pixels, tf.uint8)}, "targets": classes}
    )
    return data.batch(rows, drop_remainder=True).cache().repeat().prefetch(2)
