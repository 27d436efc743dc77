"""Experiments as a whole, with commands that end at once; one of them with real ones."""

import csv
import json
import os
import pathlib
import signal
import threading
import time

import pytest

import t2t_mm
from t2t_mm import errors
from t2t_mm.bin import experiment as command
from t2t_mm.process import extras

THREE = "ExperimentSettings.groups = ('joint', 'alone_for_steps', 'alone_for_time')"


def rows(folder, name):
    with (folder / "tables" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def test_joint_and_alone(told, data, gin_file, tmp_path):
    folder = tmp_path / "out"
    answer = t2t_mm.experiment(gin_file(THREE), data_dir=data, output_dir=folder, seeds=(0, 1, 2))
    assert [run["name"] for run in answer["runs"]][:3] == [
        "joint",
        "alone_for_steps.fsdd",
        "alone_for_steps.tiny_imagenet",
    ]
    assert {run["status"] for run in answer["runs"]} == {"done"}
    assert answer["runs"][0]["results"]["fsdd"]["accuracy"] == 0.625
    assert set(answer["tables"]) == {"runs", "means", "differences"}
    steps = {
        row["name"]: row["command"].partition("--train_steps=")[2] for row in rows(folder, "runs")
    }
    assert steps["joint"] == ""
    assert steps["alone_for_steps.fsdd"].startswith("20 ")  # half of 40
    # The joint run took 4 s, and the one alone has 10 steps a second.
    assert steps["alone_for_time.fsdd"].startswith("40 ")
    found = rows(folder, "differences")[0]
    assert (found["problem"], found["run"], found["less"]) == ("fsdd", "joint", "alone_for_steps")
    # Of seeds 0, 1, 2: 1/8, 9/64, 10/64; mean 9/64, sd 1/64; 4.3027 / 64 / sqrt(3) = 0.03881
    assert float(found["difference"]) == pytest.approx(9 / 64)
    assert float(found["seeds_low"]) == pytest.approx(9 / 64 - 0.03881, abs=1e-5)
    assert found["verdict"] == "better"
    page = (folder / "report.html").read_text()
    assert "Experiment two" in page and "alone_for_time" in page


def test_given_again_it_goes_on(told, data, gin_file, tmp_path):
    asked = {"data_dir": data, "output_dir": tmp_path / "out"}
    file = gin_file(THREE)
    told.fails = "trainer joint/0"
    said = []
    answer = t2t_mm.experiment(file, **asked, seeds=(0, 1), say=said.append)
    status = {(run["name"], run["seed"]): run["status"] for run in answer["runs"]}
    assert status["joint", 0] == "failed"
    assert status["alone_for_time.fsdd", 0] == "skipped"
    assert status["alone_for_time.fsdd", 1] == "done"
    assert answer["runs"][0]["why"] == "mm-trainer joint/0: There is not enough of it."
    assert "There is not enough" in pathlib.Path(answer["runs"][0]["log"]).read_text()
    assert any("joint, seed 0: failed" in line for line in said)

    told.fails = ""
    told.clear()
    answer = t2t_mm.experiment(file, **asked, seeds=(0, 1, 2))
    assert {run["status"] for run in answer["runs"]} == {"done"}
    assert {line[-2:] for line in told} == {"/0", "/2"}

    told.clear()
    t2t_mm.experiment(file, **asked, seeds=(0, 1, 2))
    assert told == []


def test_a_run_that_was_trained_is_only_measured_the_next_time(told, data, gin_file, tmp_path):
    asked = {"data_dir": data, "output_dir": tmp_path / "out", "seeds": (0,)}
    file = gin_file("TrainSettings.train_seconds = 60")
    told.fails = "eval joint/0"
    (run,) = t2t_mm.experiment(file, **asked)["runs"]
    assert (run["status"], run["step"]) == ("failed", 40)
    told.fails = ""
    told.clear()
    (run,) = t2t_mm.experiment(file, **asked)["runs"]
    assert (run["status"], told) == ("done", ["eval joint/0"])
    kept = json.loads((tmp_path / "out" / "outcomes" / "joint" / "0.json").read_text())
    assert (kept["is_trained"], kept["seconds"], kept["machine"]) == (True, 4.0, "Test, 2 cores")


def test_another_experiment_needs_another_folder(told, data, gin_file, tmp_path):
    asked = {"data_dir": data, "output_dir": tmp_path / "out", "seeds": (0,)}
    t2t_mm.experiment(gin_file(), **asked)
    with pytest.raises(errors.ConfigError, match=r"holds another experiment: two, not other"):
        t2t_mm.experiment(gin_file(name="other"), **asked)
    with pytest.raises(errors.ConfigError, match=r"ExperimentSettings.split of base is '' there"):
        # Runs that are done would keep what was measured on the other split.
        t2t_mm.experiment(gin_file("ExperimentSettings.split = 'train'"), **asked)
    with pytest.raises(errors.ConfigError, match=r"TrainSettings.save_every of base is"):
        t2t_mm.experiment(gin_file("TrainSettings.save_every = 7"), **asked)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(errors.ConfigError, match=r"no experiment's. Received: notes.txt"):
        t2t_mm.experiment(gin_file(), **asked | {"output_dir": tmp_path / "full"})


def test_two_at_a_time_share_the_processors(told, data, gin_file, tmp_path):
    answer = t2t_mm.experiment(
        gin_file(THREE), data_dir=data, output_dir=tmp_path / "out", seeds=(0, 1), jobs=2
    )
    assert {run["status"] for run in answer["runs"]} == {"done"}


def test_an_interrupt_ends_the_runs_in_order(waiting, data, gin_file, tmp_path, capsys):
    folder = tmp_path / "out"

    def interrupt():
        while not waiting.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt, daemon=True).start()
    flags = [f"--experiment={gin_file(THREE)}", f"--data_dir={data}", f"--output_dir={folder}"]
    assert command.main([*flags, "--seeds=1"]) == 130
    err = capsys.readouterr().err
    assert err.endswith("mm-experiment: ended by SIGTERM; the same command goes on from there\n")
    kept = json.loads((folder / "outcomes" / "joint" / "0.json").read_text())
    assert kept["status"] == "interrupted"


