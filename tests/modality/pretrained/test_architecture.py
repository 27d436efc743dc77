"""Models from files: what a run keeps of them."""

import copy

import keras

from t2t_mm.modality import Image
from t2t_mm.modality.pretrained import KerasNet, architecture


def test_a_configuration_is_still_whole_after_models_were_made_of_it(tmp_path):
    pixels = keras.layers.Input((None, None, 3))
    functional = keras.Model(pixels, keras.layers.Conv2D(4, 3, strides=4)(pixels))
    functional.save(tmp_path / "net.keras")
    net = KerasNet(model=str(tmp_path / "net.keras"))
    configuration = architecture.read(net)
    before = copy.deepcopy(configuration)
    for _ in range(2):
        model = architecture.make(net, Image(size=32), configuration)
        assert [layer.name for layer in model.layers] == [
            layer["name"] for layer in before["config"]["layers"]
        ]
    assert configuration == before
