"""`t2t_mm.keras_model`: fit takes our steps; Keras saves, measures, asks and rebuilds it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import errors

STEPS = 3
CONFIG = [
    "Batching.batch_tokens = 128",
    "Batching.max_length = 32",
    "Batching.batch_examples = 4",
    "OptimizerSettings.warmup_steps = 2",
    "TrainSettings.model = 'transformer'",
    "TrainSettings.precision = 'float32'",
    "TrainSettings.seed = 3",
    f"TrainSettings.train_steps = {STEPS}",
    "TransformerConfig.width = 16",
    "TransformerConfig.heads = 2",
    "TransformerConfig.filter_width = 16",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TransformerConfig.entry_widths = (4, 4, 8, 8)",
    "TransformerConfig.exit_widths = (16, 16)",
    "DecodeSettings.max_length = 4",
]
PROBLEM, PICTURES = "wmt_ende", "imagenet"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    t2t_mm.generate([PROBLEM, PICTURES], folder, source="sample", sample_size=60, workers=1)
    return folder


@pytest.fixture(scope="module")
def run(data_dir, tmp_path_factory):
    """A training of three steps."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    more = {"eval_every": 0, "log_every": STEPS}
    gin = [*CONFIG, "TrainSettings.eval_examples = 2"]
    answer = t2t_mm.train(PROBLEM, data_dir=data_dir, output_dir=folder, gin_params=gin, **more)
    return t2t_mm.load_run(folder), answer


@pytest.fixture(scope="module")
def fitted(data_dir):
    """The same three steps, taken by Keras."""
    model = t2t_mm.keras_model((), PROBLEM, data_dir=data_dir, gin_params=CONFIG)
    batches = t2t_mm.dataset(PROBLEM, data_dir=data_dir, seed=3, gin_params=CONFIG)
    return model, model.fit(batches, steps_per_epoch=STEPS, verbose=0).history


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_an_epoch_of_fit_is_as_many_steps_of_training(run, fitted):
    loaded, answer = run
    model, history = fitted
    same(loaded.model.variables, model.variables)
    assert set(history) == {"loss", "log_perplexity", "aux_loss"}
    assert history["loss"][0] == pytest.approx(answer["problems"][PROBLEM]["loss"], rel=1e-5)
    assert int(model.optimizer.iterations) == STEPS


def test_layers_have_the_names_of_the_parts(fitted):
    model, _ = fitted
    assert isinstance(model, keras.Model) and model.name == PROBLEM
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    names = [layer.name for layer in model.layers]
    assert len(set(names)) == len(names) and all(name in text for name in names)
    assert model.get_layer("commands").count_params() > 0
    assert sum(layer.count_params() for layer in model.layers) == model.count_params()


def test_a_run_is_evaluated_as_mm_eval_does(run, data_dir):
    loaded, _ = run
    model = t2t_mm.keras_model(loaded, PROBLEM)
    assert model.network is loaded.model
    batches = t2t_mm.dataset(PROBLEM, "test", run=loaded, data_dir=data_dir)
    found = model.evaluate(batches, verbose=0, return_dict=True)
    wanted = t2t_mm.evaluate(loaded, split="test")["results"][PROBLEM]
    assert found == {"loss": wanted["log_perplexity"], **wanted}
    part = model.evaluate(batches, steps=1, verbose=0, return_dict=True)
    assert set(part) == set(found)  # of the first batch alone
    texts = model.predict(batches.take(1), verbose=0)
    assert len(texts) == len(next(iter(batches))["index"])
    assert all(isinstance(text, str) for text in texts)


def test_the_files_of_keras_bring_all_of_it_back(fitted, tmp_path, data_dir):
    """Weights, the optimizer's moments and counts, and the configuration without weights."""
    model, _ = fitted
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    same(model.variables, again.variables)
    assert int(again.optimizer.iterations) == STEPS
    same(model.optimizer.updater.variables, again.optimizer.updater.variables)
    assert again.get_config() == model.get_config()
    other = t2t_mm.KerasModel.from_config(model.get_config())
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    (batch,) = t2t_mm.dataset(PROBLEM, data_dir=data_dir, gin_params=CONFIG).take(1)
    np.testing.assert_array_equal(model(batch), other(batch))


