"""Both forms of the categorical net: padding does not matter, and the mean is one of NumPy's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import base
from t2t_mm.modality import Categorical, representation
from t2t_mm.modality.categorical import net as net_lib
from t2t_mm.settings import models


def net(form):
    keras.utils.set_random_seed(0)
    config = models.MultiModelConfig(width=8, exit=form, exit_widths=(12, 14))
    return net_lib.CategoricalNet(Categorical(classes=("a", "b", "c")), None, config, name="net")


@pytest.fixture(params=["xception", "mean"])
def either(request):
    return net(request.param)


def values(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_a_sequence_and_its_padded_form_are_alike(either):
    x = values(2, 5, 8)
    mask = np.ones((2, 5), np.float32)
    padded = np.concatenate([x, np.full((2, 4, 8), 9, np.float32)], 1)
    longer = np.concatenate([mask, np.zeros((2, 4), np.float32)], 1)
    plain = either.logits(representation.Representation(x, mask))
    assert plain.shape == (2, 3)
    found = either.logits(representation.Representation(padded, longer))
    np.testing.assert_allclose(plain, found, atol=1e-5)


def test_a_plane_has_logits(either):
    found = either.logits(representation.Representation(values(2, 12, 8), None, (3, 4)))
    assert found.shape == (2, 3)


def test_the_mean_of_positions_gives_the_classes():
    mean = net("mean")
    x, mask = values(2, 5, 8), np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.float32)
    rows = np.stack([x[0, :3].mean(0), x[1].mean(0)])
    expected = rows @ mean.classes.kernel.numpy() + mean.classes.bias.numpy()
    found = mean.logits(representation.Representation(x, mask))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_every_weight_learns(either):
    with tf.GradientTape() as tape:
        logits = either.logits(
            representation.Representation(tf.constant(values(2, 12, 8)), None, (3, 4)),
            base.Rng(tf.constant([1, 2])),
        )
        loss = either.loss(logits, tf.constant([0, 2]), training=True).loss
    assert all(g is not None for g in tape.gradient(loss, either.trainable_variables))
