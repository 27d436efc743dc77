"""Mixture: draws that depend on seed and step alone, at the scheduled rates."""

import numpy as np
import pytest

from t2t_mm import config, errors
from t2t_mm.mixture import mixture, schedules

NAMES = ("a", "b", "c")
SIZES = (500, 300, 200)


def make(schedule="proportional", *, seed=0, names=NAMES, sizes=SIZES, **given):
    return mixture.Mixture(names, sizes, schedule, seed=seed, **given)


def picks(mixed, steps=200, start=0):
    return [mixed.pick(step) for step in range(start, start + steps)]


def test_draws_depend_on_seed_and_step_alone():
    mixed = make()
    first = picks(mixed)
    assert picks(make()) == first  # another worker
    assert picks(mixed, steps=50, start=150) == first[150:]  # a resumed run
    assert [make().pick(step) for step in reversed(range(200))][::-1] == first
    assert picks(make(seed=1)) != first


@pytest.mark.parametrize("schedule", ["proportional", "uniform", "temperature:3", "constant:8,1,1"])
def test_frequencies_are_the_rates(schedule):
    mixed = make(schedule, seed=5)
    draws = 4000
    counts = np.bincount(picks(mixed, steps=draws), minlength=3)
    expected = mixed.probs(0) * draws
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 13.8  # 2 degrees of freedom: exceeded once in 1,000 seeds


def test_neighbouring_steps_and_seeds_are_independent():
    mixed = make("uniform", names=("a", "b"), sizes=(1, 1))
    draws = np.array(picks(mixed, steps=4000))
    other = np.array(picks(make("uniform", names=("a", "b"), sizes=(1, 1), seed=1), steps=4000))
    for left, right in ((draws[1:], draws[:-1]), (draws, other)):
        assert abs((left == right).mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)


def test_a_schedule_that_moves():
    mixed = make("linear:0=1,0,0;100=0,0,1")
    assert mixed.pick(0) == 0
    assert mixed.pick(100) == mixed.pick(10**9) == 2
    np.testing.assert_allclose(mixed.probs(50), (0.5, 0, 0.5))


def test_a_problem_of_rate_zero_is_never_drawn():
    assert set(picks(make("constant:1,0,1"), steps=1000)) == {0, 2}


@pytest.mark.parametrize(
    ("schedule", "several", "expected"),
    [
        ("constant:5,3,2", 1, (0.5, 0.3, 0.2)),
        # Twice the shares; no problem is in a step twice.
        ("constant:5,3,2", 2, (1.0, 0.6, 0.4)),
        # a would have 1.2: 0.2 go to the others, 3 : 1.
        ("constant:6,3,1", 2, (1.0, 0.75, 0.25)),
        ("constant:5,3,2", 3, (1.0, 1.0, 1.0)),
        ("constant:98,1,1", 2, (1.0, 0.5, 0.5)),
        ("constant:1,0,1", 2, (1.0, 0.0, 1.0)),
        ("constant:1,0,1", 3, (1.0, 0.0, 1.0)),  # a problem without a share is in no step
    ],
)
def test_a_step_of_several_problems_has_different_ones_at_their_rates(schedule, several, expected):
    mixed = make(schedule, seed=3, problems_per_step=several)
    np.testing.assert_allclose(mixed.rates(0), expected, rtol=1e-12)
    draws = [mixed.picks(step) for step in range(2000)]
    assert {len(drawn) for drawn in draws} == {round(sum(expected))}
    assert all(sorted(set(drawn)) == list(drawn) for drawn in draws)
    counts = np.bincount(np.concatenate(draws), minlength=3)
    spread = np.sqrt(2000 * np.array(expected) * (1 - np.array(expected)))
    assert np.all(np.abs(counts - 2000 * np.array(expected)) <= 4 * spread)
    assert draws == [
        make(schedule, seed=3, problems_per_step=several).picks(step) for step in range(2000)
    ]
    if several == 1:
        assert draws == [(mixed.pick(step),) for step in range(2000)]


def test_every_pair_of_problems_meets():
    names = ("a", "b", "c", "d")
    mixed = make("uniform", names=names, sizes=(1,) * 4, problems_per_step=2)
    pairs = [mixed.picks(step) for step in range(600)]
    # Of 6 pairs each a sixth: 100, spread sqrt(600 / 6 * 5 / 6) = 9.1.
    assert all(pairs.count((i, j)) > 60 for i in range(4) for j in range(i + 1, 4))