def test_a_net_from_elsewhere_is_made_again_without_its_file(data_dir, tmp_path):
    pixels = keras.layers.Input((None, None, 3))
    file = tmp_path / "net.keras"
    keras.Model(pixels, keras.layers.Conv2D(4, 3, strides=4)(pixels)).save(file)
    net = f"PretrainedNets.keras = {{'image': {{'model': {str(file)!r}}}}}"
    given = {"data_dir": data_dir, "gin_params": [*CONFIG, net]}
    model = t2t_mm.keras_model((), PICTURES, **given)
    model.save_weights(tmp_path / "model.weights.h5")
    config = model.get_config()
    file.unlink()
    again = t2t_mm.KerasModel.from_config(config)
    again.load_weights(tmp_path / "model.weights.h5")
    same(model.variables, again.variables)
    assert again.get_config() == config


def test_a_configuration_that_would_import_something_is_refused(fitted):
    config = fitted[0].get_config()
    config["configuration"] += "import os\n"
    with pytest.raises(errors.ConfigError, match="saved configuration"):
        t2t_mm.KerasModel.from_config(config)


@pytest.mark.slow
def test_callbacks_of_keras_and_its_optimizers_work(data_dir, tmp_path):
    given = {"data_dir": data_dir, "gin_params": CONFIG}
    model = t2t_mm.keras_model((), PICTURES, **given)
    train = t2t_mm.dataset(PICTURES, **given)
    validation = t2t_mm.dataset(PICTURES, "validation", **given)
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_weights_only=True),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5),
        keras.callbacks.EarlyStopping("val_accuracy", mode="max"),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    history = model.fit(
        train, steps_per_epoch=1, validation_data=validation, callbacks=callbacks, verbose=0
    ).history
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "val_top5_accuracy"} <= set(history)
    assert history["learning_rate"] == [0.5] and float(model.optimizer.learning_rate) == 0.5
    assert (tmp_path / "best.weights.h5").is_file()
    probabilities = model.predict(validation, verbose=0)
    np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=1e-4)
    before = [variable.numpy() for variable in model.variables]
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    model.fit(train, steps_per_epoch=1, verbose=0)
    moved = [np.any(a != b.numpy()) for a, b in zip(before, model.variables, strict=True)]
    assert any(moved)


def test_what_cannot_be_is_told(run, fitted, data_dir, tmp_path):
    loaded, _ = run
    model, _ = fitted
    given = {"data_dir": data_dir, "gin_params": CONFIG}
    train = t2t_mm.dataset(PROBLEM, **given)
    pictures = t2t_mm.dataset(PICTURES, **given)
    (tmp_path / "trained").mkdir()
    sizes = ["TransformerConfig.width = 32"]

    def within_a_scope():
        with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
            model.fit(train, steps_per_epoch=1)

    for what, said in (
        (lambda: t2t_mm.keras_model(loaded, "wmt_endee"), "Did you mean 'wmt_ende'"),
        (lambda: t2t_mm.keras_model((), "wmt_endee", **given), "Did you mean 'wmt_ende'"),
        (lambda: t2t_mm.keras_model(tmp_path / "traned", PROBLEM), "Did you mean '.*/trained'"),
        (
            lambda: t2t_mm.keras_model("multi_model_smal", PROBLEM),
            "neither a run nor a gin file 'multi_model_smal'.*Did you mean 'multi_model_small'",
        ),
        (lambda: t2t_mm.keras_model((), PROBLEM, checkpoint=3), "no checkpoint"),
        (lambda: t2t_mm.keras_model((), **given), "No problem is named"),
        (lambda: t2t_mm.keras_model(3, PROBLEM), "Received: int"),
        (
            lambda: t2t_mm.keras_model(loaded, PROBLEM, gin_params=sizes),
            "TransformerConfig.width was 16, not 32",
        ),
        (lambda: model.fit(train), "steps_per_epoch=NUMBER"),
        (lambda: model.fit(train, steps_per_epoch=1, validation_data=train), "no end|evaluation"),
        (lambda: model.fit(pictures, steps_per_epoch=1), "no batches of 'wmt_ende'"),
        (lambda: model.evaluate(train.take(1)), "batches of evaluation"),
        (lambda: model.predict(train), "steps=NUMBER"),
        (lambda: model.predict(["a text"]), "t2t_mm.decode takes texts"),
        (lambda: model.compile(loss="mse"), "The loss, the metrics and the graph"),
        (lambda: model.compile(run_eagerly=True), "one graph"),
        (lambda: model.fit(train, steps_per_epoch=1, class_weight={0: 2.0}), "class_weight"),
        (lambda: model.compile(optimiser="adam"), "Did you mean 'optimizer'"),
        (within_a_scope, "trains on one device.*OneDeviceStrategy"),
    ):
        with pytest.raises(errors.ConfigError, match=said):
            what()
