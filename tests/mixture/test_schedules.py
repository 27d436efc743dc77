"""Schedules: rates by hand, the string form, gin, and what is refused."""

import numpy as np
import pytest

from t2t_mm import config, errors
from t2t_mm.mixture import schedules

NAMES = ("big", "small")
SIZES = (900, 100)


@pytest.fixture(autouse=True)
def _no_configuration():
    config.reset()
    yield
    config.reset()


@pytest.mark.parametrize(
    ("text", "step", "expected"),
    [
        ("proportional", 0, (0.9, 0.1)),
        ("uniform", 5, (0.5, 0.5)),
        ("temperature:1", 0, (0.9, 0.1)),
        ("temperature", 0, (0.75, 0.25)),  # sqrt(900) = 30, sqrt(100) = 10
        ("temperature:2.0", 0, (0.75, 0.25)),
        ("temperature:temperature=1,cap=300", 0, (0.75, 0.25)),  # 300 to 100
        ("temperature:2,cap=400", 0, (2 / 3, 1 / 3)),  # 20 to 10
        ("temperature:1e9", 0, (0.5, 0.5)),
        ("temperature:0.001", 0, (1.0, 0.0)),
        ("constant:1,3", 9, (0.25, 0.75)),
        ("constant:small=3,big=1", 9, (0.25, 0.75)),
        ("constant:0,1", 0, (0.0, 1.0)),
        ("linear:0=1,0;100=0,1", 25, (0.75, 0.25)),
        ("linear:0=10,0;100=0,1", 50, (0.5, 0.5)),  # rates are interpolated, not raw weights
        ("linear:10=1,0;20=0,1", 0, (1.0, 0.0)),
        ("linear:10=1,0;20=0,1", 99, (0.0, 1.0)),
        ("linear:0=big=1,small=0;100=small=1,big=0", 75, (0.25, 0.75)),
        ("step:0=1,0;100=1,1", 99, (1.0, 0.0)),
        ("step:0=1,0;100=1,1", 100, (0.5, 0.5)),
        ("step:10=1,0;20=0,1", 3, (1.0, 0.0)),
        (" uniform ", 0, (0.5, 0.5)),
    ],
)
def test_rates(text, step, expected):
    rates = schedules.parse(text)(step, SIZES, NAMES)
    np.testing.assert_allclose(rates, expected, atol=1e-6)
    assert rates.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("temprature", "Unknown schedule.*Did you mean 'temperature'"),
        ("", "Unknown schedule"),
        ("temperature:x", "'x' where a number belongs"),
        ("temperature:capp=3", "capp=3.*Did you mean 'cap'"),
        ("temperature:1,2,3", "does not take '3'"),
        ("temperature:1,temperature=2", "does not take 'temperature=2'"),
        ("temperature:0", "Temperature.temperature is out of range"),
        ("temperature:nan", "Temperature.temperature cannot have this value"),
        ("temperature:1,cap=-1", "Temperature.cap is out of range"),
        ("uniform:1", "does not take '1'"),
        ("constant", "none.*as in constant"),
        ("constant:", "where a number belongs"),
        ("constant:-1,2", "-1, 2.*0 or more"),
        ("constant:0,0", "not all 0"),
        ("constant:inf,1", "Constant.weights cannot have this value"),
        ("constant:a=1,2", "all named"),
        ("constant:a=1,a=2", "each name once"),
        ("linear", "no points.*linear:0="),
        ("linear:3", "begin with its step"),
        ("linear:x=1,2", "begin with its step"),
        ("linear:5=1,2;5=2,1", "do not grow.*5, 5"),
        ("step:9=1,2;5=2,1", "do not grow.*9, 5"),
        ("step:0=1,-2", "0 or more"),
    ],
)
def test_what_a_string_must_not_be(text, message):
    with pytest.raises(errors.ConfigError, match=message):
        schedules.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("constant:1,2,3", "3 weights.*2, one for each of big, small"),
        ("constant:1", "1 weights"),
        ("constant:big=1,smal=2", "'smal', which is not trained.*Did you mean 'small'"),
        ("constant:big=1", "no weight for 'small'"),
        ("linear:0=1,2;9=1", "1 weights"),
    ],
)
def test_weights_that_do_not_fit_the_problems(text, message):
    with pytest.raises(errors.ConfigError, match=message):
        schedules.parse(text)(0, SIZES, NAMES)


def test_gin_sets_what_the_string_leaves_out():
    config.load((), ["Temperature.temperature = 4", "Constant.weights = {'small': 3, 'big': 1}"])
    assert schedules.parse("temperature").temperature == 4
    assert schedules.parse("temperature:3").temperature == 3
    np.testing.assert_allclose(schedules.parse("constant")(0, SIZES, NAMES), (0.25, 0.75))


def test_the_operative_configuration_rebuilds_a_schedule():
    config.load((), ["Linear.points = ((0, (1, 0)), (10, (0, 1)))"])
    built = schedules.parse("linear")
    lines = [line for line in config.operative().splitlines() if line and line[0] != "#"]
    config.load((), lines)
    assert schedules.parse("linear") == built
