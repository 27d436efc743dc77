"""Weights from files: taken by name, and refused in one line where they do not fit."""

import types

import keras
import numpy as np
import pytest

import t2t_mm
from t2t_mm import config, errors
from t2t_mm.modality import Audio, Image, Language, from_description
from t2t_mm.modality.pretrained import KerasNet, architecture, encoder, settings, weights

WIDTH = types.SimpleNamespace(width=8)


@pytest.fixture(autouse=True)
def _no_configuration():
    yield
    config.reset()


def small(channels=5):
    return keras.Sequential(
        [
            keras.layers.Input((None, None, 3)),
            keras.layers.Conv2D(channels, 4, strides=4, name="conv"),
        ],
        name="small",
    )


@pytest.fixture
def net(registries):
    t2t_mm.register_net("small")(small)

    def make(**changes):
        return encoder.KerasEncoder(KerasNet("small", **changes), Image(size=32), WIDTH)

    return make


def load(net):
    said = []
    weights.load("image", net, said.append)
    return said[0]


def save(path, **tensors):
    numpy = pytest.importorskip("safetensors.numpy")
    numpy.save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)
    return str(path)


def test_safetensors_are_taken_by_a_map_of_names_and_axes(net, tmp_path):
    value = np.arange(5 * 3 * 4 * 4, dtype=np.float32).reshape(5, 3, 4, 4)  # as PyTorch has it
    path = save(tmp_path / "w.safetensors", **{"stem.weight": value, "stem.bias": np.ones(5, "f4")})
    names = {"conv/kernel": ("stem.weight", (2, 3, 1, 0)), "conv/bias": "stem.bias"}
    made = net(weights=path, names=names)
    assert path in load(made)
    assert np.array_equal(made.encoder.get_layer("conv").kernel, value.transpose(2, 3, 1, 0))
    assert made.record["weights"]["path"] == path
    with pytest.raises(
        errors.ConfigError, match=r"Received: \[5, 3, 4, 4\]. Expected: \[4, 4, 3, 5\]"
    ):
        load(net(weights=path, names={"conv/kernel": "stem.weight", "conv/bias": None}))
    with pytest.raises(errors.ConfigError, match="no tensor 'stem.weigth'.*mean 'stem.weight'"):
        load(net(weights=path, names={"conv/kernel": "stem.weigth"}))
    with pytest.raises(errors.ConfigError, match="'conv/kernle', .*Did you mean 'conv/kernel'"):
        load(net(weights=path, names={"conv/kernle": "stem.weight"}))


def test_weights_of_keras_are_taken_whole_or_not_at_all(net, tmp_path):
    other = small()
    other.save_weights(tmp_path / "right.weights.h5")
    made = net(weights=str(tmp_path / "right.weights.h5"))
    load(made)
    assert np.array_equal(made.encoder.get_layer("conv").kernel, other.get_layer("conv").kernel)
    small(6).save_weights(tmp_path / "wide.weights.h5")
    made = net(weights=str(tmp_path / "wide.weights.h5"))
    before = np.array(made.encoder.get_layer("conv").kernel)
    with pytest.raises(errors.ConfigError, match=r"\(4, 4, 3, 5\).*\(4, 4, 3, 6\)"):
        load(made)
    assert np.array_equal(made.encoder.get_layer("conv").kernel, before)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weights": "{}/right.weights.h6"}, "no file or folder.*Did you mean 'right.weights.h5'"),
        ({"output": "convv"}, "no layer 'convv'.*Did you mean 'conv'"),
        ({"model": "keras.applications.MobilNetV2"}, "Did you mean 'MobileNetV2'"),
        ({"model": "keras.utils.get_file"}, "There is no net 'keras.utils.get_file'"),
        ({"model": "os.system"}, "There is no net 'os.system'"),
        ({"model": "smal"}, "Did you mean 'small'"),
        ({"model": "{}/none.keras"}, "no file or folder"),
        ({"model": "{}/broken.keras"}, "holds no Keras model"),
        ({"arguments": {"weights": "imagenet"}}, "nothing is downloaded"),
        ({"learning_rate_multiplier": 0.0}, "more than 0"),
    ],
)
def test_what_is_wrong_is_one_error_that_says_what_to_do(net, tmp_path, fields, message):
    (tmp_path / "right.weights.h5").touch()
    (tmp_path / "broken.keras").write_text("no archive")
    given = {k: v.format(tmp_path) if isinstance(v, str) else v for k, v in fields.items()}
    with pytest.raises(errors.ConfigError, match=message):
        load(encoder.KerasEncoder(KerasNet(**{"model": "small", **given}), Image(size=32), WIDTH))


def test_gin_names_what_it_does_not_know():
    with pytest.raises(errors.ConfigError, match="no parameter 'frozn'.*Did you mean 'frozen'"):
        config.load([], ["PretrainedNets.keras = {'image': {'model': 'a', 'frozn': True}}"])
    with pytest.raises(errors.ConfigError, match="does not say its model"):
        settings.PretrainedNets(keras={"image": {}})
    chosen = settings.PretrainedNets(keras={"imag": {"model": "a"}})
    with pytest.raises(errors.ConfigError, match="does not have: 'imag'.*Did you mean 'image'"):
        settings.choose(chosen, {"image": Image()}, [])


def test_a_problem_may_declare_a_net():
    declared = Image(size=64, net=KerasNet("keras.applications.MobileNetV2", frozen=True))
    assert declared.net_name("any") == "image_mobile_net_v2"
    assert from_description(declared.describe()) == declared
    assert "net" not in Image().describe()
    assert settings.choose(settings.PretrainedNets(), {"image": declared}, []) == {
        "image": declared.net
    }


def test_any_input_may_have_one():
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    vectors = keras.layers.Embedding(9, 6)(ids) * keras.ops.cast(mask, "float32")[..., None]
    text = keras.Model([ids, mask], vectors)
    sound = keras.Sequential([keras.Input((None, 8)), keras.layers.Conv1D(6, 4, strides=4)])
    for model, spec, features, shape, real in (
        (text, Language(), np.array([[3, 4, 0, 0], [3, 4, 5, 1]], "i4"), (2, 4, 8), [2, 4]),
        (sound, Audio(bands=8), np.ones((2, 16, 9), "f4"), (2, 4, 8), [4, 4]),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(architecture, "make", lambda *_, model=model: model)
            made = encoder.KerasEncoder(KerasNet("small"), spec, WIDTH)
        found = made.bottom(features)
        assert found.x.shape == shape
        assert np.sum(found.mask, 1).tolist() == real


def test_an_application_gives_the_layer_that_is_asked_for():
    made = encoder.KerasEncoder(
        KerasNet(
            "keras.applications.MobileNetV2",
            arguments={"alpha": 0.35},
            output="block_1_expand_relu",
            frozen=True,
        ),
        Image(size=32),
        WIDTH,
    )
    found = made.bottom(np.zeros((1, 32, 32, 3), "u1"))
    assert found.grid == (16, 16)  # behind one convolution of stride 2
    assert found.x.shape == (1, 256, 8)


@pytest.mark.slow
def test_a_preset_of_keras_hub_is_read_from_its_folder(tmp_path):
    hub = pytest.importorskip("keras_hub")
    other = hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
    )
    other.save_to_preset(str(tmp_path / "preset"))
    made = encoder.KerasEncoder(KerasNet(str(tmp_path / "preset")), Image(size=32), WIDTH)
    assert str(tmp_path / "preset" / "model.weights.h5") in load(made)
    assert all(
        np.array_equal(one, two)
        for one, two in zip(made.encoder.variables, other.variables, strict=True)
    )
