"""The shape of Tensor2Tensor: its weights, one by one, and decoding as the full pass."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import models
from t2t_mm import config, errors, plugins
from t2t_mm.settings import training
from tests.models import conftest

SMALL = {
    "width": 16,
    "filter_width": 24,
    "heads": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "expert_layer": 1,
    "experts": 6,
    "selected": 2,
    "expert_filter": 20,
    "tie_embeddings": False,
    "entry_widths": (4, 6, 8, 10),
    "exit_widths": (12, 14),
}


@pytest.fixture(autouse=True)
def model_class(registries):
    """The model, which only a plugin registers."""
    plugins.load_all(models.T2T)
    yield registries.models.get("multi_model_t2t")
    config.reset()


@pytest.fixture
def model(model_class):
    model = model_class(model_class.config_class(**SMALL), conftest.TASKS)
    draw = np.random.default_rng(0)
    for variable in model.trainable_variables:
        noise = draw.normal(scale=0.1, size=variable.shape)
        variable.assign(variable.numpy() + noise.astype(np.float32))
    return model


def _convolution(width_in, width_out, kernel):
    return kernel * width_in + width_in * width_out + width_out + 2 * width_out


def test_its_body_has_the_weights_of_the_shape(model):
    D, F, G, E = 16, 24, 20, 6
    encoder = _convolution(D, F, 3) + _convolution(F, F, 3)
    encoder += _convolution(F, D, 15) + _convolution(D, D, 15)
    encoder += E * 2 * D * F + 2 * D * E + 2 * D  # experts, gate and noise, norm
    attentions = (3 * D * D + D * D + D) + (D * D + 2 * D * D + D * D + D) + 2 * D
    feed_forward = D * F + F + F * D + D + 2 * D
    experts = E * 2 * D * G + 2 * D * E + 2 * D
    expected = 2 * encoder + 2 * attentions + feed_forward + experts
    body = model.body.trainable_variables
    assert sum(int(np.prod(v.shape)) for v in body) == expected


def test_every_position_decoded_is_that_of_the_full_pass(model):
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


def test_every_weight_is_trained_by_text_and_pictures(model):
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


@pytest.mark.parametrize(
    ("gin_file", "widths", "layers", "experts"),
    [(models.T2T_TINY, (128, 512), 2, (0, 2048)), (models.T2T_MID, (256, 1024), 4, (2, 1024))],
)
def test_the_gin_files_are_tensor2tensors_sizes(model_class, gin_file, widths, layers, experts):
    config.load([gin_file])
    sizes = config.build(model_class.config_class)
    assert config.build(training.TrainSettings).model == "multi_model_t2t"
    assert (sizes.width, sizes.filter_width) == widths
    assert (sizes.encoder_layers, sizes.decoder_layers, sizes.heads) == (layers, layers, 8)
    assert (sizes.expert_layer, sizes.expert_filter) == experts
    assert (sizes.experts, sizes.selected, sizes.gate_loss) == (30, 2, 0.01)
    assert (sizes.dropout, sizes.label_smoothing, sizes.tie_embeddings) == (0.1, 0.1, False)


@pytest.mark.parametrize("field", ["expert_layer = 2", "selected = 31", "heads = 3"])
def test_sizes_that_do_not_fit_together_are_errors(field):
    with pytest.raises(errors.ConfigError, match="is out of range"):
        config.load([models.T2T_TINY], [f"MultiModelT2TConfig.{field}"])
