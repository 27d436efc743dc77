"""Gradient attacks on models whose gradients NumPy knows."""

import io
import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm.evaluation.robustness import attacks
from t2t_mm.modality import Audio, Categorical, Image, Language, representation
from t2t_mm.modality.audio import encoding
from t2t_mm.settings import batching
from tests.models import conftest

CLASSES = Categorical(classes=("a", "b", "c"))
LABELS = [0, 2, 1]
WIDTH = 5


class Linear:
    """Logits are linear in all features of an input, or in its embedded tokens."""

    config = types.SimpleNamespace(width=WIDTH)

    def __init__(self, name, shape, *, bend=0.0, scale=1e-4):
        draw = np.random.default_rng(0)
        self.name, self.bend = name, bend
        self.weights = draw.normal(scale=scale, size=(*shape, 3)).astype(np.float32)
        self.table = draw.normal(size=(conftest.PIECES, WIDTH)).astype(np.float32)

    def traced_as(self, task_name):
        return task_name

    def command_row(self, task_name):
        return 0

    def embed_input(self, task_name, name, features):
        mask = tf.cast(features != 0, tf.float32)
        return representation.Representation(tf.gather(self.table, features), mask)

    def class_logits(self, task_name, inputs, command):
        x = inputs[self.name]
        if isinstance(x, representation.Perturbed):
            mask = tf.cast(x.features != 0, tf.float32)
            x = (tf.gather(self.table, x.features) + x.change) * mask[:, :, None]
        flat = tf.reshape(tf.cast(x, tf.float32), [tf.shape(x)[0], -1])
        logits = flat @ tf.reshape(self.weights, [-1, 3])
        return logits + self.bend * tf.sin(3 * logits)

    def gradient(self, x):
        """That of the cross-entropy with LABELS, without a bend: (softmax - one-hot) W'."""
        weights = self.weights.reshape(-1, 3)
        logits = x.reshape(len(x), -1) @ weights
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        return ((shares - np.eye(3)[LABELS]) @ weights.T).reshape(x.shape)


def png(pixels):
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def pictures():
    """A batch of three, and the task."""
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
    task = conftest.make_task("pictures", {"image": Image(size=32)}, CLASSES, "to-class")
    raw = tf.constant([png(one) for one in pixels])
    return task, batch_of("image", tf.constant(pixels), raw)


def batch_of(name, features, raw):
    keys = tf.constant(["x", "y", "z"])
    targets = tf.constant(LABELS)
    return {"inputs": {name: features}, "raw_inputs": {name: raw}, "targets": targets, "key": keys}


def losses(climb, batch, inputs):
    return attacks._losses(
        climb.model, climb.task, inputs, batch["targets"], tf.constant(0)
    ).numpy()


def test_fgsm_goes_along_the_sign_of_the_gradient(pictures):
    task, batch = pictures
    model = Linear("image", (32, 32, 3))
    climb = attacks.Climb(model, task, "image", batching.Batching())
    attacked = attacks.Attack(climb, strength=3, steps=1)(batch)["image"]
    assert attacked.dtype == tf.uint8
    pixels = batch["inputs"]["image"].numpy().astype(float)
    expected = np.clip(pixels + 4 * np.sign(model.gradient(pixels)), 0, 255)
    assert (attacked.numpy() == expected).mean() > 0.999  # but for gradients that round to 0
    assert climb.spec({"image": "as before"}) == {"image": "as before"}


def test_pgd_stays_in_the_ball_and_is_no_weaker_than_fgsm(pictures):
    task, batch = pictures
    climb = attacks.Climb(
        Linear("image", (32, 32, 3), bend=2.0), task, "image", batching.Batching()
    )
    for strength, radius in enumerate(Image().attack().radii, 1):
        found = {
            steps: attacks.Attack(climb, strength=strength, steps=steps)(batch)
            for steps in (1, attacks.STEPS)
        }
        before = batch["inputs"]["image"].numpy().astype(int)
        for inputs in found.values():
            assert np.abs(inputs["image"].numpy() - before).max() <= radius
        fast, iterated = (losses(climb, batch, inputs) for inputs in found.values())
        assert (iterated >= fast - 1e-6).all()
        assert (iterated > losses(climb, batch, batch["inputs"])).all()


