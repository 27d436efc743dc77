"""An optimizer of Keras in the place of our own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors, registry
from t2t_mm.runs import trackables
from t2t_mm.settings import training
from t2t_mm.training import keras_optimizer, optimizer


def make(values, **changes):
    variables = [keras.Variable(np.array(value, np.float32)) for value in values]
    chosen = training.OptimizerSettings(**{"optimizer": "momentum", "clip_norm": 0.0, **changes})
    return variables, optimizer.make(variables, chosen)


@pytest.fixture(autouse=True)
def _momentum(registries):
    class Momentum(keras.optimizers.SGD):
        def __init__(self, learning_rate):
            super().__init__(learning_rate, momentum=0.5)

    registry.optimizers.register("momentum")(Momentum)
    registry.optimizers.register("adam_of_keras")(keras.optimizers.Adam)


def apply(made, gradients, rate=0.1, admit=tf.math.is_finite):
    @tf.function
    def step():
        return made.apply(gradients, tf.constant(rate), admit=admit)

    return float(step())


def test_it_follows_the_rate_of_each_step_and_leaves_out_what_has_no_gradient():
    (one, two), made = make([[1.0], [1.0]])
    assert isinstance(made, keras_optimizer.KerasOptimizer)
    assert apply(made, [tf.constant([3.0]), None], rate=0.1) == 3.0
    np.testing.assert_allclose(one.numpy(), [0.7], rtol=1e-6)  # 1 - 0.1 * 3
    assert apply(made, [tf.constant([1.0]), None], rate=0.2) == 1.0
    np.testing.assert_allclose(one.numpy(), [0.35], rtol=1e-6)  # velocity 0.5 * -0.3 - 0.2 * 1
    assert two.numpy() == [1.0]


def test_gradients_are_clipped_by_their_global_norm():
    (one, two), made = make([[1.0], [1.0]], clip_norm=1.0)
    assert apply(made, [tf.constant([3.0]), tf.constant([4.0])], rate=1.0) == 5.0
    np.testing.assert_allclose([one.numpy(), two.numpy()], [[0.4], [0.2]], rtol=1e-6)


@pytest.mark.parametrize("gradient", [float("nan"), float("inf"), 1.0])
def test_what_is_not_admitted_changes_nothing(gradient):
    (one,), made = make([[1.0]])
    apply(made, [tf.constant([1.0])])
    held = [one.numpy(), *(v.numpy() for v in made.kept)]
    apply(made, [tf.constant([gradient])], rate=0.5, admit=lambda norm: norm < 0)
    for before, now in zip(held, [one, *made.kept], strict=True):
        np.testing.assert_array_equal(before, now.numpy())


def test_weight_decay_of_the_settings_takes_the_place_of_its_own(registries):
    registries.optimizers.register("keras_adamw")(keras.optimizers.AdamW)  # 0.004 by itself
    chosen = {"optimizer": "keras_adamw", "weight_decay": 0.1}
    (matrix, vector), made = make([[[1.0, 2.0], [3.0, 4.0]], [1.0]], **chosen)
    (plain, _), other = make([[[1.0, 2.0], [3.0, 4.0]], [1.0]], optimizer="adam_of_keras")
    before, gradients = matrix.numpy(), [tf.ones([2, 2]), tf.ones([1])]
    apply(made, gradients, rate=0.5)
    apply(other, gradients, rate=0.5)
    np.testing.assert_allclose(matrix.numpy(), plain.numpy() - 0.5 * 0.1 * before, rtol=1e-5)
    np.testing.assert_allclose(vector.numpy(), [0.5], rtol=1e-4)  # Adam's first step is the rate
    held = matrix.numpy()
    apply(made, gradients, admit=lambda norm: norm < 0)
    np.testing.assert_array_equal(matrix.numpy(), held)


def test_what_it_keeps_is_in_checkpoints():
    _, made = make([[1.0, 2.0]])
    names = trackables.Trackables({"optimizer": made}).variables()
    assert sum(variable.shape == (2,) for variable in names.values()) == 2  # and the velocity


def test_an_unknown_name_is_answered_with_a_suggestion():
    with pytest.raises(errors.ConfigError, match="Did you mean 'adam'"):
        make([[1.0]], optimizer="adamm")


def test_a_schedule_that_it_brings_gives_the_rate_of_each_step_and_that_is_applied(registries):
    class Falling(keras.optimizers.SGD):
        def __init__(self, learning_rate):
            schedule = keras.optimizers.schedules.InverseTimeDecay(learning_rate, 1, 1.0)
            super().__init__(schedule)

    registry.optimizers.register("falling")(Falling)
    (one,), made = make([[1.0]], optimizer="falling", learning_rate=0.4)
    # 0.4 / (1 + step)
    rates = [float(made.schedule(step)) for step in (0, 1, 3)]
    np.testing.assert_allclose(rates, [0.4, 0.2, 0.1], rtol=1e-6)
    # The rate goes by the step, also where one before it was left out.
    apply(made, [tf.constant([1.0])], rate=rates[0], admit=lambda norm: norm < 0)
    apply(made, [tf.constant([1.0])], rate=rates[1])
    np.testing.assert_allclose(one.numpy(), [0.8], rtol=1e-6)  # 1 - 0.2 * 1


def test_an_optimizer_with_a_number_has_no_schedule():
    assert make([[1.0]])[1].schedule is None
    assert optimizer.Adam([], training.OptimizerSettings()).schedule is None


def test_a_function_that_it_brings_gives_the_rate(registries):
    class Called(keras.optimizers.SGD):
        def __init__(self, learning_rate):
            super().__init__(lambda: learning_rate / 2)

    registry.optimizers.register("called")(Called)
    _, made = make([[1.0]], optimizer="called", learning_rate=0.4)
    assert float(made.schedule(7)) == 0.2
