"""What is advised about a training that diverges or is no longer finite."""

import pytest

from t2t_mm.settings import training
from t2t_mm.training import advice, decays


@pytest.mark.parametrize(
    ("warmup", "step", "expected"),
    [
        (300, 300, "a lower OptimizerSettings.learning_rate, or a longer warmup_steps"),
        (300, 301, "a lower OptimizerSettings.learning_rate"),
        (300, 4312, "a lower OptimizerSettings.learning_rate"),
        (0, 3, "a lower OptimizerSettings.learning_rate, or a warm-up (warmup_steps)"),
        (0, 4312, "a lower OptimizerSettings.learning_rate"),
    ],
)
def test_a_longer_warm_up_is_advised_where_it_lowers_the_rate(warmup, step, expected):
    assert advice.lower_rate(training.OptimizerSettings(warmup_steps=warmup), step) == expected


def test_after_the_warm_up_a_longer_one_makes_the_rate_larger():
    settings = [training.OptimizerSettings(learning_rate=1.0, warmup_steps=w) for w in (300, 3000)]
    rates = [decays.learning_rate(one, 4311, 20_000) for one in settings]
    # 1 - (4311 - 300) / 19700, and 1 - (4311 - 3000) / 17000.
    assert rates == pytest.approx([0.7964, 0.9229], abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"precision": "bfloat16"},
            "a lower OptimizerSettings.learning_rate, or TrainSettings.precision = 'float32', or "
            "NotFiniteSettings.policy = 'skip'",
        ),
        (
            {"precision": "float32", "policy": "skip"},
            "a lower OptimizerSettings.learning_rate",
        ),
        (
            {"is_of_input": True},
            "records made again without these examples, or NotFiniteSettings.policy = 'skip'",
        ),
    ],
)
def test_only_what_is_not_so_already_is_advised(changes, expected):
    given = {"precision": "float32", "policy": "stop", "is_of_input": False, **changes}
    assert advice.on_not_finite(training.OptimizerSettings(), step=4312, **given) == expected


def test_clipping_is_advised_where_there_is_none():
    settings = training.OptimizerSettings(clip_norm=0.0)
    given = {"precision": "float32", "policy": "skip", "is_of_input": False}
    ways = advice.on_not_finite(settings, step=4312, **given)
    assert ways.endswith("or clipping (OptimizerSettings.clip_norm = 1.0)")


def test_of_an_optimizer_with_a_schedule_that_is_what_to_change():
    settings = training.OptimizerSettings(optimizer="falling")
    lower = "a lower rate in the schedule of the optimizer 'falling'"
    assert advice.lower_rate(settings, 3, has_schedule=True) == lower
