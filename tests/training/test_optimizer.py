"""Adam against its formulas in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.settings import training
from t2t_mm.training import optimizer


def make(values, **changes):
    variables = [keras.Variable(np.array(value, np.float32)) for value in values]
    chosen = training.OptimizerSettings(
        **{"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8, "clip_norm": 0.0, **changes}
    )
    return variables, optimizer.Adam(variables, chosen)


def apply(adam, gradients, rate=0.1):
    @tf.function
    def step():
        return adam.apply(gradients, tf.constant(rate))

    return float(step())


class Reference:
    """Kingma and Ba 2015, algorithm 1 (with epsilon beside the uncorrected root)."""

    def __init__(self, value):
        self.value, self.m, self.v, self.t = np.array(value, np.float64), 0.0, 0.0, 0

    def step(self, gradient, rate=0.1):
        gradient = np.asarray(gradient, np.float64)
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * gradient
        self.v = 0.99 * self.v + 0.01 * gradient**2
        correction = np.sqrt(1 - 0.99**self.t) / (1 - 0.9**self.t)
        self.value = self.value - rate * correction * self.m / (np.sqrt(self.v) + 1e-8)


def test_three_steps_against_the_formulas():
    (variable,), adam = make([[1.0, -2.0]])
    reference = Reference([1.0, -2.0])
    for gradient in ([0.5, -1.0], [0.1, 2.0], [-3.0, 0.0]):
        apply(adam, [tf.constant(gradient)])
        reference.step(gradient)
        np.testing.assert_allclose(variable.numpy(), reference.value, rtol=1e-5)


def test_weight_decay_is_beside_the_gradient_and_in_step_with_the_rate():
    matrix, vector = [[1.0, -2.0], [3.0, 0.5]], [1.0, -2.0]
    variables, adam = make([matrix, vector, matrix], weight_decay=0.1)
    one, two = Reference(matrix), Reference(vector)
    gradient = np.array([[0.5, -1.0], [0.0, 2.0]])
    for rate in (0.1, 0.05):
        apply(adam, [tf.constant(gradient, tf.float32), tf.constant(vector), None], rate)
        one.value = one.value * (1 - rate * 0.1)  # before Adam's own step, whose moments it leaves
        one.step(gradient, rate)
        two.step(vector, rate)  # a vector does not decay
    np.testing.assert_allclose(variables[0].numpy(), one.value, rtol=1e-5)
    np.testing.assert_allclose(variables[1].numpy(), two.value, rtol=1e-5)
    np.testing.assert_array_equal(variables[2].numpy(), matrix)  # not trained, so not decayed
    apply(adam, [tf.constant([[np.nan, 0.0], [0.0, 0.0]]), tf.constant(vector), None])
    np.testing.assert_allclose(variables[0].numpy(), one.value, rtol=1e-5)


def test_weight_decay_of_an_optimizer_that_knows_none_is_an_error(registries):
    class Plain(optimizer.Optimizer):
        pass

    registries.optimizers.register("plain")(Plain)
    chosen = training.OptimizerSettings(optimizer="plain", weight_decay=0.1)
    with pytest.raises(errors.ConfigError, match="'plain' does not decay.*weight_decay = 0.1"):
        optimizer.make([], chosen)
    optimizer.make([], training.OptimizerSettings(optimizer="plain"))


def test_a_variable_without_gradient_is_left_alone_moments_and_all():
    (shared, private), adam = make([[1.0], [1.0]])
    one, two = Reference([1.0]), Reference([1.0])
    for step in range(6):
        is_its_turn = step >= 4
        apply(adam, [tf.constant([1.0]), tf.constant([2.0]) if is_its_turn else None])
        one.step([1.0])
        if is_its_turn:
            two.step([2.0])
        else:
            assert private.numpy() == 1.0
            assert float(adam.means[1][0]) == float(adam.squares[1][0]) == 0.0
    # Its first updates are corrected as first updates, though it is the run's fifth step.
    np.testing.assert_allclose(shared.numpy(), one.value, rtol=1e-5)
    np.testing.assert_allclose(private.numpy(), two.value, rtol=1e-5)
    assert adam.updates.numpy().tolist() == [6, 2]


@pytest.mark.parametrize("size", [1, optimizer._LARGE])
def test_clipping_is_by_the_norm_of_all_gradients_together(size):
    _, adam = make([[0.0], [0.0] * size], clip_norm=1.0)
    fours = tf.pad(tf.constant([4.0]), [[0, size - 1]])
    norm = apply(adam, [tf.constant([3.0]), fours])
    assert norm == pytest.approx(5.0)  # sqrt(9 + 16)
    # Adam's first moment is a tenth of the clipped gradient: 3 / 5 and 4 / 5.
    assert float(adam.means[0][0]) == pytest.approx(0.06)
    assert float(adam.means[1][0]) == pytest.approx(0.08)


@pytest.mark.parametrize("size", [1, optimizer._LARGE])
def test_gradients_below_the_bound_are_not_scaled(size):
    _, adam = make([[0.0] * size], clip_norm=10.0)
    apply(adam, [tf.pad(tf.constant([3.0]), [[0, size - 1]])])
    assert float(adam.means[0][0]) == pytest.approx(0.3)


@pytest.mark.parametrize("size", [1, optimizer._LARGE])
@pytest.mark.parametrize("clip_norm", [0.0, 10.0])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 3e38])  # whose square is infinite
def test_gradients_that_are_not_finite_touch_nothing(size, clip_norm, bad):
    values = [[1.0], [2.0] * size]
    variables, adam = make(values, clip_norm=clip_norm)
    good = [tf.constant([0.5]), tf.ones([size])]
    for number, is_first in enumerate((True, False)):  # without moments, and with some
        before = [v.numpy() for v in (*variables, *adam.means, *adam.squares)]
        assert not np.isfinite(apply(adam, [tf.constant([bad]), tf.ones([size])]))
        for old, new in zip(before, (*variables, *adam.means, *adam.squares), strict=True):
            np.testing.assert_array_equal(old, new.numpy())
        assert adam.updates.numpy().tolist() == [number, number]
        if is_first:
            apply(adam, good)
    straight, other = make(values, clip_norm=clip_norm)
    apply(other, good)
    apply(other, good)
    apply(adam, good)
    for mine, its in zip(variables, straight, strict=True):
        np.testing.assert_array_equal(mine.numpy(), its.numpy())


def test_an_update_that_is_not_admitted_is_not_made():
    (variable,), adam = make([[1.0]])
    refuse = tf.function(
        lambda: adam.apply([tf.constant([2.0])], tf.constant(0.1), admit=lambda norm: norm < 1.0)
    )
    assert float(refuse()) == 2.0
    assert (float(variable.numpy()[0]), adam.updates.numpy().tolist()) == (1.0, [0])


def test_rows_that_were_looked_up_twice_get_both_gradients():
    _, adam = make([[[0.0], [0.0], [0.0]]])
    slices = tf.IndexedSlices(tf.constant([[1.0], [2.0]]), tf.constant([1, 1]), tf.constant([3, 1]))
    apply(adam, [slices])
    np.testing.assert_allclose(adam.means[0].numpy()[:, 0], [0.0, 0.3, 0.0], rtol=1e-5)
