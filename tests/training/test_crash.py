"""Steps that are not finite, end to end: stopped and repeated, left out, gone back from."""

import json
import math
import shlex

import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import errors
from t2t_mm.bin import trainer
from t2t_mm.models import base
from t2t_mm.training import crash_repeat, single_steps, step
from tests.training import test_loop
from tests.training.test_loop import PROBLEMS, TINY, told, train, weights

data_dir = test_loop.data_dir
at_step = test_loop.at_step

EXPLODING = [
    *TINY,
    "OptimizerSettings.learning_rate = 1e38",
    "OptimizerSettings.warmup_steps = 0",
]


@pytest.fixture(params=PROBLEMS)
def exploded(request, data_dir, tmp_path):
    """A run of one problem that has been stopped, and what was said."""
    with pytest.raises(errors.NotFiniteError) as raised:
        t2t_mm.train(
            [request.param],
            data_dir=data_dir,
            output_dir=tmp_path / "a run",
            train_steps=20,
            eval_every=0,
            gin_params=[*EXPLODING, "TrainSettings.log_every = 1000"],
        )
    return tmp_path / "a run", request.param, str(raised.value)


def test_a_stop_names_all_and_leaves_what_repeats_it(exploded, capsys):
    run, problem, said = exploded
    held = json.loads((run / "crash" / "crash.json").read_text())
    assert held["step"] <= 3  # whatever log_every says
    for part in (f"Step {held['step']}", problem, "loss ", "learning rate 1e+38", held["keys"][0]):
        assert part in said
    assert held["origin"].startswith("the output of ") and held["origin"] in said
    assert held["keys"] and all(key.startswith("train") for key in held["keys"])
    repeats, goes_on = (  # no dot or comma ends them: a copied command is understood
        shlex.split(f"mm-trainer{part}") for part in _commands(said)
    )
    assert repeats == ["mm-trainer", f"--output_dir={run}", "--repeat_crash"]
    assert goes_on == repeats[:2]
    assert "begins anew" in said  # there is no checkpoint yet
    # Computed in float32 already, and before any warm-up.
    assert "float32" not in said and "a warm-up (warmup_steps)" in said
    assert trainer.main(repeats[1:]) == 2
    again = capsys.readouterr().err
    assert f"step {held['step']} of {run}, left " in again and "gone on" not in again
    for part in (f"Step {held['step']}, of {problem}, is not finite", held["origin"]):
        assert part in again
    assert trainer.main([*repeats[1:], "--gin_param=OptimizerSettings.learning_rate = 1e-3"]) == 2
    assert "OptimizerSettings.learning_rate has no effect" in capsys.readouterr().err


def _commands(said):
    """The rest of the two commands of an error."""
    repeats, goes_on = said.split("mm-trainer")[1:]
    return repeats.partition(" repeats")[0], goes_on.partition(" begins")[0]


