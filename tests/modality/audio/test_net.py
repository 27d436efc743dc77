"""The audio net: positions, masks, and that padding changes nothing."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import Audio, features
from t2t_mm.modality.audio import net
from t2t_mm.settings import models
from tests.modality.audio.conftest import voice, wav

WIDTHS = (2, 3, 4, 4, 5, 5, 6, 6)
CONFIG = models.MultiModelConfig(width=16, heads=2, audio_widths=WIDTHS)
SPECTRAL = Audio(bands=12)
WAVEFORM = Audio(representation="waveform")


def build(spec, *, seed=0, **changes):
    """Returns a net whose every variable has a value of its own."""
    made = net.AudioNet(spec, None, dataclasses.replace(CONFIG, **changes))
    draw = np.random.default_rng(seed)
    for variable in made.trainable_variables:
        variable.assign(variable + draw.normal(scale=0.2, size=variable.shape))
    return made


def sounds(spec, *seconds, multiple=1):
    raw = [wav(voice(16_000, s, seed=i), 16_000) for i, s in enumerate(seconds)]
    made = features.build(spec, None, length_multiple=multiple)
    return made.featurize(tf.constant(raw), training=False), made.lengths(tf.constant(raw))


@pytest.mark.parametrize("spec", [SPECTRAL, WAVEFORM], ids=["spectral", "waveform"])
@pytest.mark.parametrize("multiple", [1, 4])
def test_positions_are_those_that_batches_were_cut_by(spec, multiple):
    given, lengths = sounds(spec, 0.5, 0.05, 0.37, multiple=multiple)
    found = build(spec).bottom(given)
    assert found.grid is None
    assert found.x.shape[2] == 16
    assert found.x.shape[:2] == found.mask.shape
    assert found.mask.dtype == tf.float32
    np.testing.assert_array_equal(tf.reduce_sum(found.mask, 1), lengths)
    assert found.x.shape[1] == -(-int(max(lengths)) // multiple) * multiple


@pytest.mark.parametrize("spec", [SPECTRAL, WAVEFORM], ids=["spectral", "waveform"])
def test_padding_and_neighbours_change_nothing(spec):
    made = build(spec)
    given, lengths = sounds(spec, 0.5, 0.3, 0.21)
    together = made.bottom(given).x.numpy()
    longer = made.bottom(tf.pad(given, [[0, 0], [0, 5 * spec.cells_a_position], [0, 0]])).x.numpy()
    for row, length in enumerate(lengths.numpy()):
        np.testing.assert_allclose(longer[row, :length], together[row, :length], atol=2e-4)
        assert not longer[row, length:].any()
        alone = made.bottom(sounds(spec, 0.5, 0.3, 0.21)[0][row : row + 1]).x.numpy()[0]
        np.testing.assert_allclose(alone[:length], together[row, :length], atol=2e-4)


@pytest.mark.parametrize("spec", [SPECTRAL, WAVEFORM], ids=["spectral", "waveform"])
def test_every_weight_learns(spec):
    made = build(spec)
    given, _ = sounds(spec, 0.4, 0.3)
    weights = tf.constant(np.random.default_rng(1).normal(size=(16,)).astype(np.float32))
    variables = [variable.value for variable in made.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.tanh(made.bottom(given).x * weights))
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.name
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.name


def test_the_structure_is_that_of_the_paper():
    """Eight blocks of widths 2 to 256 at full frequency resolution, and a ninth of width D."""
    made = build(SPECTRAL, audio_widths=(2, 4, 8, 16, 32, 64, 128, 256))
    assert len(made.blocks) == 8
    for i, block in enumerate(made.blocks, start=1):
        assert tuple(block.second.pointwise.kernel.shape) == (2**i, 2**i)
        assert tuple(block.second.depthwise.shape) == (3, 3, 2**i, 1)
        assert block.strides[1] == 1
    assert tuple(made.merge.kernel.shape) == (12 * 256, 16)
    assert tuple(made.last.second.pointwise.kernel.shape) == (16, 16)


def test_the_order_of_bands_matters():
    """Which band a sound is in is known: frequencies are not averaged away."""
    made = build(SPECTRAL)
    given = sounds(SPECTRAL, 0.4)[0].numpy()
    turned = given.copy()
    turned[:, :, :-1] = turned[:, :, -2::-1]
    apart = made.bottom(tf.constant(given)).x - made.bottom(tf.constant(turned)).x
    assert np.abs(apart).max() > 0.1


def test_sizes_stay_open_in_a_graph():
    made = build(SPECTRAL)
    graph = tf.function(
        lambda x: made.bottom(x).x,
        input_signature=[tf.TensorSpec([None, None, 13])],
        autograph=False,
    )
    for seconds in ((0.3,), (0.5, 0.2)):
        given, lengths = sounds(SPECTRAL, *seconds)
        assert graph(given).shape == (len(seconds), int(max(lengths)), 16)
    assert graph.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("widths", [(2, 4, 8), (2,) * 9, (2,) * 7 + (0,)])
@pytest.mark.parametrize("config", [models.MultiModelConfig, models.TransformerConfig])
def test_eight_widths(config, widths):
    with pytest.raises(errors.ConfigError, match=r"audio_widths is out of range.*eight widths"):
        config(audio_widths=widths)