def test_a_table_of_several_problems_a_step_counts_steps_that_train_each():
    rows = make("constant:6,3,1", problems_per_step=2, examples_a_step=A_STEP).table(1000)
    assert [row.share for row in rows] == pytest.approx([1.0, 0.75, 0.25])
    assert rows[1].epochs == pytest.approx(0.75 * 1000 * 30 / 300)


def test_more_problems_a_step_than_there_are():
    with pytest.raises(errors.ConfigError, match="problems_per_step = 4, with a, b, c.*1 to 3"):
        make(problems_per_step=4)


# A step holds 10 of a, 30 of b, 20 of c.
A_STEP = (10, 30, 20)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        # Examples 500 : 300 : 200, so steps 500/10 : 300/30 : 200/20 = 50 : 10 : 10.
        ("proportional", (50 / 70, 10 / 70, 10 / 70)),
        ("temperature:1", (50 / 70, 10 / 70, 10 / 70)),
        # The cap counts examples: 300/10 : 300/30 : 200/20 = 30 : 10 : 10.
        ("temperature:1,cap=300", (0.6, 0.2, 0.2)),
        # Equally many examples of each: 1/10 : 1/30 : 1/20 = 6 : 2 : 3.
        ("temperature:1e9", (6 / 11, 2 / 11, 3 / 11)),
        ("temperature:0.001", (1, 0, 0)),
        # These share out steps.
        ("uniform", (1 / 3, 1 / 3, 1 / 3)),
        ("constant:2,1,1", (0.5, 0.25, 0.25)),
        ("linear:0=1,0,1;10=1,0,1", (0.5, 0, 0.5)),
        ("step:0=1,0,1", (0.5, 0, 0.5)),
    ],
)
def test_shares_of_steps_where_steps_hold_different_numbers_of_examples(schedule, expected):
    np.testing.assert_allclose(make(schedule, examples_a_step=A_STEP).probs(0), expected, atol=1e-6)


def test_proportional_sees_every_problem_equally_often():
    rows = make(examples_a_step=A_STEP).table(700)
    # 500 steps of 10 examples are 5,000: 10 times 500. 100 of 30 are 10 times 300.
    assert [row.epochs for row in rows] == pytest.approx([10, 10, 10])
    assert [row.share for row in rows] == pytest.approx([5 / 7, 1 / 7, 1 / 7])
    assert [row.examples_a_step for row in rows] == [10, 30, 20]


def test_the_table_of_a_schedule_that_moves_tells_of_the_whole_run():
    rows = make("linear:0=1,0,0;1000=0,0,1", examples_a_step=A_STEP).table(1000)
    assert [row.first_share for row in rows] == pytest.approx([1, 0, 0])
    assert [row.share for row in rows] == pytest.approx([0.5, 0, 0.5], abs=1e-3)
    assert [row.epochs for row in rows] == pytest.approx([10, 0, 50], rel=2e-3)
    later = make("step:0=1,0,0;3=0,1,0").table(4)
    assert [row.share for row in later] == [0.75, 0.25, 0]
    assert make("uniform").table(10**9)[0].share == pytest.approx(1 / 3)


def test_a_plugin_says_what_its_rates_share_out():
    class Halves(schedules.Schedule):
        def __call__(self, step, sizes, names=()):
            return (0.5, 0.5)

    class HalvesOfExamples(Halves):
        shares_of = "examples"

    class HalvesOfWhat(Halves):
        shares_of = "tokens"

    two = {"names": ("a", "b"), "sizes": (1, 1), "examples_a_step": (10, 30)}
    np.testing.assert_allclose(make(Halves(), **two).probs(0), (0.5, 0.5))
    np.testing.assert_allclose(make(HalvesOfExamples(), **two).probs(0), (0.75, 0.25))
    with pytest.raises(errors.ConfigError, match="HalvesOfWhat.*'tokens'.*'steps' or 'examples'"):
        make(HalvesOfWhat(), **two)


@pytest.mark.parametrize("wrong", [(10, 30), (10, 30, 0), (10, 30, float("nan"))])
def test_every_step_holds_examples(wrong):
    with pytest.raises(errors.ConfigError, match="Every step of a mixture holds examples"):
        make(examples_a_step=wrong)


