"""Which steps may update, on the device and as the host counts them."""

import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.settings import training
from t2t_mm.training import finite


def admitted(gate, steps):
    admit = tf.function(gate.admit)
    return [bool(admit(tf.constant(is_finite))) for is_finite in steps]


def test_stop_closes_the_gate_at_the_first():
    gate = finite.Gate(training.NotFiniteSettings())
    # The host reads of the third step only later: the fourth must find the weights untouched.
    assert admitted(gate, [True, True, False, True]) == [True, True, False, False]
    gate.open(0, 1)
    assert admitted(gate, [True]) == [True]


@pytest.mark.parametrize(
    ("row", "everything", "closes_at"),
    [(2, 100, 6), (3, 4, 6), (3, 3, 5), (3, 100, None)],
)
def test_skip_closes_it_when_a_bound_is_passed(row, everything, closes_at):
    chosen = training.NotFiniteSettings(policy="skip", most_in_a_row=row, most_in_all=everything)
    # In a row 1, 2, then 1, 2, 3; in all 5.
    steps = [False, False, True, False, False, False, True]
    gate, counts = finite.Gate(chosen), finite.Counts(chosen)
    stops = [
        number
        for number, is_finite in enumerate(steps, start=1)
        if (counts.good() if is_finite else counts.bad()) is finite.Action.STOP
    ]
    # In all 5 is more than 4 at step 6, and more than 3 at step 5.
    assert (stops[0] if stops else None) == closes_at
    assert admitted(gate, steps)[2] is True
    assert admitted(gate, [True])[0] is (closes_at is None)


def test_what_was_left_out_before_is_counted_on():
    chosen = training.NotFiniteSettings(policy="skip", most_in_a_row=2, most_in_all=3)
    first = finite.Counts(chosen)
    first.bad()
    first.bad()
    second = finite.Counts(chosen)
    second.restore(first.state())
    assert second.metrics() == {"skipped_steps": 2.0}
    assert second.bad() is finite.Action.STOP
    gate = finite.Gate(chosen)
    gate.open(first.in_a_row, first.in_all)
    assert admitted(gate, [False, True]) == [False, False]


def test_going_back_has_a_bound():
    counts = finite.Counts(training.NotFiniteSettings(policy="go_back", most_returns=2))
    found = [counts.bad() for _ in range(3)]
    assert found == [finite.Action.GO_BACK, finite.Action.GO_BACK, finite.Action.STOP]
    assert counts.metrics() == {"skipped_steps": 3.0, "returns": 2.0}


def test_a_run_without_such_a_step_says_nothing_of_them():
    counts = finite.Counts(training.NotFiniteSettings(policy="skip"))
    counts.good()
    assert counts.metrics() == {}


@pytest.mark.parametrize("name", ["most_in_a_row", "most_in_all", "most_returns"])
def test_bounds_are_checked(name):
    with pytest.raises(errors.ConfigError, match=name):
        training.NotFiniteSettings(**{name: 0})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", float("inf")),
        ("learning_rate", 1e39),  # infinite in float32
        ("epsilon", 1e-50),  # 0 in float32: 0 / 0 where a gradient was never more
        ("clip_norm", float("inf")),
        ("clip_norm", float("nan")),
    ],
)
def test_rates_that_float32_does_not_hold_are_refused(name, value):
    with pytest.raises(errors.ConfigError, match=name):
        training.OptimizerSettings(**{name: value})
