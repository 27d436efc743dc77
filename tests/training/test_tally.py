"""Means, shares and rates between two lines of the log."""

import types

import numpy as np
import pytest

from t2t_mm.training import tally


def make(steps=()):
    text = types.SimpleNamespace(
        name="ende", targets=types.SimpleNamespace(autoregressive=True), inputs={}
    )
    pictures = types.SimpleNamespace(
        name="pictures",
        targets=types.SimpleNamespace(autoregressive=False),
        inputs={"image": types.SimpleNamespace(kind="image")},
    )
    return tally.Tally([text, pictures], dict(steps))


def metrics(loss, tokens, load=(1.0, 3.0)):
    return {"loss": loss, "tokens": tokens, "expert_load": np.array(load)}


def test_means_shares_and_rates():
    counts = make()
    counts.add("ende", metrics(4.0, 100.0), seconds=1.0, examples=10)
    counts.add("ende", metrics(2.0, 300.0), seconds=3.0, examples=10)
    counts.add("pictures", metrics(1.0, 32.0), seconds=0.5, examples=32)
    means, steps_per_s = counts.flush()
    assert means["ende"]["loss"] == 3.0
    assert means["ende"]["share"] == pytest.approx(2 / 3)
    assert means["ende"]["tokens_per_s"] == pytest.approx(400 / 4)
    assert means["pictures"]["examples_per_s"] == pytest.approx(32 / 0.5)
    assert means["ende"]["expert_load"] == [0.25, 0.75]
    assert steps_per_s > 0


def test_sums_start_anew_and_counts_go_on():
    counts = make({"ende": 5})
    counts.add("ende", metrics(4.0, 100.0), seconds=1.0, examples=10)
    counts.flush()
    means, steps_per_s = counts.flush()
    assert (means, steps_per_s) == ({}, 0.0)
    assert counts.steps == {"ende": 6, "pictures": 0}


def test_rows_keep_what_a_problem_had_last():
    counts = make()
    counts.add("pictures", metrics(1.0, 32.0), seconds=0.5, examples=32)
    counts.evaluated["pictures"] = ("accuracy", 0.5)
    counts.rows(counts.flush()[0])
    counts.add("ende", metrics(4.0, 100.0), seconds=1.0, examples=10)
    ende, pictures = counts.rows(counts.flush()[0])
    assert (ende.loss, ende.rate, ende.unit, ende.share) == (4.0, 100.0, "tokens", 1.0)
    assert (pictures.loss, pictures.rate, pictures.unit) == (1.0, 64.0, "pictures")
    assert (pictures.share, pictures.metric) == (0.0, ("accuracy", 0.5))
