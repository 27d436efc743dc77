"""The exponential mean of the weights: its arithmetic, and who reads it."""

import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import errors
from t2t_mm.runs import checkpoint, mean_weights, trackables
from t2t_mm.settings import training
from t2t_mm.training import ema, finite, joint_steps, optimizer, single_steps
from tests.training import test_loop, toy_model

data_dir = test_loop.data_dir


def make(decay, *, several=False):
    model = toy_model.ToyModel()
    adam = optimizer.Adam(model.trainable_variables, training.OptimizerSettings(clip_norm=0.0))
    mean = ema.MeanWeights(model, decay)
    mean.begin()
    kind = joint_steps.JointSteps if several else single_steps.Steps
    gate = finite.Gate(training.NotFiniteSettings(policy="skip"))
    return model, mean, kind(model, adam, tf.distribute.get_strategy(), gate=gate, mean=mean)


def take(steps, name, *values):
    seed = tf.constant([0, 0])
    if isinstance(steps, single_steps.Steps):
        return steps.take(
            name, toy_model.SPEC, toy_model.batch(*values), seed=seed, learning_rate=0.1
        )
    steps.add(name, toy_model.SPEC, toy_model.batch(*values), seed=seed, count=1)
    return steps.update(0.1)


@pytest.mark.parametrize("several", [False, True])
def test_a_mean_moves_where_its_weights_are_trained(several):
    model, mean, steps = make(0.15, several=several)
    shared, of_a = np.ones([2]), np.full([2], 2.0)
    for number in (1, 2, 3):
        take(steps, "a", 1.0, -2.0)
        # 1 / 10 at the first update, 2 / 11 and 3 / 12 are more than 0.15 then.
        decay = min(0.15, number / (number + 9))
        shared = decay * shared + (1 - decay) * model.shared.numpy()
        of_a = decay * of_a + (1 - decay) * model.own["a"].numpy()
    np.testing.assert_allclose(mean.means[0].numpy(), shared, rtol=1e-6)
    np.testing.assert_allclose(mean.means[1].numpy(), of_a, rtol=1e-6)
    np.testing.assert_array_equal(mean.means[2].numpy(), [2.0, 2.0])  # b's
    assert mean.updates.numpy().tolist() == [3, 3, 0]
    held = [one.numpy() for one in mean.means]
    take(steps, "a", np.nan, 1.0)  # not made
    for old, new in zip(held, mean.means, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    assert mean.updates.numpy().tolist() == [3, 3, 0]


def test_a_model_has_its_mean_for_a_block_and_then_its_own_weights_again():
    model, mean, steps = make(0.9)
    take(steps, "a", 1.0, -2.0)
    own, means = model.shared.numpy(), mean.means[0].numpy()
    assert not np.array_equal(own, means)
    with pytest.raises(KeyError), mean.applied():
        np.testing.assert_array_equal(model.shared.numpy(), means)
        raise KeyError
    np.testing.assert_array_equal(model.shared.numpy(), own)
    np.testing.assert_array_equal(mean.means[0].numpy(), means)


def test_a_checkpoint_holds_means_by_the_names_of_their_weights(tmp_path):
    from tests.models import conftest

    model = conftest.make_model("transformer")
    mean = ema.MeanWeights(model, 0.9)
    for place, one in enumerate(mean.means):
        one.assign(tf.fill(one.shape, float(place)))
    kept = checkpoint.Checkpoints(tmp_path, {"model": model, **mean.objects()})
    kept.save(1)
    before = [variable.numpy() for variable in model.trainable_variables]
    read = checkpoint.Checkpoints(tmp_path, {"model": model})
    for places, expected in (
        ({}, before),
        ({mean_weights.MEAN: mean_weights.tree(model)}, list(range(len(before)))),
    ):
        for variable in model.trainable_variables:
            variable.assign(tf.fill(variable.shape, -1.0))
        read.restore(1, {**places, "model": model})
        for variable, value in zip(model.trainable_variables, expected, strict=True):
            np.testing.assert_array_equal(variable.numpy(), np.broadcast_to(value, variable.shape))


def test_the_mean_of_a_variable_has_its_name():
    kept = {"model/body/a", "mean/body/a", "model/b"}
    assert mean_weights.source("model/body/a", kept) == "mean/body/a"
    assert mean_weights.source("model/b", kept) == "model/b"
    assert mean_weights.source("model/body/a", {}) == "model/body/a"
    assert mean_weights._unescaped("a..b.Sc") == "a.b/c"


@pytest.mark.slow
@pytest.mark.parametrize("several", [1, 2])
def test_a_run_with_a_mean_is_the_same_in_parts_and_read_by_its_mean(several, data_dir, tmp_path):
    def train(folder, steps, *, decay=0.5, **given):
        return t2t_mm.train(
            test_loop.PROBLEMS[-several:],
            data_dir=data_dir,
            output_dir=tmp_path / folder,
            train_steps=steps,
            eval_every=0,
            gin_params=[
                *test_loop.TINY,
                f"TrainSettings.ema = {decay}",
                f"TrainSettings.problems_per_step = {several}",
                "OptimizerSettings.warmup_steps = 1",
                "TrainSettings.save_every = 2",
            ],
            **given,
        )

    answer = train("whole", 4)
    train("parts", 2)
    train("parts", 4)
    one, two = (test_loop.weights(tmp_path / name, 4) for name in ("whole", "parts"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)
    means = [name for name in one if name.startswith("mean/")]
    own = {name: name.replace("mean/", "model/", 1) for name in means}
    assert sum(not np.array_equal(one[name], one[own[name]]) for name in means) > len(means) / 2

    def read(folder):
        model = t2t_mm.load_run(folder).model
        variables = trackables.Trackables({"model": model}).variables()
        return {name: variables[own[name].removesuffix(trackables.SUFFIX)] for name in means}

    for name, variable in read(tmp_path / "whole").items():
        np.testing.assert_array_equal(variable.numpy(), one[name])
    (problem,) = test_loop.PROBLEMS[-1:]
    measured = t2t_mm.evaluate(tmp_path / "whole", problems=[problem], max_examples=6)
    assert measured["results"][problem] == pytest.approx(answer["eval"][problem], rel=1e-5)
    averaged = t2t_mm.average(tmp_path / "whole")
    assert averaged["averaged"] == [2, 4]
    earlier = test_loop.weights(tmp_path / "whole", 2)
    for name, variable in read(averaged["to"]).items():
        mean = (earlier[name].astype(np.float64) + one[name]) / 2
        np.testing.assert_allclose(variable.numpy(), mean, rtol=1e-6, atol=1e-12)
    alone = t2t_mm.export(tmp_path / "whole", tmp_path / "exports", checkpoint_only=True)
    for name, variable in read(alone["exports"]["weights"]).items():
        np.testing.assert_array_equal(variable.numpy(), one[name])
    started = train("warm", 1, decay=0.0, warm_start=tmp_path / "whole")
    assert started["warm_start"]
    with pytest.raises(errors.ConfigError, match="keeps a mean of its weights.*ema = 0"):
        train("whole", 5, decay=0.0)
