"""Warnings of a loss that goes up: in time, once, and not of noise."""

import json
import math
import types

import pytest

from t2t_mm.modality import Categorical, Language
from t2t_mm.training import divergence

TEN = Categorical(classes=tuple("abcdefghij"))


def make(targets=TEN, vocabularies=None):
    task = types.SimpleNamespace(name="one", targets=targets, vocabularies=vocabularies or {})
    return divergence.Divergence([task], "what helps at step {}".format)


def warnings(watch, losses):
    found = {s: watch.see("one", s, loss, 0.1) for s, loss in enumerate(losses, start=1)}
    return {step: text for step, text in found.items() if text}


def test_chance_is_the_log_of_the_choices():
    pieces = types.SimpleNamespace(pieces=("x",) * 400)
    text = types.SimpleNamespace(targets=Language(vocab="v"), vocabularies={"v": pieces})
    assert divergence.chance(text) == math.log(400)
    classes = types.SimpleNamespace(targets=TEN, vocabularies={})
    assert divergence.chance(classes) == math.log(10)
    unknown = types.SimpleNamespace(targets=Categorical(), vocabularies={})
    assert divergence.chance(unknown) is None


def test_a_loss_that_explodes_is_warned_of_at_once_and_once():
    found = warnings(make(), [2.5, 2.4, 1.7e12, 1.8e12, 1e13, 2e13])
    assert list(found) == [3]
    text = found[3]
    for part in ("one", "1.7e+12", "step 3", "chance is 2.3", "is 0.1: try what helps at step 3."):
        assert part in text


def test_a_slow_rise_is_warned_of_and_again_after_the_loss_came_back():
    low, high = [0.1] * 30, [2.0] * 30  # 1.9 nats up; a warning is due at 1
    found = warnings(make(), low + high + low + high)
    # After n steps the mean is 0.1 + 1.9 (1 - 0.9^n) / (1 - 0.9^(30 + n)), and its weight the
    # divisor, so that 1.9 (1 - 0.9^n) is compared: 0.991 for n = 7, 1.082 for n = 8. At the
    # second rise 1.9 * 0.9^37 = 0.038 of the first is left after 7 steps: 1.029.
    assert list(found) == [38, 97]


@pytest.mark.parametrize(
    "losses",
    [
        [2.4, 3.3, 1.9, 2.9, 2.2, 3.4] * 10,  # an untrained model on small batches
        [0.05] * 20 + [4.0] + [0.05] * 20,  # one odd batch
        [9.0 - 0.1 * n for n in range(80)],
    ],
)
def test_noise_is_no_divergence(losses):
    assert not warnings(make(), losses)


def test_a_checkpoint_keeps_what_was_seen():
    losses = [0.1] * 30 + [2.0] * 30
    straight = warnings(make(), losses)
    first, second = make(), make()
    warnings(first, losses[:34])
    second.restore(json.loads(json.dumps(first.state())))
    later = {s: second.see("one", s, loss, 0.1) for s, loss in enumerate(losses[34:], start=35)}
    assert {s for s, text in later.items() if text} == set(straight) == {38}


def test_no_better_than_a_guess_is_said_in_words():
    tasks = [types.SimpleNamespace(name=n, targets=TEN, vocabularies={}) for n in "ab"]
    results = {"a": {"log_perplexity": 1.7e12}, "b": {"log_perplexity": 1.0}}
    assert (
        divergence.worse_than_chance(tasks, results) == "a (log-perplexity 1.7e+12, chance 2.303)"
    )
    results["a"]["log_perplexity"] = math.nan
    assert "a (log-perplexity nan" in divergence.worse_than_chance(tasks, results)
    results["a"]["log_perplexity"] = 2.3
    assert divergence.worse_than_chance(tasks, results) == ""
