"""Folders that nobody has named: where data, runs and corpora are looked for."""

import json
import os
import pathlib

import pytest

from t2t_mm import errors
from t2t_mm.runs import description, folders, run_folder


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def described_problem(name):
    text = {"modality": "language", "vocab": "mm_8k", "max_length": 256}
    return {
        "name": name,
        "version": "1.0.0",
        "inputs": {"inputs": text},
        "targets": text,
        "command": "to-german",
        "metrics": ["bleu"],
        "splits": ["train", "validation"],
        "vocabularies": {},
    }


def make_run(path, problems, *, at=1_000, averaged=None):
    """Writes what tells a folder for a run that was begun `at` seconds after 1970."""
    folder = pathlib.Path(path)
    folder.mkdir(parents=True)
    described = {
        "format": description.FORMAT,
        "model": "transformer",
        "schedule": "uniform",
        "problems": [described_problem(name) for name in problems],
    }
    if averaged:
        described["averaged"] = {"of": "a", "steps": averaged}
    (folder / run_folder.PROBLEMS).write_text(json.dumps(described))
    (folder / run_folder.CONFIG).write_text("")
    os.utime(folder / run_folder.CONFIG, (at, at))


def find(given=None, **options):
    said = []
    found = folders.trained_run(given, say=said.append, **options)
    return str(found.path), said


def test_a_flag_wins_over_a_variable_and_that_over_the_default(monkeypatch):
    assert folders.data_dir() == pathlib.Path("data")
    monkeypatch.setenv("T2T_MM_DATA_DIR", "~/held")
    assert folders.data_dir() == pathlib.Path.home() / "held"
    assert folders.data_dir("given") == pathlib.Path("given")
    monkeypatch.setenv("T2T_MM_DATA_DIR", "  ")
    assert folders.data_dir() == pathlib.Path("data")


def test_a_new_run_is_named_after_model_and_problems_in_any_order():
    name = "runs/multi_model-imagenet-wmt_ende"
    assert str(folders.new_run("multi_model", ["wmt_ende", "imagenet"])) == name
    assert str(folders.new_run("multi_model", ["imagenet", "wmt_ende"])) == name
    assert str(folders.new_run("transformer", ["wmt_ende"])) == "runs/transformer-wmt_ende"


def test_many_problems_have_a_short_name_that_is_theirs_alone():
    names = [f"problem_{n}" for n in range(20)]
    first = folders.new_run("multi_model", names)
    assert first == folders.new_run("multi_model", names[::-1])
    assert first.name.startswith("multi_model-20_problems-")
    assert len(first.name) < 40
    assert first != folders.new_run("multi_model", [*names[:-1], "another"])


def test_the_only_run_is_taken_and_told():
    make_run("runs/a", ["wmt_ende"])
    (folders.RUNS / "notes").mkdir()
    (folders.RUNS / "todo.txt").touch()
    assert find() == ("runs/a", ["the run is runs/a"])


def test_a_named_run_is_not_looked_for(monkeypatch):
    make_run("elsewhere", ["wmt_ende"])
    make_run("by/variable", ["fsdd"])
    assert find("elsewhere") == ("elsewhere", [])
    monkeypatch.setenv("T2T_MM_OUTPUT_DIR", "by/variable")
    assert find() == ("by/variable", [])
    assert find("elsewhere") == ("elsewhere", [])


def test_of_several_runs_the_problems_tell_which():
    make_run("runs/a", ["wmt_ende"])
    make_run("runs/b", ["imagenet", "fsdd"])
    assert find(problems=["fsdd"])[0] == "runs/b"
    assert find(problems=["wmt_*"])[0] == "runs/a"


def test_the_run_of_nothing_else_comes_first():
    make_run("runs/a", ["wmt_ende"])
    make_run("runs/b", ["wmt_ende", "imagenet"])
    assert find(problems=["wmt_ende"])[0] == "runs/a"
    assert find(problems=["imagenet", "wmt_ende"])[0] == "runs/b"


def test_several_that_fit_are_listed_the_newest_first():
    make_run("runs/old", ["wmt_ende"], at=1_000)
    make_run("runs/new", ["wmt_ende"], at=2_000)
    with pytest.raises(errors.ConfigError) as caught:
        find(problems=["wmt_ende"])
    assert "several runs with wmt_ende in runs" in str(caught.value)
    assert "one of --output_dir=runs/new, --output_dir=runs/old" in str(caught.value)


def test_averages_fit_only_where_they_may():
    make_run("runs/a", ["wmt_ende"])
    make_run("runs/a_mean", ["wmt_ende"], averaged=[1, 2])
    assert find(averages=False)[0] == "runs/a"
    with pytest.raises(errors.ConfigError, match="several runs"):
        find()


def test_no_run_says_how_to_get_one():
    with pytest.raises(errors.ConfigError, match=r"mm-trainer --problems=fsdd trains one"):
        find(problems=["fsdd"])
    make_run("runs/a", ["wmt_ende"])
    with pytest.raises(errors.ConfigError, match=r"no run with fsdd in runs. Received: runs/a\."):
        find(problems=["fsdd"])


def test_a_damaged_run_is_passed_over():
    make_run("runs/a", ["wmt_ende"])
    make_run("runs/b", ["wmt_ende"])
    (folders.RUNS / "b" / run_folder.PROBLEMS).write_text("{")
    assert find()[0] == "runs/a"
