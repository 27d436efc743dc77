"""Steps of several problems, against the arithmetic of their gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors, registry
from t2t_mm.settings import training
from t2t_mm.training import finite, joint_steps, optimizer, single_steps
from tests.training import test_optimizer, toy_model


def make(problems=("a", "b", "c"), *, gate=None, weights=None, **changes):
    model = toy_model.ToyModel(problems)
    chosen = training.OptimizerSettings(
        **{"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8, "clip_norm": 0.0, **changes}
    )
    adam = optimizer.make(model.trainable_variables, chosen)
    strategy = tf.distribute.get_strategy()
    steps = joint_steps.JointSteps(model, adam, strategy, gate=gate, loss_weights=weights)
    return model, adam, steps


def take(steps, *, rate=0.1, **batches):
    """Takes a step of some problems, whose gradients are given."""
    added = {
        name: steps.add(
            name,
            toy_model.SPEC,
            toy_model.batch(*values),
            seed=tf.constant([0, 0]),
            count=len(batches),
        )
        for name, values in batches.items()
    }
    return added, steps.update(rate)


def test_the_update_is_that_of_the_weighted_mean_of_gradients():
    model, adam, steps = make(weights={"a": 3.0})
    shared = test_optimizer.Reference([1.0, 1.0])
    own = {name: test_optimizer.Reference([2.0, 2.0]) for name in "abc"}
    added, updated = take(steps, a=(1.0, -2.0), b=(4.0, 2.0))
    # The gradients of both vectors of a problem are its batch, times weight, over 2 problems.
    shared.step([(3 * 1.0 + 4.0) / 2, (3 * -2.0 + 2.0) / 2])
    own["a"].step([3 * 1.0 / 2, 3 * -2.0 / 2])
    own["b"].step([4.0 / 2, 2.0 / 2])
    parts = [3.5, -2.0, 1.5, -3.0, 2.0, 1.0]  # of the shared, a's and b's
    assert float(updated["norm"]) == pytest.approx(np.linalg.norm(parts), rel=1e-6)
    assert float(added["a"]["loss"]) == 3.0 * (1.0 - 2.0)  # without the weight
    take(steps, b=(1.0, 1.0), c=(3.0, 1.0))
    shared.step([2.0, 1.0])
    own["b"].step([0.5, 0.5])
    own["c"].step([1.5, 0.5])  # corrected as a first update, though it is the run's second step
    np.testing.assert_allclose(model.shared.numpy(), shared.value, rtol=1e-5)
    for name, reference in own.items():
        np.testing.assert_allclose(model.own[name].numpy(), reference.value, rtol=1e-5)
    assert adam.updates.numpy().tolist() == [2, 1, 2, 1]
    assert steps.traced == 3


def test_what_no_problem_of_a_step_trains_is_left_alone_moments_and_all():
    model, adam, steps = make(weight_decay=0.1)
    take(steps, a=(1.0, 2.0), b=(3.0, 4.0), c=(5.0, 6.0))
    held = [v.numpy() for v in (model.own["c"], adam.means[3], adam.squares[3])]
    take(steps, a=(1.0, 2.0), b=(3.0, 4.0))
    for old, new in zip(held, (model.own["c"], adam.means[3], adam.squares[3]), strict=True):
        np.testing.assert_array_equal(old, new.numpy())


def test_all_gradients_together_are_clipped_once():
    _, adam, steps = make(clip_norm=1.0)
    _, updated = take(steps, a=(6.0, 0.0), b=(0.0, 8.0))
    # Means 3 and 4 for the shared vector, 3 of a, 4 of b: a norm of sqrt(9 + 16 + 9 + 16).
    norm = np.sqrt(50.0)
    assert float(updated["norm"]) == pytest.approx(norm, rel=1e-6)
    np.testing.assert_allclose(adam.means[0].numpy(), [0.3 / norm, 0.4 / norm], rtol=1e-5)
    np.testing.assert_allclose(adam.means[1].numpy(), [0.3 / norm, 0.0], rtol=1e-5)


def test_a_step_that_is_not_finite_changes_nothing_and_says_of_which_problem_it_is():
    gate = finite.Gate(training.NotFiniteSettings(policy="skip", most_in_a_row=1))
    model, adam, steps = make(gate=gate)
    take(steps, a=(1.0, 2.0), b=(3.0, 4.0))
    variables = [*model.trainable_variables, *adam.means, *adam.squares, adam.updates]
    held = [v.numpy() for v in variables]
    added, updated = take(steps, a=(1.0, 2.0), b=(np.inf, 4.0))
    assert (float(added["a"]["finite"]), float(added["b"]["finite"])) == (1.0, 0.0)
    assert float(updated["finite"]) == 0.0
    for old, new in zip(held, variables, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    _, updated = take(steps, a=(1.0, 2.0), c=(3.0, 4.0))  # nothing is left of it in the sums
    assert float(updated["finite"]) == 1.0
    assert adam.updates.numpy().tolist() == [2, 2, 1, 1]


def test_a_step_of_one_problem_is_that_of_steps_of_one():
    model, _, steps = make(clip_norm=1.0)
    other, adam, _ = make(clip_norm=1.0)
    single = single_steps.Steps(other, adam, tf.distribute.get_strategy())
    for values in ((1.0, 2.0), (3.0, -4.0)):
        take(steps, a=values)
        single.take(
            "a",
            toy_model.SPEC,
            toy_model.batch(*values),
            seed=tf.constant([0, 0]),
            learning_rate=0.1,
        )
    for one, two in zip(model.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())


def test_moving_averages_take_the_mean_of_the_problems_that_move_them():
    model, _, steps = make(gate=finite.Gate(training.NotFiniteSettings(policy="skip")))
    average = keras.Variable(np.zeros([2], np.float32), trainable=False, name="average")
    pending = []
    real = model.loss

    def loss(name, batch, **given):
        if name != "c":
            pending.append((average, batch["inputs"]["x"]))
        return real(name, batch, **given)

    def take_updates():
        taken, pending[:] = list(pending), []
        return taken

    model.loss, model.take_updates = loss, take_updates
    take(steps, a=(1.0, 2.0), b=(3.0, 6.0), c=(9.0, 9.0))
    np.testing.assert_array_equal(average.numpy(), [2.0, 4.0])
    take(steps, a=(7.0, 7.0), b=(np.nan, 0.0))  # not made, so it moves nothing
    np.testing.assert_array_equal(average.numpy(), [2.0, 4.0])


def test_an_optimizer_of_keras_takes_back_what_is_not_touched(registries):
    class Momentum(keras.optimizers.SGD):
        def __init__(self, learning_rate):
            super().__init__(learning_rate, momentum=0.5)

    registry.optimizers.register("momentum")(Momentum)
    model, made, steps = make(optimizer="momentum")
    take(steps, a=(2.0, 2.0), b=(4.0, 4.0))
    held = model.own["a"].numpy()
    np.testing.assert_allclose(held, [1.9, 1.9], rtol=1e-6)  # 2 - 0.1 * 2 / 2
    take(steps, b=(4.0, 4.0), c=(4.0, 4.0))  # a's momentum does not move it on
    np.testing.assert_array_equal(model.own["a"].numpy(), held)
    take(steps, a=(2.0, 2.0), c=(4.0, 4.0))
    # Velocity 0.5 * -0.1 - 0.1, as in the second of its own steps.
    np.testing.assert_allclose(model.own["a"].numpy(), [1.75, 1.75], rtol=1e-6)
    assert len(made.kept) == 2 + 4  # count, rate, and a velocity of each


def test_an_optimizer_that_cannot_leave_out_variables_is_refused(registries):
    class Plain(optimizer.Optimizer):
        pass

    registry.optimizers.register("plain")(Plain)
    with pytest.raises(errors.ConfigError, match="Plain cannot train several.*problems_per_step"):
        make(optimizer="plain")


_ON_DEVICES = """
import sys
import keras
import numpy as np
import tensorflow as tf
from t2t_mm import plugins, registry
from t2t_mm.settings import training
from t2t_mm.training import devices, ema, finite, joint_steps, optimizer, single_steps, strategy

