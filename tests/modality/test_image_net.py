"""Both forms of the image net: a position for 16 x 16 pixels, each picture by itself."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import base
from t2t_mm.modality import Image
from t2t_mm.modality.image import net as net_lib
from t2t_mm.settings import models


def net(entry):
    config = models.MultiModelConfig(width=16, entry=entry, entry_widths=(4, 4, 8, 8))
    return net_lib.ImageNet(Image(size=48), None, config, name="net")


@pytest.fixture(params=["xception", "residual"])
def either(request):
    return net(request.param)


def pixels(count):
    return np.random.default_rng(0).integers(0, 256, (count, 48, 48, 3), np.uint8)


def test_a_position_for_each_patch(either):
    body = either.bottom(pixels(2))
    assert body.x.shape == (2, 9, 16)  # 48 / 16 = 3 patches a side
    assert body.grid == (3, 3)
    assert body.mask is None


def test_other_pictures_of_the_batch_do_not_matter(either):
    together = either.bottom(pixels(3)).x
    alone = either.bottom(pixels(3)[1:2]).x
    np.testing.assert_allclose(together[1:2], alone, atol=1e-5)


def test_every_weight_learns(either):
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.square(either.bottom(pixels(2), base.Rng(tf.constant([1, 2]))).x))
    gradients = tape.gradient(total, either.trainable_variables)
    none = [v.path for v, g in zip(either.trainable_variables, gradients, strict=True) if g is None]
    assert not none
