"""Means, shares and rates between two lines of the log."""

import json
import time
import types

import numpy as np
import pytest

from t2t_mm.modality import Categorical, Language
from t2t_mm.training import statistics


def make(steps=()):
    text = types.SimpleNamespace(name="ende", targets=Language())
    pictures = types.SimpleNamespace(name="pictures", targets=Categorical())
    return statistics.RunningStatistics([text, pictures], dict(steps))


def metrics(loss, tokens, load=((1.0, 3.0), (1.0, 1.0))):
    return {"loss": loss, "tokens": tokens, "expert_load": np.array(load)}


def test_means_shares_and_rates():
    counts = make()
    counts.add("ende", metrics(4.0, 100.0), seconds=1.0, examples=10, amounts={})
    counts.add("ende", metrics(2.0, 300.0), seconds=3.0, examples=10, amounts={})
    counts.add("pictures", metrics(1.0, 32.0), seconds=0.5, examples=32, amounts={"pictures": 32})
    means, steps_per_s = counts.flush()
    assert means["ende"]["loss"] == 3.0
    assert means["ende"]["share"] == pytest.approx(2 / 3)
    assert (means["ende"]["steps"], means["ende"]["examples"]) == (2, 20)
    # The whole time is shared as the steps' own times are: 4 s to 0.5 s.
    elapsed = 3 / steps_per_s
    assert means["ende"]["tokens_per_s"] == pytest.approx(400 / (elapsed * 4 / 4.5))
    assert means["pictures"]["examples_per_s"] == pytest.approx(32 / (elapsed * 0.5 / 4.5))
    assert means["pictures"]["pictures_per_s"] == means["pictures"]["examples_per_s"]
    assert "tokens_per_s" not in means["pictures"]
    assert means["ende"]["expert_load"] == [[0.25, 0.75], [0.5, 0.5]]
    assert steps_per_s > 0


def test_sums_start_anew_and_counts_go_on():
    counts = make({"ende": 5})
    counts.add("ende", metrics(4.0, 100.0), seconds=1.0, examples=10, amounts={})
    counts.flush()
    means, steps_per_s = counts.flush()
    assert (means, steps_per_s) == ({}, 0.0)
    assert counts.steps == {"ende": 6, "pictures": 0}


def test_rows_keep_what_a_problem_had_last():
    counts = make()
    counts.add("pictures", metrics(1.0, 32.0), seconds=0.5, examples=32, amounts={"pictures": 32})
    counts.evaluated["pictures"] = ("accuracy", 0.5)
    counts.rows(counts.flush()[0])
    counts.add("ende", metrics(4.0, 100.0), seconds=1.0, examples=10, amounts={})
    ende, pictures = counts.rows(counts.flush()[0])
    assert (ende.loss, ende.unit, ende.share) == (4.0, "tokens", 1.0)
    assert ende.expert_load == [0.25, 0.75]  # of the layer that is the least even
    assert (pictures.loss, pictures.unit) == (1.0, "pictures")
    assert ende.throughput > 0 and pictures.throughput > 0
    assert (pictures.share, pictures.metric) == (0.0, ("accuracy", 0.5))


def test_time_spent_on_other_things_is_left_out():
    counts = make()
    with counts.paused():
        time.sleep(0.2)
    counts.add("ende", metrics(1.0, 10.0), seconds=0.1, examples=1, amounts={})
    assert counts.flush()[1] > 1 / 0.15


def test_the_pace_is_told_by_the_first_input_of_a_unit_of_its_own():
    counts = make()
    amounts = {"sound seconds": 12.0, "pictures": 4.0}
    counts.add("ende", metrics(1.0, 50.0), seconds=2.0, examples=4, amounts=amounts)
    counts.add("pictures", metrics(1.0, 8.0), seconds=2.0, examples=8, amounts={})
    means, steps_per_s = counts.flush()
    elapsed = 2 / steps_per_s
    rates = {name: value for name, value in means["ende"].items() if name.endswith("_per_s")}
    assert rates == pytest.approx(
        {
            "examples_per_s": 4 / (elapsed / 2),
            "sound_seconds_per_s": 12 / (elapsed / 2),
            "pictures_per_s": 4 / (elapsed / 2),
            "tokens_per_s": 50 / (elapsed / 2),
        }
    )
    ende, pictures = counts.rows(means)
    assert (ende.throughput, ende.unit) == (means["ende"]["sound_seconds_per_s"], "sound seconds")
    assert (pictures.throughput, pictures.unit) == (means["pictures"]["examples_per_s"], "examples")