@pytest.mark.slow
def test_a_repeated_step_that_is_finite_says_so(data_dir, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        _spoil(patch, {2})
        with pytest.raises(errors.NotFiniteError):
            train(data_dir, run)
    assert trainer.main([f"--output_dir={run}", "--repeat_crash", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["step"] == 2 and math.isfinite(found["loss"]) and found["norm"] > 0


@pytest.mark.slow
def test_damage_of_what_was_left_is_one_line(data_dir, tmp_path, monkeypatch):
    run = tmp_path / "run"
    with pytest.raises(errors.ConfigError, match="There is no folder"):
        crash_repeat.repeat(run)
    train(data_dir, run, train_steps=1)
    with pytest.raises(errors.ConfigError, match="No step of the run"):
        crash_repeat.repeat(run)
    _spoil(monkeypatch, {2})
    with pytest.raises(errors.NotFiniteError):
        train(data_dir, run)
    batch = run / "crash" / "batch-0.npz"
    whole = batch.read_bytes()
    for wrong in (b"", b"PK\x03\x04", whole[: len(whole) // 2]):
        batch.write_bytes(wrong)
        with pytest.raises(errors.DataError, match="batch-0.npz cannot be used"):
            crash_repeat.repeat(run)
    np.savez(batch, targets=np.array([{}], object))  # a pickle
    with pytest.raises(errors.DataError, match="allow_pickle"):
        crash_repeat.repeat(run)
    (run / "crash" / "crash.json").write_text("{}")
    with pytest.raises(errors.DataError, match="crash.json is damaged"):
        crash_repeat.repeat(run)


@pytest.mark.slow
def test_a_step_of_several_problems_leaves_the_one_that_is_to_blame(
    data_dir, tmp_path, monkeypatch, capsys
):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        _spoil(patch, {4})  # numbers go by problem: the second one of the second step
        with pytest.raises(errors.NotFiniteError, match="Step 2, of imagenet, is not finite"):
            train(data_dir, run, gin_params=[*TINY, "TrainSettings.problems_per_step = 2"])
    held = json.loads((run / "crash" / "crash.json").read_text())
    assert (held["step"], held["problem"], held["seed"]) == (2, "imagenet", [0, 3])
    assert trainer.main([f"--output_dir={run}", "--repeat_crash", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problem"] == "imagenet"


def _spoil(monkeypatch, numbers):
    """Makes the loss of some steps, told by their seeds, infinite; that of `numbers`."""
    real = base.Model.loss
    bad = tf.constant([number - 1 for number in sorted(numbers)])

    def loss(self, task_name, batch, *, training, seed=None, command=None):
        value, metrics = real(self, task_name, batch, training=training, seed=seed, command=command)
        if not training:
            return value, metrics
        is_bad = tf.reduce_any(tf.equal(bad, seed[1]))
        return value * tf.where(is_bad, math.inf, 1.0), metrics

    monkeypatch.setattr(base.Model, "loss", loss)


def _policy(policy, **bounds):
    named = {"policy": repr(policy), **bounds}
    return [*TINY, *(f"NotFiniteSettings.{name} = {value}" for name, value in named.items())]


@pytest.mark.slow
def test_the_failing_step_touches_no_weight(data_dir, tmp_path, monkeypatch):
    train(data_dir, tmp_path / "two", train_steps=2)
    _spoil(monkeypatch, {3})
    with pytest.raises(errors.NotFiniteError, match="Step 3"):
        train(data_dir, tmp_path / "run")
    before = weights(tmp_path / "two", 2)
    kept = weights(tmp_path / "run" / "crash", 2)
    assert kept and set(kept) <= set(before)
    for name, value in kept.items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


@pytest.mark.slow
def test_skipped_steps_are_counted_and_a_resumed_run_is_the_same(
    data_dir, tmp_path, monkeypatch, at_step, capsys
):
    chosen = _policy("skip", most_in_a_row=2, most_in_all=3)
    _spoil(monkeypatch, {2, 3, 5})
    answer = train(data_dir, tmp_path / "straight", gin_params=chosen)
    said = capsys.readouterr().err
    assert said.count("left out") == 3
    assert "2 of at most 2 in a row, 2 of at most 3 in all" in said
    assert answer["skipped_steps"] == 3
    assert sum(problem["steps"] for problem in answer["problems"].values()) == 6
    runs = [line for line in told(tmp_path / "straight") if line["problem"] == ""]
    counted = [(line["step"], line["metrics"]["skipped_steps"]) for line in runs]
    assert counted == [(2, 1.0), (4, 2.0), (6, 3.0)]
    at_step(5, test_loop._kill)
    with pytest.raises(test_loop._Killed):
        train(data_dir, tmp_path / "parts", gin_params=chosen, save_every=3)
    at_step(0, test_loop._kill)
    train(data_dir, tmp_path / "parts", gin_params=chosen)
    assert told(tmp_path / "parts") == told(tmp_path / "straight")
    one, two = weights(tmp_path / "straight", 6), weights(tmp_path / "parts", 6)
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


def test_skipping_has_a_bound(data_dir, tmp_path, monkeypatch):
    _spoil(monkeypatch, {2, 3, 4})
    with pytest.raises(errors.NotFiniteError, match="Step 4"):
        train(data_dir, tmp_path / "run", gin_params=_policy("skip", most_in_a_row=2))


@pytest.mark.slow
def test_going_back_restores_and_takes_other_examples(data_dir, tmp_path, monkeypatch, capsys):
    seen = []
    take = single_steps.Steps.take

    def watched(self, *args, **kwargs):
        metrics = take(self, *args, **kwargs)
        number = int(kwargs["seed"][1]) + 1
        seen.append((number, float(metrics["loss"])))
        if number == 4 and len(seen) == 4:  # the first time that step 4 is taken
            metrics = {**metrics, step.FINITE: tf.constant(0.0)}
        return metrics

    monkeypatch.setattr(single_steps.Steps, "take", watched)
    chosen = _policy("go_back", most_returns=1)
    answer = train(data_dir, tmp_path / "run", gin_params=chosen, save_every=2)
    assert [number for number, _ in seen] == [1, 2, 3, 4, 3, 4, 5, 6]
    assert seen[2][1] != seen[4][1]  # the same step, on the examples that come next
    assert (answer["step"], answer["returns"]) == (6, 1)
    said = capsys.readouterr().err
    assert "1 of at most 1 times" in said and "Going on from step 2" in said
    lines = [line["step"] for line in told(tmp_path / "run") if line["problem"] == ""]
    assert lines == [2, 4, 6]


@pytest.mark.slow
def test_going_back_has_a_bound_and_something_to_go_back_to(data_dir, tmp_path, monkeypatch):
    _spoil(monkeypatch, {1})
    with pytest.raises(errors.NotFiniteError, match="Step 1,"):
        train(data_dir, tmp_path / "run", gin_params=_policy("go_back", most_returns=2))


@pytest.mark.slow
def test_a_rate_far_too_high_is_warned_of_and_its_model_not_kept_in_silence(
    data_dir, tmp_path, capsys
):
    high = ["OptimizerSettings.learning_rate = 1e6", "OptimizerSettings.warmup_steps = 0"]
    train(data_dir, tmp_path / "run", gin_params=[*TINY, *high], train_steps=8)
    said = capsys.readouterr().err
    warned = [line for line in said.splitlines() if "the training diverges" in line]
    assert 1 <= len(warned) <= 2 and "learning rate is 1e+06" in warned[0]  # once a problem
    assert "Warning: step 8 is kept as the best so far, but is no better than a guess" in said
