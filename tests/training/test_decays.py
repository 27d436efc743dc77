"""The learning rate of a step, against its formulas."""

import pytest

from t2t_mm import errors, registry
from t2t_mm.settings import training
from t2t_mm.training import decays


def at_step(step, *, decay="constant", total=1000):
    chosen = training.OptimizerSettings(learning_rate=2.0, warmup_steps=100, decay=decay)
    return decays.learning_rate(chosen, step, total)


def test_warm_up_grows_linearly_from_the_first_step():
    assert at_step(0) == pytest.approx(2.0 * 1 / 100)
    assert at_step(49) == pytest.approx(2.0 * 50 / 100)
    assert at_step(99) == pytest.approx(2.0)


@pytest.mark.parametrize("decay", ["constant", "rsqrt", "linear", "cosine"])
def test_the_peak_is_where_the_warm_up_ends(decay):
    assert at_step(99, decay=decay) == pytest.approx(2.0)
    assert at_step(100, decay=decay) == pytest.approx(2.0, rel=0.01)


def test_decays_against_their_formulas():
    assert at_step(399, decay="rsqrt") == pytest.approx(2.0 * 0.5)  # sqrt(100 / 400)
    assert at_step(550, decay="linear") == pytest.approx(2.0 * 0.5)  # half-way from 100 to 1000
    assert at_step(550, decay="cosine") == pytest.approx(2.0 * 0.5)
    assert at_step(325, decay="cosine") == pytest.approx(2.0 * 0.85355, rel=1e-4)  # a quarter
    assert at_step(900) == 2.0


@pytest.mark.parametrize("decay", ["linear", "cosine"])
def test_nothing_is_left_at_the_last_step_and_after(decay):
    assert at_step(1000, decay=decay) == pytest.approx(0.0)
    assert at_step(5000, decay=decay) == pytest.approx(0.0)


def test_no_warm_up():
    chosen = training.OptimizerSettings(learning_rate=1.0, warmup_steps=0, decay="rsqrt")
    assert decays.learning_rate(chosen, 0, 10) == 1.0
    assert decays.learning_rate(chosen, 3, 10) == 0.5


def test_a_decay_of_a_plugin_is_the_share_of_the_rate_after_the_warm_up(registries):
    @registry.decays.register("halving")
    def halving(step, train_steps, settings):
        assert (train_steps, settings.warmup_steps) == (1000, 100)
        return 0.5 ** ((step - settings.warmup_steps) / 50)

    assert at_step(49, decay="halving") == pytest.approx(2.0 * 50 / 100)  # still the warm-up
    assert at_step(200, decay="halving") == pytest.approx(2.0 / 4)  # 100 steps after it


@pytest.mark.parametrize("share", [None, float("nan"), float("inf"), -0.1, "1"])
def test_what_is_no_share_of_a_rate_is_one_line(registries, share):
    registry.decays.register("odd")(lambda step, train_steps, settings: share)
    with pytest.raises(errors.ConfigError, match="The decay 'odd' gives no share .* at step 200"):
        at_step(200, decay="odd")