def test_one_problem():
    assert set(picks(make(names=("a",), sizes=(3,)))) == {0}


@pytest.mark.parametrize("seed", [-1, 2**64, 2**63])
def test_any_seed(seed):
    assert make(seed=seed).pick(2**40) in (0, 1, 2)


def test_every_part_of_a_schedule_is_checked_at_once():
    with pytest.raises(errors.ConfigError, match="2 weights"):
        make("step:0=1,1,1;1000=1,1")


@pytest.mark.parametrize(("names", "sizes"), [((), ()), (("a", "a"), (1, 2))])
def test_problems_are_different_and_there_are_some(names, sizes):
    with pytest.raises(errors.ConfigError, match="different problems"):
        make(names=names, sizes=sizes)


@pytest.mark.parametrize("sizes", [(1, 2), (1, 2, 0)])
def test_every_problem_has_examples(sizes):
    with pytest.raises(errors.ConfigError, match="needs training examples"):
        make(sizes=sizes)


@pytest.mark.parametrize("answer", [(1.0, 0.5, 0.5), (1.0, -0.5, 0.5), (1.0,), (np.nan, 0.5, 0.5)])
def test_a_plugin_schedule_that_gives_no_rates(answer):
    class Odd(schedules.Schedule):
        def __call__(self, step, sizes, names=()):
            return answer

    with pytest.raises(errors.ConfigError, match="Odd does not give rates at step 0"):
        make(Odd())


def test_mixture_and_schedules_do_without_tensorflow(python):
    code = "import sys, t2t_mm.mixture.mixture; assert 'tensorflow' not in sys.modules"
    assert python("-c", code).returncode == 0


@pytest.fixture
def problems(registries):
    for name in ("dog_a", "dog_b", "cat"):
        registries.problems.add(name, "collections:OrderedDict")
    yield
    config.reset()


def test_problems_are_those_asked_for_or_else_those_configured(problems):
    config.load([], ["MixtureSettings.problems = ('dog_*', 'cat')"])
    assert mixture.problem_names(None) == ["dog_a", "dog_b", "cat"]
    assert mixture.problem_names([]) == ["dog_a", "dog_b", "cat"]
    assert mixture.problem_names(["cat"]) == ["cat"]
    assert mixture.problem_names("dog_b") == ["dog_b"]


def test_the_configuration_keeps_names_and_not_globs(problems):
    config.load([], ["MixtureSettings.problems = ('dog_*',)"])
    mixture.problem_names(None)
    assert "MixtureSettings.problems = ('dog_a', 'dog_b')" in config.operative()
    mixture.problem_names(["cat"])
    assert "MixtureSettings.problems = ('cat',)" in config.operative()


def test_no_problem_and_an_unknown_one(problems):
    config.load()
    with pytest.raises(errors.ConfigError, match="No problem is named.*--gin_file"):
        mixture.problem_names(None)
    config.load([], ["MixtureSettings.problems = ('dog_c',)"])
    with pytest.raises(errors.ConfigError, match="Unknown problem 'dog_c'.*Did you mean 'dog_"):
        mixture.problem_names(None)


def test_weights_of_losses_are_1_unless_configured(problems):
    config.load()
    assert mixture.loss_weights(["cat", "dog_a"]) == {"cat": 1.0, "dog_a": 1.0}
    config.load([], ["MixtureSettings.loss_weights = {'cat': 2, 'dog_b': 0.5}"])
    assert mixture.loss_weights(["cat", "dog_a"]) == {"cat": 2.0, "dog_a": 1.0}
    mixture.problem_names(["cat"])
    assert "MixtureSettings.loss_weights = {'cat': 2.0, 'dog_b': 0.5}" in config.operative()


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("{'catt': 2.0}", "a weight for 'catt', which is no problem.*Did you mean 'cat'"),
        ("{'cat': 0.0}", "loss_weights is out of range.*1e-6 to 1e6"),
        ("{'cat': -1.0}", "loss_weights is out of range"),
        ("{'cat': 'two'}", "dict of str to a finite float"),
        ("2.0", "dict of str to a finite float"),
    ],
)
def test_weights_of_losses_that_cannot_be_used(problems, weights, said):
    with pytest.raises(errors.ConfigError, match=said):
        config.load([], [f"MixtureSettings.loss_weights = {weights}"])
        mixture.loss_weights(["cat", "dog_a"])
