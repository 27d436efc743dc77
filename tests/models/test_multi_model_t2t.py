"""The shape of Tensor2Tensor: its weights, one by one, and decoding as the full pass."""

import numpy as np
import tensorflow as tf

from t2t_mm import config
from t2t_mm.models import multi_model_t2t
from t2t_mm.settings import models
from tests.models import conftest

SMALL = models.MultiModelT2TConfig(
    width=16,
    filter_width=24,
    heads=2,
    encoder_layers=2,
    decoder_layers=2,
    expert_layer=1,
    experts=6,
    selected=2,
    expert_filter=20,
    entry_widths=(4, 6, 8, 10),
    exit_widths=(12, 14),
)


def _model(sizes=SMALL):
    model = multi_model_t2t.MultiModelT2T(sizes, conftest.TASKS)
    draw = np.random.default_rng(0)
    for variable in model.trainable_variables:
        noise = draw.normal(scale=0.1, size=variable.shape)
        variable.assign(variable.numpy() + noise.astype(np.float32))
    return model


def _convolution(width_in, width_out, kernel):
    return kernel * width_in + width_in * width_out + width_out + 2 * width_out


def test_its_body_has_the_weights_of_the_shape():
    D, F, G, E = 16, 24, 20, 6
    encoder = _convolution(D, F, 3) + _convolution(F, F, 3)
    encoder += _convolution(F, D, 15) + _convolution(D, D, 15)
    encoder += E * 2 * D * F + 2 * D * E + 2 * D  # experts, gate and noise, norm
    attentions = (3 * D * D + D * D + D) + (D * D + 2 * D * D + D * D + D) + 2 * D
    feed_forward = D * F + F + F * D + D + 2 * D
    experts = E * 2 * D * G + 2 * D * E + 2 * D
    expected = 2 * encoder + 2 * attentions + feed_forward + experts
    body = _model().body.trainable_variables
    assert sum(int(np.prod(v.shape)) for v in body) == expected


def test_every_position_decoded_is_that_of_the_full_pass():
    model = _model()
    batch = conftest.text_batch()
    targets = batch["targets"]
    whole = model(batch, "ende").numpy()
    memory = model.encode("ende", batch["inputs"])
    state = model.start_state("ende", memory, targets.shape[1])
    ids = tf.zeros(targets.shape[0], tf.int32)
    for place in range(targets.shape[1]):
        logits, state = model.decode_step("ende", ids, tf.constant(place), memory, state)
        np.testing.assert_allclose(logits.numpy(), whole[:, place], atol=2e-5)
        ids = targets[:, place]


def test_every_weight_is_trained_by_text_and_pictures():
    model = _model()
    variables = model.trainable_variables
    trained = set()
    for name, batch in (("ende", conftest.text_batch()), ("pictures", conftest.picture_batch())):
        with tf.GradientTape() as tape:
            loss, metrics = model.loss(name, batch, training=True, seed=tf.constant([1, 2]))
        assert np.isfinite(float(loss))
        gradients = tape.gradient(loss, [v.value for v in variables])
        trained |= {i for i, g in enumerate(gradients) if g is not None}
    body = {id(v) for v in model.body.trainable_variables}
    assert not [v.path for i, v in enumerate(variables) if i not in trained and id(v) in body]
    assert metrics["expert_load"].shape == (2, 6)  # a class goes through the encoder alone


def test_the_gin_files_are_tensor2tensors_sizes():
    try:
        config.load(["multi_model_t2t_tiny"])
        assert config.build(models.MultiModelT2TConfig) == models.MultiModelT2TConfig()
        config.load(["multi_model_t2t_mid"])
        mid = config.build(models.MultiModelT2TConfig)
    finally:
        config.reset()
    assert (mid.width, mid.filter_width, mid.encoder_layers, mid.decoder_layers) == (
        256,
        1024,
        4,
        4,
    )
    assert (mid.expert_layer, mid.expert_filter, mid.experts, mid.selected) == (2, 1024, 30, 2)
