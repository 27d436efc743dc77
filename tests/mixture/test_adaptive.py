"""The adaptive schedule, and the losses that the mixture keeps for it."""

import json

import numpy as np
import pytest

from t2t_mm import errors
from t2t_mm.mixture import adaptive, mixture, progress, schedules


def make(schedule="adaptive:1,power=2,most=9,every=10", **given):
    return mixture.Mixture(("a", "b"), (100, 100), schedule, seed=1, **given)


def train(mixed, **losses):
    """Gives each problem 200 steps of one loss, far more than its mean remembers."""
    for name, loss in losses.items():
        for _ in range(200):
            mixed.progress.see(name, loss)
    mixed.progress.show()


@pytest.mark.parametrize(
    ("now", "factor"),
    [
        (2.0, 1.0),  # at its best
        (3.0, (3.0 / 2.0) ** 2),
        (4.0, (4.0 / 2.0) ** 2),
        (40.0, 9.0),  # 400, bounded
        (1.0, 1.0),  # better than ever
    ],
)
def test_a_problem_behind_its_own_best_comes_more_often(now, factor):
    mixed = make()
    train(mixed, a=2.0, b=5.0)
    np.testing.assert_allclose(mixed.probs(1), [0.5, 0.5])  # however large its loss
    train(mixed, a=now)
    np.testing.assert_allclose(mixed.probs(1), [factor / (factor + 1), 1 / (factor + 1)], rtol=1e-4)


def test_it_multiplies_the_rates_of_a_temperature():
    loss = progress.Loss(running=2.0, best=1.0)
    one = adaptive.Adaptive(temperature=2.0, power=1.0, most=4.0)
    plain = schedules.Temperature(2.0)(0, (400, 100))  # 20 : 10
    np.testing.assert_allclose(one(0, (400, 100)), plain)
    np.testing.assert_allclose(one.adapted(0, (400, 100), ("a", "b"), [None, loss]), [0.5, 0.5])
    mixed = make(examples_a_step=(10, 20))  # equally many examples: twice as many steps of a
    np.testing.assert_allclose(mixed.probs(0), [2 / 3, 1 / 3])


def test_a_running_loss_is_the_mean_of_about_the_last_twenty():
    seen = progress.Progress()
    for loss in (4.0, 2.0):
        seen.see("a", loss)
    seen.show()
    assert seen.losses(["a"]) == [None]  # a mean of two says little
    for _ in range(19):
        seen.see("a", 2.0)
    seen.show()
    # 4 weighs 0.05 * 0.95^20, of 1 - 0.95^21 in all.
    running = 2.0 + 2.0 * 0.05 * 0.95**20 / (1 - 0.95**21)
    (loss,) = seen.losses(["a"])
    assert loss.running == pytest.approx(running, rel=1e-9) and loss.best == loss.running


def test_draws_know_only_what_was_shown_and_go_on_as_they_were():
    mixed = make()
    train(mixed, a=1.0, b=1.0)
    before = [mixed.pick(step) for step in range(200)]
    for _ in range(100):
        mixed.progress.see("a", 5.0)
    assert [mixed.pick(step) for step in range(200)] == before  # results that came in between
    again = make()
    again.progress.restore(json.loads(json.dumps(mixed.progress.state())))
    for one in (mixed, again):
        one.progress.see("a", 5.5)
        one.progress.show()
    after = [mixed.pick(step) for step in range(200)]
    assert after == [again.pick(step) for step in range(200)] != before
    assert after.count(0) > before.count(0)


def test_it_looks_at_losses_every_so_many_steps():
    mixed = make()
    assert [step for step in range(1, 31) if mixed.looks_at(step)] == [10, 20, 30]
    assert not any(make("uniform").looks_at(step) for step in range(100))
    with pytest.raises(errors.ConfigError, match="every is out of range.*whole number"):
        make("adaptive:every=2.5")
    with pytest.raises(errors.ConfigError, match="Did you mean 'power'"):
        make("adaptive:powr=2")