def test_the_command_answers_json_and_says_what_ended_badly(told, data, gin_file, tmp_path, capfd):
    told.fails = "eval alone.fsdd/0"
    file = gin_file("ExperimentSettings.groups = ('joint', 'alone')")
    flags = [f"--experiment={file}", f"--data_dir={data}", f"--output_dir={tmp_path / 'out'}"]
    assert command.main([*flags, "--seeds=1", "--json"]) == 2
    out, err = capfd.readouterr()
    answer = json.loads(out)
    assert set(answer) == {"runs", "tables", "report"}
    assert [run["status"] for run in answer["runs"]] == ["done", "failed", "done"]
    assert err.splitlines()[-1].startswith(
        "mm-experiment: 1 of 3 runs are not done. Received: alone.fsdd, seed 0: failed."
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"executor": "slrum"}, "Did you mean 'slurm'"), ({"jobs": 0}, "Received: jobs=0")],
)
def test_ways_of_working_that_there_are_not(asked, said):
    with pytest.raises(errors.ConfigError, match=said):
        t2t_mm.experiment("joint_vs_alone", **asked)


def test_a_dry_run_shows_the_commands(data, gin_file, tmp_path, capsys):
    file = gin_file("ExperimentSettings.groups = ('alone', 'pairs')")
    flags = [f"--experiment={file}", f"--data_dir={data}", f"--output_dir={tmp_path / 'out'}"]
    assert command.main([*flags, "--seeds=4,", "--dry_run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "alone.fsdd, seed 4",
        "alone.tiny_imagenet, seed 4",
        "pairs.fsdd.tiny_imagenet, seed 4",
    ]
    assert lines[2].endswith("--seed=4 --schedule=uniform --train_steps=80 --json")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_trainings_and_evaluations_as_they_are(tmp_path, capfd):
    data, folder = tmp_path / "data", tmp_path / "out"
    t2t_mm.generate(["fsdd", "imagenet"], data, source="sample", sample_size=40)
    flags = ["--experiment=joint_vs_alone", f"--data_dir={data}", f"--output_dir={folder}"]
    flags += ["--gin_file=models/transformer_tiny", "--seeds=2", "--json"]
    for binding in (
        "MixtureSettings.problems = ('fsdd', 'imagenet')",
        "TrainSettings.train_steps = 4",
        "TrainSettings.log_every = 1",
        "TrainSettings.eval_examples = 2",
        "Batching.batch_examples = 4",
    ):
        flags.append(f"--gin_param={binding}")
    assert command.main(flags) == 0
    answer = json.loads(capfd.readouterr().out)
    assert [run["status"] for run in answer["runs"]] == ["done"] * 10
    found = {(r["metric"], r["run"], r["less"]): r for r in rows(folder, "differences")}
    row = found["accuracy", "joint", "alone_for_steps"]
    assert row["seeds"] == "2" and row["seeds_low"] and row["examples_low"]
    own = [r for r in rows(folder, "means") if r["run"] in ("joint", "alone_for_steps")]
    assert {r["own_steps"] for r in own if r["problem"] == "fsdd"} == {own[0]["own_steps"]}
    drawn = (folder / "report.html").read_text()
    assert drawn.count("<svg") >= 2


@pytest.mark.slow
def test_an_array_of_jobs(tmp_path, data, gin_file):
    """By submitit's own executor; the jobs find no records to train on, and say so."""
    pytest.importorskip("submitit")
    answer = t2t_mm.experiment(
        gin_file("SlurmSettings.cluster = 'local'"),
        data_dir=data,
        output_dir=tmp_path / "out",
        seeds=(0, 1),
        executor="slurm",
    )
    assert [run["status"] for run in answer["runs"]] == ["failed", "failed"]
    assert all("mm-trainer: " in run["why"] for run in answer["runs"])


@pytest.mark.parametrize(
    ("package", "binding", "executor"),
    [("submitit", "", "slurm"), ("optuna", "TuneSettings.trials = 1", "local")],
)
def test_a_missing_package_is_told_before_the_first_run(
    package, binding, executor, data, gin_file, tmp_path, monkeypatch
):
    find = extras.importlib.util.find_spec
    gone = {package: None}
    monkeypatch.setattr(
        extras.importlib.util, "find_spec", lambda name: gone.get(name, name) and find(name)
    )
    asked = {"data_dir": data, "output_dir": tmp_path / "out", "executor": executor}
    with pytest.raises(errors.ConfigError, match=rf"{package}.*t2t-mm\[experiments\]"):
        t2t_mm.experiment(gin_file(binding), **asked)
    assert not (tmp_path / "out").exists()


def test_no_slurm_is_told(told, data, gin_file, tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = {"data_dir": data, "output_dir": tmp_path / "out", "executor": "slurm"}
    with pytest.raises(errors.ConfigError, match=r"cannot be submitted.*--executor=local"):
        t2t_mm.experiment(gin_file(), **asked)
