"""Which evaluation counts as the best, and when patience ends."""

import math
import types

import pytest

from t2t_mm import errors
from t2t_mm.runs import best
from t2t_mm.settings import training
from t2t_mm.training import selection

TASKS = [
    types.SimpleNamespace(
        name="ende",
        metrics=("bleu", "log_perplexity"),
        targets=types.SimpleNamespace(autoregressive=True),
    ),
    types.SimpleNamespace(
        name="pictures",
        metrics=("accuracy",),
        targets=types.SimpleNamespace(autoregressive=False),
    ),
]


def make(best_metric="", patience=0, eval_every=1):
    chosen = training.TrainSettings(
        best_metric=best_metric, patience=patience, eval_every=eval_every
    )
    return selection.Selection.make(chosen, TASKS)


def perplexities(one, two):
    return {"ende": {"log_perplexity": one}, "pictures": {"log_perplexity": two}}


def test_without_a_name_the_mean_log_perplexity_decides():
    follow = make()
    assert follow.see(10, perplexities(3.0, 1.0))  # mean 2.0
    assert not follow.see(20, perplexities(1.0, 3.5))  # mean 2.25, though ende is better
    assert follow.see(30, perplexities(1.0, 2.9))  # mean 1.95
    assert (follow.best_step, follow.best_value) == (30, pytest.approx(1.95))


def test_a_named_metric_goes_in_its_own_direction():
    follow = make("ende/bleu")
    assert follow.see(1, {"ende": {"bleu": 10.0}})
    assert not follow.see(2, {"ende": {"bleu": 9.0}})
    assert follow.see(3, {"ende": {"bleu": 11.0}})


def test_patience_counts_evaluations_without_a_better_value():
    follow = make("ende/bleu", patience=2)
    seen = []
    for step, bleu in enumerate([5.0, 4.0, 6.0, 6.0, 5.9]):
        follow.see(step, {"ende": {"bleu": bleu}})
        seen.append(follow.is_over)
    assert seen == [False, False, False, False, True]


def test_a_step_that_is_evaluated_again_is_not_waited_for():
    follow = make("ende/bleu", patience=2)
    follow.see(3, {"ende": {"bleu": 5.0}})
    follow.see(6, {"ende": {"bleu": 4.0}})
    for _ in range(3):  # the finished command, given again and again
        again = make("ende/bleu", patience=2)
        again.restore(follow.state())
        again.see(6, {"ende": {"bleu": 4.0}})
        follow = again
    assert (follow.waited, follow.is_over) == (1, False)
    follow.see(9, {"ende": {"bleu": 4.0}})
    assert follow.is_over


def test_a_step_evaluated_again_on_more_examples_may_be_the_best():
    follow = make("ende/bleu", patience=2)
    follow.see(3, {"ende": {"bleu": 5.0}})
    assert follow.see(3, {"ende": {"bleu": 6.0}})


def test_evaluations_where_a_call_ended_are_not_waited_for():
    follow = make("ende/bleu", patience=2, eval_every=100)
    follow.see(100, {"ende": {"bleu": 5.0}})
    for step in (130, 160, 190):  # calls of a job that is cut by time
        follow.see(step, {"ende": {"bleu": 4.0}})
    assert not follow.is_over
    assert follow.see(195, {"ende": {"bleu": 5.5}})
    # Where nothing but the last step of a call is evaluated, those count.
    follow = make("ende/bleu", patience=2, eval_every=0)
    for step, bleu in ((7, 5.0), (9, 4.0), (12, 4.0)):
        follow.see(step, {"ende": {"bleu": bleu}})
    assert follow.is_over


def test_an_end_says_what_was_waited_for():
    follow = make("ende/bleu", patience=1)
    follow.see(3, {"ende": {"bleu": 5.0}})
    follow.see(6, {"ende": {"bleu": 4.0}})
    said = follow.ending()
    assert "no better bleu of ende in 1 evaluations (best 5 at step 3)" in said
    assert "TrainSettings.patience" in said


def test_a_checkpoint_of_before_is_read():
    follow = make("ende/bleu", patience=2)
    follow.restore({"of": "ende/bleu", "value": 5.0, "step": 3, "waited": 1})
    assert (follow.best_step, follow.waited) == (3, 1)


def test_no_patience_means_for_ever():
    follow = make("ende/bleu")
    for step in range(100):
        follow.see(step, {"ende": {"bleu": 1.0}})
    assert not follow.is_over


def test_what_is_no_number_is_never_the_best():
    follow = make("ende/bleu")
    assert not follow.see(1, {"ende": {"bleu": math.nan}})
    assert follow.see(2, {"ende": {"bleu": 0.0}})


def test_state_survives_a_checkpoint():
    follow = make("ende/bleu", patience=3)
    follow.see(1, {"ende": {"bleu": 5.0}})
    follow.see(2, {"ende": {"bleu": 4.0}})
    again = make("ende/bleu", patience=3)
    again.restore(follow.state())
    assert again == follow


@pytest.mark.parametrize(
    ("name", "message"),
    [("end/bleu", "Did you mean 'ende'"), ("ende/blue", "Did you mean 'bleu'")],
)
def test_unknown_names_get_a_suggestion(name, message):
    with pytest.raises(errors.ConfigError, match=message):
        make(name)


@pytest.mark.parametrize(
    ("best_metric", "results", "said"),
    [
        ("", perplexities(3.0, 1.0), "lowest mean log_perplexity over problems, 2 at step 10"),
        ("ende/bleu", {"ende": {"bleu": 31.25}}, "highest bleu of ende, 31.25 at step 10"),
        (
            "ende/log_perplexity",
            {"ende": {"log_perplexity": 1.5}},
            "lowest log_perplexity of ende, 1.5 at step 10",
        ),
    ],
)
def test_it_says_what_makes_a_checkpoint_the_best(best_metric, results, said):
    follow = make(best_metric)
    assert follow.see(10, results)
    assert best.why(follow.state()) == said


def test_a_metric_that_is_not_registered_here_is_named_too():
    state = {"of": "ende/of_a_plugin", "value": 3, "step": 10, "waited": 0, "seen": 10}
    assert best.why(state) == "best of_a_plugin of ende, 3 at step 10"
