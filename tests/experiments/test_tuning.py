"""The search for hyperparameters, with trainings that end at once."""

import csv
import dataclasses
import json
import pathlib

import pytest

import t2t_mm
from t2t_mm import errors
from t2t_mm.experiments import curves, outcome, plan, tuning
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.settings import experiments as settings_lib

pytest.importorskip("optuna")

SEARCH = (
    "TuneSettings.trials = 8",
    "TuneSettings.tuned_on = ('fsdd',)",
    "TuneSettings.space = (('OptimizerSettings.learning_rate', 'log', 1e-4, 1e-1),)",
    "TuneSettings.prune_after = 3",
)


def trials(folder):
    with (folder / "tables" / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_gain_is_relative_and_a_mean_over_problems():
    base = {
        "a": {"log_perplexity": 2.0, "accuracy": 0.5},
        "b": {"log_perplexity": 4.0, "accuracy": 0.4},
    }
    ours = {
        "a": {"log_perplexity": 1.0, "accuracy": 0.6},
        "b": {"log_perplexity": 5.0, "accuracy": 0.4},
    }
    assert curves.gain(ours, base, "log_perplexity") == pytest.approx((0.5 - 0.25) / 2)
    assert curves.gain(ours, base, "accuracy") == pytest.approx((0.2 + 0) / 2)
    assert curves.gain({"a": ours["a"]}, base, "accuracy") is None


def test_numbers_are_rounded_within_their_range_and_choices_are_kept():
    space = (
        ("a.rate", "log", 1e-4, 0.99999),
        ("a.beta", "choice", 0.9, 0.99995),
        ("a.size", "whole", 1, 99999),
        ("a.kind", "choice", "x", "y"),
    )
    tune = settings_lib.TuneSettings(space=space)
    values = {"a.rate": 0.999987, "a.beta": 0.99995, "a.size": 12345, "a.kind": "y"}
    expected = ["a.rate = 0.99999", "a.beta = 0.99995", "a.size = 12345", "a.kind = 'y'"]
    assert tuning.statements(values, tune) == expected
    assert tuning.statements({"a.rate": 0.00123456}, tune) == ["a.rate = 0.001235"]


@pytest.mark.parametrize("high", [float("inf"), float("nan"), 0.0])
def test_a_range_that_is_none_is_refused(high):
    with pytest.raises(errors.ConfigError, match="space is out of range"):
        settings_lib.TuneSettings(space=(("a.rate", "linear", 0.0, high),))


def test_an_objective_that_the_untuned_run_lacks_is_told(tmp_path):
    found = folder_lib.ExperimentFolder(tmp_path)
    run = plan.PlannedRun("untuned.seen", 0, "untuned", "joint", ("fsdd",))
    found.run(run).mkdir(parents=True)
    line = {"step": 4, "split": "validation", "problem": "fsdd", "metrics": {"accuracy": 0.0}}
    (found.run(run) / "metrics.jsonl").write_text(f"{json.dumps(line)}\n")
    for metric in ("log_perplexity", "accuracy"):
        tune = settings_lib.TuneSettings(trials=1, tuned_on=("fsdd",), metric=metric)
        with pytest.raises(errors.ConfigError, match=f"has no {metric} of every problem.*fsdd: ac"):
            tuning.search(found, tune, run, at_once=1, carry_out=lambda *_: None)


@pytest.mark.slow
def test_the_best_trial_is_compared_on_problems_that_the_search_never_saw(
    told, data, gin_file, tmp_path
):
    folder = tmp_path / "out"
    asked = {"data_dir": data, "output_dir": folder, "seeds": (0, 1)}
    answer = t2t_mm.experiment(gin_file(*SEARCH), **asked)
    assert [run["name"] for run in answer["runs"]][:4] == [
        "untuned.seen",
        "tuned.seen",
        "untuned.unseen",
        "tuned.unseen",
    ]
    assert {run["status"] for run in answer["runs"]} == {"done"}
    found = trials(folder)
    assert [row["run"] for row in found] == [f"trial_{n:03d}" for n in range(8)]
    assert {row["status"] for row in found} == {"complete", "pruned"}
    best = max((row for row in found if row["gain"]), key=lambda row: float(row["gain"]))
    rate = float(best["OptimizerSettings.learning_rate"])
    # The untuned rate is 1e-3: loss 2 + lg 4 - 0.4; the best one's is 1.6 + |lg(rate / 4e-3)|.
    base, own = 1.6 + 0.60206, 1.6 + abs(curves.math.log10(rate / 4e-3))
    assert float(best["gain"]) == pytest.approx((base - own) / base, abs=1e-3)
    assert f"OptimizerSettings.learning_rate = {rate:.4g}" in (folder / "tuned.gin").read_text()
    with (folder / "tables" / "runs.csv").open() as file:
        commands = {row["name"]: row["command"] for row in csv.DictReader(file)}
    assert f"OptimizerSettings.learning_rate = {rate:.4g}" in commands["tuned.unseen"]

    told.clear()
    t2t_mm.experiment(gin_file(*SEARCH), **asked)
    assert told == []
    more = [SEARCH[0].replace("8", "10"), *SEARCH[1:]]
    t2t_mm.experiment(gin_file(*more), **asked)
    assert [line for line in told if "trial" in line] == [
        "trainer trial_008/0",
        "trainer trial_009/0",
    ]


@pytest.mark.slow
def test_a_trial_that_was_interrupted_is_gone_on_with(told, data, gin_file, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    asked = {"data_dir": data, "output_dir": folder, "seeds": (0,)}
    real = tuning._tell

    def interrupted(study, optuna, trial, *rest):
        if trial.number == 2:
            raise KeyboardInterrupt
        real(study, optuna, trial, *rest)

    monkeypatch.setattr(tuning, "_tell", interrupted)
    with pytest.raises(KeyboardInterrupt):
        t2t_mm.experiment(gin_file(*SEARCH), **asked)
    monkeypatch.setattr(tuning, "_tell", real)
    t2t_mm.experiment(gin_file(*SEARCH), **asked)
    found = trials(folder)
    again = [row for row in found if row["run"] == "trial_002"]
    assert [row["status"] == "fail" for row in again] == [True, False]
    key = "OptimizerSettings.learning_rate"
    assert again[0][key] == again[1][key]
    assert sum(row["status"] != "fail" for row in found) == 8


def test_a_search_that_cannot_be_is_refused(told, data, gin_file, tmp_path):
    asked = {"data_dir": data, "output_dir": tmp_path / "out", "seeds": (0,)}
    with pytest.raises(errors.ConfigError, match="Did you mean 'fsdd'"):
        t2t_mm.experiment(
            gin_file(SEARCH[0], SEARCH[2], "TuneSettings.tuned_on = ('fsd',)"), **asked
        )
    with pytest.raises(errors.ConfigError, match=r"does not load: .*'learning_rate'"):
        wrong = SEARCH[2].replace("learning_rate", "learning_rat")
        t2t_mm.experiment(gin_file(*SEARCH[:2], wrong), **asked)
    with pytest.raises(errors.ConfigError, match="variations of its own"):
        more = "ExperimentSettings.variations = (('a',), ('b',))"
        t2t_mm.experiment(gin_file(*SEARCH, more), **asked)
    told.fails = "trainer untuned.seen/0"
    answer = t2t_mm.experiment(gin_file(*SEARCH), **asked)
    assert [run["status"] for run in answer["runs"]] == ["failed", "planned", "planned", "planned"]
    assert not list(pathlib.Path(tmp_path / "out").glob("runs/trial_*"))


def test_tuned_runs_of_before_stand_aside(tmp_path):
    found = folder_lib.ExperimentFolder(tmp_path)
    run = plan.PlannedRun("tuned.seen", 0, "tuned", "joint", ("fsdd",), ("WIDTH = 8",))
    command = ("mm-trainer", "--gin_param=WIDTH = 8")
    done = outcome.Outcome.of(run).replace(status="done", commands=(command,))
    found.save(run, done)
    found.run(run).mkdir(parents=True)
    tuning.set_aside(found, [run])
    assert found.outcome(run) == done
    for number in (1, 2):
        tuning.set_aside(found, [dataclasses.replace(run, statements=("WIDTH = 16",))])
        assert (tmp_path / "runs" / f"tuned.seen.before_{number}" / "0").is_dir()
        assert found.outcome(run).status == "planned"
        found.save(run, done)
        found.run(run).mkdir(parents=True)