def test_pgd_depends_on_seed_and_key_and_not_on_the_batch(pictures):
    task, batch = pictures
    climb = attacks.Climb(
        Linear("image", (32, 32, 3), bend=2.0), task, "image", batching.Batching()
    )

    def attacked(batch, seed=0):
        return attacks.Attack(climb, strength=4, steps=2, seed=seed)(batch)["image"].numpy()

    whole = attacked(batch)
    assert np.array_equal(attacked(batch), whole)
    assert not np.array_equal(attacked(batch, seed=1), whole)
    last = tf.nest.map_structure(lambda value: value[2:], batch)
    assert (attacked(last)[0] == whole[2]).mean() > 0.99  # another order of sums


def test_embedded_tokens_move_along_the_gradient_by_a_share_of_their_norm():
    task = conftest.make_task("stars", {"review": Language()}, CLASSES, "to-stars")
    ids = tf.constant([[3, 4, 5, 6], [7, 8, 0, 0], [9, 0, 0, 0]])
    model = Linear("review", (4, WIDTH), scale=0.1)
    climb = object.__new__(attacks.Climb)  # features would need a real vocabulary
    climb.model, climb.task, climb.name, climb.ball = model, task, "review", Language().attack()
    climb.features = types.SimpleNamespace(has_values=False, values=lambda raw: None)
    climb._command, climb._traced = tf.constant(0), None
    batch = batch_of("review", ids, tf.constant(["", "", ""]))
    given = attacks.Attack(climb, strength=3, steps=1)(batch)["review"]
    real = (ids.numpy() != 0)[:, :, None]
    embedded = model.table[ids] * real
    gradient = model.gradient(embedded) * real

    def norm(x):
        return np.sqrt((x**2).sum((1, 2), keepdims=True))

    expected = 0.1 * norm(embedded) * gradient / norm(gradient)
    assert given.change.numpy() == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert np.array_equal(given.features, ids)
    iterated = attacks.Attack(climb, strength=3, steps=5)(batch)["review"].change.numpy()
    assert (norm(iterated) <= 0.1 * norm(embedded) * (1 + 1e-5)).all()
    assert not iterated[1, 2:].any()
    spec = climb.spec({"review": tf.TensorSpec([None, None], tf.int32)})
    assert spec["review"].change.shape.as_list() == [None, None, WIDTH]


@pytest.mark.parametrize("form", ["spectral", "waveform"])
def test_samples_of_a_sound_are_attacked_through_its_spectrum(form):
    sound = Audio(sample_rate=8_000, bands=8, representation=form)
    task = conftest.make_task("digits", {"sound": sound}, CLASSES, "to-class")
    draw = np.random.default_rng(0)
    waves = [
        encoding.to_wav(draw.integers(-9_000, 9_000, size).astype("<i2").tobytes(), 8_000)
        for size in (2_000, 1_500, 900)
    ]
    raw = tf.constant(waves)
    climb = attacks.Climb(unready_model(), task, "sound", batching.Batching())
    features = climb.features.featurize(raw, training=False)
    values = climb.features.values(raw)
    assert climb.features.of_values(values).numpy() == pytest.approx(features.numpy(), abs=1e-5)
    climb.model = Linear("sound", features.shape[1:])
    batch = batch_of("sound", features, raw)
    for steps in (1, 3):
        attack = attacks.Attack(climb, strength=5, steps=steps)
        change = attack.change(batch, values).numpy()
        size = np.linalg.norm(change, axis=1) / np.linalg.norm(values.x.numpy(), axis=1)
        assert (size <= 0.1 + 1e-5).all() and (size > 0.05).all()
        assert not change[2, 900:].any()
        assert (losses(climb, batch, attack(batch)) > losses(climb, batch, batch["inputs"])).all()


def unready_model():
    return types.SimpleNamespace(command_row=lambda name: 0)