def test_a_pause_within_a_pause_counts_once(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(statistics.time, "perf_counter", lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    counts = make()
    passes(2.0)
    counts.add("ende", metrics(1.0, 10.0), seconds=2.0, examples=4, amounts={})
    with counts.paused():  # an evaluation of 30 s ...
        passes(20.0)
        with counts.paused():  # ... that saves a checkpoint
            passes(10.0)
            assert counts.active_s == 2.0
    passes(2.0)
    counts.add("ende", metrics(1.0, 10.0), seconds=2.0, examples=4, amounts={})
    means, steps_per_s = counts.flush()
    assert steps_per_s == 2 / 4.0
    assert means["ende"]["examples_per_s"] == 8 / 4.0
    assert counts.active_s == 4.0


def test_sums_go_through_json_and_on_as_if_nothing_had_been():
    losses = [1 / 3, 1e-9, 7e5, 2 / 7, 0.1]
    straight, first = make(), make()
    for number, loss in enumerate(losses):
        for counts in (straight, first) if number < 3 else (straight,):
            counts.add("ende", metrics(loss, 3.0), seconds=1.0, examples=2, amounts={"words": 0.7})
    second = make(first.steps)
    second.restore(json.loads(json.dumps(first.state())))
    for loss in losses[3:]:
        second.add("ende", metrics(loss, 3.0), seconds=1.0, examples=2, amounts={"words": 0.7})
    assert second.steps == straight.steps
    (one, _), (two, _) = straight.flush(), second.flush()
    timed = {name for name in one["ende"] if name.endswith("_per_s")}
    for name in set(one["ende"]) - timed:
        assert one["ende"][name] == two["ende"][name], name
    assert timed and one["ende"]["loss"] == pytest.approx(sum(losses) / 5)


def test_what_was_taken_before_a_checkpoint_took_its_time_too(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(statistics.time, "perf_counter", lambda: now[0])
    first = make()
    first.add("ende", metrics(1.0, 10.0), seconds=6.0, examples=4, amounts={})
    now[0] += 6.0
    state = first.state()
    now[0] += 1000.0
    second = make()
    second.restore(state)
    now[0] += 2.0
    second.add("ende", metrics(1.0, 10.0), seconds=2.0, examples=4, amounts={})
    assert second.flush()[1] == 2 / 8.0


def test_means_are_looked_at_without_ending_the_sums():
    counts = make()
    counts.add("ende", metrics(4.0, 100.0), seconds=1.0, examples=10, amounts={})
    assert counts.means()[0]["ende"]["loss"] == 4.0
    counts.add("ende", metrics(2.0, 100.0), seconds=1.0, examples=10, amounts={})
    assert counts.flush()[0]["ende"]["loss"] == 3.0


def test_parts_of_one_step_are_one_step(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(statistics.time, "perf_counter", lambda: now[0])
    counts = make()
    for _ in range(3):
        counts.add("ende", metrics(1.0, 10.0), seconds=1.0, examples=4, amounts={})
        counts.add(
            "pictures", metrics(1.0, 8.0), seconds=1.0, examples=8, amounts={}, is_first=False
        )
    second = make()
    second.restore(json.loads(json.dumps(counts.state())))
    now[0] = 6.0
    for one in (counts, second):
        means, pace = one.means()
        assert means["ende"]["share"] == means["pictures"]["share"] == 1.0  # both in every step
        assert pace == pytest.approx(3 / 6)
    assert counts.steps == {"ende": 3, "pictures": 3}