if sys.argv[1] == "mirrored":
    devices.split_cpu(2)
made = strategy.make(sys.argv[1])
from tests.training import toy_model

plugins.load_all()
registry.optimizers.add("adamw", "keras.optimizers:AdamW")
found = {}
for name in ("adam", "adamw"):
    chosen = training.OptimizerSettings(optimizer=name, clip_norm=2.0, weight_decay=0.1)
    with made.scope():
        model = toy_model.ToyModel(("a", "b", "c"))
        # A matrix decays, and one of the variables has a rate of its own.
        model.own["c"] = keras.Variable(np.ones([2, 2], np.float32), name="c")
        model.trainable_variables[3] = model.own["c"]
        rates = [(model.own["a"], 0.5)]
        updater = optimizer.make(model.trainable_variables, chosen, rates)
        gate = finite.Gate(training.NotFiniteSettings(policy="skip"))
        mean = ema.MeanWeights(model, 0.5)
    mean.begin()
    steps = joint_steps.JointSteps(
        model, updater, made, gate=gate, loss_weights={"a": 3.0}, mean=mean
    )
    batches = {"a": (1.0, -2.0), "b": (4.0, 2.0), "c": (3.0, 5.0)}
    for number, names in enumerate(("ab", "bc", "ac", "ab", "ca")):
        for problem in names:
            values = batches[problem] if number != 3 else (np.inf, 0.0)
            batch = toy_model.batch(*values)
            if made.num_replicas_in_sync > 1:
                batch = made.experimental_distribute_values_from_function(lambda _: batch)
            seed = tf.constant([0, 0])
            metrics = steps.add(problem, toy_model.SPEC, batch, seed=seed, count=2)
            found[f"{name}/{number}/{problem}"] = metrics["loss"].numpy()
        updated = steps.update(0.1)
        found |= {f"{name}/{number}/{key}": value.numpy() for key, value in updated.items()}
    assert found[f"{name}/3/finite"] == 0.0 and found[f"{name}/4/finite"] == 1.0
    with mean.applied():
        for place, variable in enumerate(model.trainable_variables):
            found[f"{name}/mean{place}"] = variable.numpy()
    for place, variable in enumerate(model.trainable_variables):
        found[f"{name}/w{place}"] = variable.numpy()
    found[f"{name}/updates"] = mean.updates.numpy()
np.savez(sys.argv[2], **found)
"""


@pytest.mark.slow
def test_two_replicas_with_one_batch_are_one_device(python, tmp_path):
    from tests import conftest

    results = []
    for name in ("default", "mirrored"):
        file = tmp_path / f"{name}.npz"
        done = python("-c", _ON_DEVICES, name, file, cwd=conftest.REPOSITORY)
        assert done.returncode == 0, done.stderr[-3000:]
        results.append(np.load(file, allow_pickle=False))
    one, two = results
    assert set(one.files) == set(two.files)
    for name in one.files:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-5, err_msg=name)
    assert one["adam/updates"].tolist() == [4, 3, 2, 3]  # of the shared, a's, b's and c's
