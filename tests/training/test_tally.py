"""Means, shares and rates between two lines of the log."""

import time
import types

import numpy as np
import pytest

from t2t_mm.modality import Categorical, Language
from t2t_mm.training import tally


def make(steps=()):
    text = types.SimpleNamespace(name="ende", targets=Language())
    pictures = types.SimpleNamespace(name="pictures", targets=Categorical())
    return tally.Tally([text, pictures], dict(steps))


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
    assert ende.rate > 0 and pictures.rate > 0
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
    assert (ende.rate, ende.unit) == (means["ende"]["sound_seconds_per_s"], "sound seconds")
    assert (pictures.rate, pictures.unit) == (means["pictures"]["examples_per_s"], "examples")
