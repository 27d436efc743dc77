"""A Keras model as the net of pictures: trained, resumed, evaluated, decoded, averaged."""

import json
import pathlib
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm.layers import base
from t2t_mm.modality import Image
from t2t_mm.modality.pretrained import KerasNet, encoder
from t2t_mm.settings import training
from t2t_mm.training import optimizer

SIZES = [
    "Batching.batch_examples = 4",
    "OptimizerSettings.decay = 'constant'",
    "OptimizerSettings.warmup_steps = 0",
    "TrainSettings.eval_examples = 6",
    "TrainSettings.precision = 'float32'",
    "TrainSettings.model = 'transformer'",
    "TransformerConfig.width = 16",
    "TransformerConfig.heads = 2",
    "TransformerConfig.filter_width = 16",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TransformerConfig.exit_widths = (16, 16)",
]
CONV = "model/nets/image/encoder"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    t2t_mm.generate(["imagenet"], folder, source="sample", sample_size=60, workers=1)
    return folder


@pytest.fixture
def file(tmp_path):
    """A model with a convolution, a normalization, a dropout and a further layer."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.layers.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255, name="scale"),
            keras.layers.Conv2D(8, 8, strides=8, name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.3, name="dropout"),
            keras.layers.Conv2D(5, 2, strides=2, name="last"),
        ],
        name="seen_elsewhere",
    )
    model.save(tmp_path / "elsewhere.keras")
    return tmp_path / "elsewhere.keras"


def train(data_dir, output_dir, net, steps, **given):
    return t2t_mm.train(
        ["imagenet"],
        data_dir=data_dir,
        output_dir=output_dir,
        gin_params=[*SIZES, f"PretrainedNets.keras = {{'image': {net!r}}}"],
        train_steps=steps,
        eval_every=0,
        save_every=100,
        **given,
    )


def weights(output_dir, step):
    folder = pathlib.Path(output_dir) / "checkpoints"
    prefix = json.loads((folder / f"ckpt-{step}.json").read_text())["prefix"]
    reader = tf.train.load_checkpoint(str(folder / prefix))
    types = reader.get_variable_to_dtype_map()
    return {
        name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): reader.get_tensor(name)
        for name, t in types.items()
        if t.is_floating
    }


def of_shape(values, shape, under=CONV):
    (found,) = (v for n, v in values.items() if n.startswith(under) and v.shape == shape)
    return found


@pytest.mark.slow
def test_is_trained_resumed_exactly_and_read_without_its_file(data_dir, file, tmp_path):
    net = {"model": str(file)}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(data_dir, whole, net, 4)
    train(data_dir, parts, net, 2)
    model = keras.models.load_model(file)
    first = weights(parts, 2)
    assert not np.array_equal(of_shape(first, (8, 8, 3, 8)), model.get_layer("conv").kernel)
    # Batch normalization counts: its mean is no longer 0, as it was in the file.
    kept = json.loads((parts / "nets.json").read_text())["nets"]["image"]
    assert kept["weights"]["path"] == str(file) and len(kept["weights"]["sha256"]) == 64
    file.unlink()
    train(data_dir, parts, net, 4)
    one, two = weights(whole, 4), weights(parts, 4)
    assert set(one) == set(two)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    moving = [v for n, v in two.items() if n.startswith(CONV) and v.shape == (8,)]
    assert len(moving) == 5  # bias, scale, offset, and the counted mean and variance
    assert all(np.any(value) for value in moving)
    answer = t2t_mm.evaluate(parts)
    assert answer["step"] == 4 and "imagenet" in answer["results"]
    t2t_mm.average(parts, checkpoints=2)
    assert (parts / "averaged" / "nets.json").is_file()
    assert len(list(t2t_mm.decode(parts, split="validation"))) > 0


def test_frozen_weights_have_no_moments_and_others_learn_at_their_rate(file):
    rates = {"a": (True, 1.0), "b": (False, 1.0), "c": (False, 0.125)}
    nets = {
        name: encoder.KerasEncoder(
            KerasNet(str(file), frozen=is_frozen, learning_rate_multiplier=multiplier),
            Image(size=32),
            types.SimpleNamespace(width=8),
            name=name,
        )
        for name, (is_frozen, multiplier) in rates.items()
    }
    own = [*nets["a"].norm.variables, *nets["a"].projection.variables]
    assert [id(v) for v in nets["a"].trainable_variables] == [id(v) for v in own]
    variables = [v for net in nets.values() for v in net.trainable_variables]
    multipliers = [pair for net in nets.values() for pair in net.learning_rate_multipliers()]
    chosen = training.OptimizerSettings(clip_norm=0.0)
    adam = optimizer.Adam(variables, chosen, multipliers)
    before = {name: np.array(net.encoder.variables[0]) for name, net in nets.items()}
    first = np.array(nets["c"].projection.kernel)
    adam.apply([tf.ones_like(v.value) for v in variables], tf.constant(0.5))
    # Adam's first update is the rate, whatever the gradient: 0.5, and an eighth of it.
    moved = {n: float(np.mean(before[n] - net.encoder.variables[0])) for n, net in nets.items()}
    assert moved == pytest.approx({"a": 0.0, "b": 0.5, "c": 0.0625}, rel=1e-3)
    assert np.mean(first - nets["c"].projection.kernel) == pytest.approx(0.5, rel=1e-3)


def test_batch_statistics_and_dropout_are_those_of_training_unless_it_is_frozen(file):
    pixels = tf.random.stateless_uniform([4, 32, 32, 3], [1, 2], 0, 255, tf.int32)
    results = {}
    for is_frozen in (False, True):
        net = encoder.KerasEncoder(
            KerasNet(str(file), frozen=is_frozen), Image(size=32), types.SimpleNamespace(width=8)
        )
        found = [
            net.bottom(tf.cast(pixels, tf.uint8), rng).x
            for rng in (None, base.Rng([1, 2]), base.Rng([1, 2]), base.Rng([3, 4]))
        ]
        results[is_frozen] = [bool(np.array_equal(found[1], other)) for other in found]
        assert found[0].shape == (4, 4, 8)  # 32 / 8 / 2 = 2 positions a side
        # Of each of the three passes of a training the mean and the variance.
        assert len(net.take_updates()) == (0 if is_frozen else 6)
        assert net.take_updates() == []
    assert results == {True: [True] * 4, False: [False, True, True, False]}
