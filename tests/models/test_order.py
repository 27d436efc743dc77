"""The encoder knows the order of what it reads, of every modality."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modality import Audio, Categorical, Image, Language
from t2t_mm.settings import training
from t2t_mm.training import optimizer, single_steps
from tests.models import conftest
from tests.models.conftest import make_model, make_task

PICTURES = make_task("pictures", {"image": Image(size=288)}, Categorical(classes=("a", "b")), "a")
SOUNDS = make_task("sounds", {"sound": Audio(sample_rate=8_000)}, Language(), "to-english")
TEXTS = make_task("texts", {"inputs": Language()}, Language(), "to-german")

SAME = {
    "texts": (TEXTS, tf.fill([1, 400], 5)),
    "pictures": (PICTURES, tf.fill([1, 288, 288, 3], tf.constant(90, tf.uint8))),
    "sounds": (SOUNDS, tf.ones([1, 3200, SOUNDS.inputs["sound"].bands + 1])),
}


@pytest.mark.parametrize("kind", sorted(SAME))
@pytest.mark.parametrize("name", sorted(conftest.MODELS))
def test_equal_inputs_are_told_apart_by_their_place(name, kind):
    """One block sees 1 + 1 + 7 + 56 = 65 positions to either side: no border of text or sound.

    A picture has 18 in a row: the block sees 3.6 rows, its net 3, and the border is 8 away.
    """
    task, same = SAME[kind]
    model = make_model(name, (task,), **({"encoder_blocks": 1} if name == "multi_model" else {}))
    (feature,) = task.inputs
    encoded = model.encode(kind, {feature: same}).encoded
    middle = encoded.shape[1] // 2
    assert middle > 130
    apart = 18 if kind == "pictures" else 1
    assert np.abs(encoded[0, middle] - encoded[0, middle + apart]).max() > 1e-3


@pytest.mark.slow
def test_a_long_text_of_few_symbols_is_copied():
    """Without a timing signal the encoder cannot tell one run of symbols from another."""
    draw = np.random.default_rng(0)

    def batch():
        lengths = draw.integers(60, 101, 16)
        ids = draw.integers(3, 6, (16, 100)) * (np.arange(100) < lengths[:, None])
        ids = tf.constant(ids, tf.int32)
        return {"inputs": {"inputs": ids}, "targets": ids}

    keras.utils.set_random_seed(0)
    cls, _ = conftest.MODELS["multi_model"]
    sizes = cls.config_class(
        width=64, heads=4, encoder_blocks=2, mixer_blocks=1, decoder_blocks=2, experts=4, selected=2
    )
    model = cls(sizes, (TEXTS,))
    adam = optimizer.Adam(model.trainable_variables, training.OptimizerSettings())
    steps = single_steps.Steps(model, adam, tf.distribute.get_strategy())
    ids = tf.TensorSpec([None, None], tf.int32)
    for number in range(500):
        rate = 2e-3 * min(1.0, (number + 1) / 100)
        seed = tf.constant([0, number], tf.int32)
        spec = {"inputs": {"inputs": ids}, "targets": ids}
        steps.take("texts", spec, batch(), seed=seed, learning_rate=rate)
    _, metrics = model.loss("texts", batch(), training=False)
    assert float(metrics["accuracy"]) > 0.98
