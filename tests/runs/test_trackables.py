"""No variable of a model escapes a checkpoint, whatever holds it."""

import keras
import pytest
import tensorflow as tf

from t2t_mm.runs import trackables


class Part(keras.layers.Layer):
    """Two weights, made at once."""

    def __init__(self, width=2):
        super().__init__()
        self.kernel = self.add_weight(name="kernel", shape=(width, width))
        self.biases = [self.add_weight(name=f"bias_{i}", shape=(width,)) for i in range(2)]


class Whole(keras.layers.Layer):
    """Layers in every place in which TensorFlow would not look for them."""

    def __init__(self):
        super().__init__()
        self.blocks = [Part(), Part()]
        self.nets = {"text": Part(), "deep": {"list": [Part()]}}
        self.pair = (Part(), 3)
        self.mixed = [None, Part(), "name"]
        self.shared = self.blocks[0]
        self.dropout = keras.layers.Dropout(0.5)


class Slots(tf.Module):
    """An optimizer's: it keeps the model's variables at hand."""

    def __init__(self, variables):
        super().__init__()
        self.watched = [v.value for v in variables]
        self.means = [tf.Variable(tf.zeros_like(v)) for v in self.watched]


def test_tensorflow_alone_would_lose_them():
    """The reason for all this; when it fails, Keras has mended it."""
    children = Whole()._trackable_children()
    assert "blocks" not in children


def test_every_variable_is_found_under_the_name_of_its_place():
    whole = Whole()
    shapes = trackables.Trackables({"model": whole}).shapes()
    assert len(shapes) == len(whole.variables) == 6 * 3 + 1
    for name in (
        "model/blocks/0/kernel",
        "model/blocks/1/biases/1",
        "model/nets/text/kernel",
        "model/nets/deep/list/0/kernel",
        "model/pair/0/kernel",
        "model/mixed/1/kernel",
    ):
        assert name in shapes


def test_names_do_not_depend_on_what_else_was_made():
    first = trackables.Trackables({"model": Whole()}).shapes()
    assert trackables.Trackables({"model": Whole()}).shapes() == first


def test_a_variable_belongs_to_the_first_that_holds_it():
    whole = Whole()
    shapes = trackables.Trackables({"model": whole, "slots": Slots(whole.variables)}).shapes()
    assert len(shapes) == 2 * len(whole.variables)
    assert "slots/means/0" in shapes
    assert not any(name.startswith("slots/watched") for name in shapes)


def test_keras_models_and_optimizers_are_whole():
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization()])
    model.build((None, 2))
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    shapes = trackables.Trackables({"model": model, "optimizer": optimizer}).shapes()
    assert len(shapes) == len(model.variables) + len(optimizer.variables)


def test_what_is_written_is_what_is_named(tmp_path):
    whole = Whole()
    objects = {"model": whole, "slots": Slots(whole.variables), "step": tf.Variable(3)}
    kept = trackables.Trackables(objects)
    prefix = kept.checkpoint().write(str(tmp_path / "ckpt"))
    assert kept.misfit(prefix, all_of_it=True) == ""
    held = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    names = {n.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for n in held}
    assert set(kept.shapes()) == names - {"_CHECKPOINTABLE_OBJECT_GRAPH"}


def test_names_with_slashes_and_dots_are_whole(tmp_path):
    kept = trackables.Trackables({"by_name": {"a/b.c": tf.Variable(1.0)}})
    prefix = kept.checkpoint().write(str(tmp_path / "ckpt"))
    assert kept.misfit(prefix, all_of_it=True) == ""


@pytest.mark.parametrize(
    ("other", "all_of_it", "words"),
    [
        ({"model": Part(3)}, True, "model/biases/0 is [2] there, [3] here (and 2 more"),
        ({"model": Part(), "step": tf.Variable(1)}, True, "it has no step"),
        ({}, True, "it has model/biases/0, for which there is no place here"),
        ({}, False, ""),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, other, all_of_it, words):
    prefix = trackables.Trackables({"model": Part()}).checkpoint().write(str(tmp_path / "ckpt"))
    misfit = trackables.Trackables(other).misfit(prefix, all_of_it=all_of_it)
    assert words in misfit if words else not misfit


def test_a_hidden_variable_is_a_fault():
    class Box:
        def __init__(self, layer):
            self.layer = layer

    class Hiding(tf.Module):
        def __init__(self):
            super().__init__()
            self.box = Box(tf.Variable(1.0))

        @property
        def variables(self):
            return (self.box.layer,)

    with pytest.raises(RuntimeError, match="hides the variable"):
        trackables.Trackables({"model": Hiding()})


def test_what_cannot_be_saved_is_refused():
    with pytest.raises(TypeError, match="thing cannot be saved"):
        trackables.Trackables({"thing": object()})
