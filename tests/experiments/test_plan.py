import pytest

from t2t_mm import errors
from t2t_mm.experiments import plan
from t2t_mm.settings import experiments as settings_lib


def planned(problems=("a", "b"), **settings):
    return plan.plan(settings_lib.ExperimentSettings(**settings), problems)


def test_alone_comes_after_joint_and_the_first_seed_before_the_next():
    runs = planned(groups=("joint", "alone_for_steps", "alone_for_time"), seeds=(3, 5))
    assert [run.key for run in runs[:5]] == [
        "joint/3",
        "alone_for_steps.a/3",
        "alone_for_steps.b/3",
        "alone_for_time.a/3",
        "alone_for_time.b/3",
    ]
    assert [run.seed for run in runs] == [3] * 5 + [5] * 5
    assert runs[0].after == ()
    assert runs[1].after == ("joint",)
    assert runs[4].after == ("joint", "alone_for_steps.b")


def test_variations_name_the_runs():
    variations = (("all",), ("no_experts", "MultiModelConfig.experts = 0"))
    runs = planned(variations=variations, seeds=(0,))
    assert [(run.name, run.statements) for run in runs] == [
        ("all", ()),
        ("no_experts", ("MultiModelConfig.experts = 0",)),
    ]
    runs = planned(variations=variations, groups=("joint", "alone"), seeds=(0,))
    assert [run.name for run in runs][:3] == ["all.joint", "all.alone.a", "all.alone.b"]


def test_joint_runs_are_compared_with_those_alone():
    runs = planned(groups=("joint", "alone_for_steps", "alone_for_time"))
    pairs = [("joint", "alone_for_steps"), ("joint", "alone_for_time")]
    assert plan.comparisons(runs) == {"a": pairs, "b": pairs}


def test_variations_are_compared_with_the_first_of_their_group():
    runs = planned(variations=(("x",), ("y",), ("z",)), groups=("joint", "alone"))
    assert plan.comparisons(runs)["a"] == [
        ("x.joint", "x.alone"),
        ("y.joint", "x.joint"),
        ("y.joint", "y.alone"),
        ("y.alone", "x.alone"),
        ("z.joint", "x.joint"),
        ("z.joint", "z.alone"),
        ("z.alone", "x.alone"),
    ]


def test_pairs_are_every_two_and_compared_with_alone():
    runs = planned(("a", "b", "c"), groups=("alone", "pairs"), seeds=(0,))
    assert [run.problems for run in runs[3:]] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert plan.comparisons(runs)["b"] == [("with_a", "alone"), ("with_c", "alone")]


def test_one_problem_has_no_company():
    with pytest.raises(errors.ConfigError, match="two problems or more"):
        planned(("a",), groups=("alone", "pairs"))
    assert len(planned(("a",), seeds=(0,))) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"seeds": ()},
        {"seeds": (1, 1)},
        {"seeds": (-1,)},
        {"variations": ()},
        {"variations": (("x",), ("x", "WIDTH = 8"))},
        {"variations": ((),)},
        {"variations": (("../x",),)},
        {"groups": ()},
        {"groups": ("alone_for_steps",)},
        {"groups": ("alone_for_time", "joint")},
    ],
)
def test_settings_that_are_no_experiment_are_refused(settings):
    with pytest.raises(errors.ConfigError, match="out of range"):
        settings_lib.ExperimentSettings(**settings)
