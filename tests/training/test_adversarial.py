"""Adversarial losses against what a gradient promises, to first order."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modality import representation
from t2t_mm.models import watching
from t2t_mm.settings import training
from t2t_mm.training import adversarial, optimizer, single_steps, strategy
from tests.models import conftest

SEED = tf.constant([1, 2])


def losses(model, name, batch, *, share, radius):
    """The loss to be trained, and the plain one."""
    settings = training.AdversarialSettings(share=share, radius=radius)

    @tf.function(autograph=False)
    def run():
        trained = adversarial.of(model, settings)
        total, metrics = trained.loss(name, batch, training=True, seed=SEED, command=tf.constant(0))
        assert trained.take_updates() == []
        return total, metrics["loss"] + metrics["aux_loss"]

    return [float(value) for value in run()]


@pytest.fixture(scope="module")
def model():
    return conftest.make_model("transformer", dropout=0.0)


class Toy:
    """The loss is the sum of w x^2 of all that is embedded; an input is embedded as it is."""

    weights = np.array([1.0, -2.0, 3.0], np.float32)

    def __init__(self):
        self.updates = []

    def take_updates(self):
        taken, self.updates = self.updates, []
        return taken

    def loss(self, name, batch, **given):
        assert given == {"training": True}
        x = batch["inputs"]["x"]
        if isinstance(x, representation.Perturbed):
            x = x.features + x.change
        else:
            mask = tf.constant([[1.0, 1.0], [1.0, 0.0]])
            watching.saw("x", representation.Representation(x, mask))
        self.updates.append(len(self.updates))
        return tf.reduce_sum(self.weights * x**2), {"loss": tf.constant(7.0)}


def test_inputs_move_along_the_gradient_by_a_share_of_their_norms():
    x = np.random.default_rng(0).normal(size=(2, 2, 3)).astype(np.float32)
    toy = Toy()
    trained = adversarial.of(toy, training.AdversarialSettings(share=0.25, radius=0.1))

    @tf.function(autograph=False)
    def run():
        batch = {"inputs": {"x": tf.constant(x)}, "targets": tf.constant([1])}
        total, metrics = trained.loss("toy", batch, training=True)
        assert trained.take_updates() == [0]  # of the plain loss
        return total, metrics["loss"]

    total, told = map(float, run())
    real = x.copy()
    real[1, 1] = 0  # padding does not move
    gradient = 2 * Toy.weights * real

    def norm(of):
        return np.sqrt((of**2).sum((1, 2), keepdims=True))

    moved = x + 0.1 * norm(real) * gradient / norm(gradient)
    plain, changed = (float((Toy.weights * of**2).sum()) for of in (x, moved))
    assert total == pytest.approx(0.75 * plain + 0.25 * changed, rel=1e-5)
    assert told == 7.0
    assert adversarial.of(toy, training.AdversarialSettings()) is toy


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ende", "pictures"])
def test_the_loss_rises_by_radius_times_norms_of_inputs_and_gradients(model, name):
    batch = conftest.text_batch() if name == "ende" else conftest.picture_batch()
    (key,) = batch["inputs"]

    @tf.function(autograph=False)
    def expected():
        part = model.embed_input(name, key, batch["inputs"][key])
        zero = tf.zeros_like(part.x)
        changed = {key: representation.Perturbed(batch["inputs"][key], zero)}
        loss, _ = model.loss(
            name, {**batch, "inputs": changed}, training=True, seed=SEED, command=tf.constant(0)
        )
        (gradient,) = tf.gradients(loss, [zero])
        return tf.reduce_sum(tf.norm(part.x, axis=[1, 2]) * tf.norm(gradient, axis=[1, 2]))

    radius = 1e-3
    changed, plain = losses(model, name, batch, share=1.0, radius=radius)
    assert changed - plain == pytest.approx(radius * float(expected()), rel=0.1)
    mean, _ = losses(model, name, batch, share=0.25, radius=radius)
    assert mean == pytest.approx(0.75 * plain + 0.25 * changed, rel=1e-6)


@pytest.mark.slow
def test_steps_can_be_taken_again_and_differ_from_plain_ones():
    batch = conftest.text_batch()
    spec = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), batch)

    def weights(settings):
        keras.utils.set_random_seed(1)
        model = conftest.make_model("transformer")
        adam = optimizer.Adam(model.trainable_variables, training.OptimizerSettings())
        told = []
        trained = adversarial.of(model, settings)
        assert (trained is model) == (settings.share == 0)
        steps = single_steps.Steps(trained, adam, strategy.make("default"), told.append)
        for number in range(2):
            seed = tf.constant([1, number])
            metrics = steps.take("ende", spec, batch, seed=seed, learning_rate=0.01)
        assert told == []  # sums are in order
        assert float(metrics["finite"]) == 1
        return [variable.numpy() for variable in model.trainable_variables]

    chosen = training.AdversarialSettings(share=0.5, radius=0.1)
    first, again, plain = map(weights, [chosen, chosen, training.AdversarialSettings()])
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, plain, strict=True))
