"""mm-list: its answer, its table, and that it stays light."""

import io
import json
import subprocess
import sys

import pytest

from t2t_mm.reports import listing

HEAVY = {"PIL", "gin", "keras", "numpy", "pydantic", "sacrebleu", "sentencepiece", "tensorflow"}
"""Packages whose import takes longer than a list may."""

OTHERS = ("models", "modalities", "metrics", "schedules", "optimizers", "decays")


def test_the_answer_holds_what_programs_rely_on(python):
    done = python("-m", "t2t_mm.bin.list", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"problems", *OTHERS, "plugins"}
    problem = next(entry for entry in answer["problems"] if entry["name"] == "multi30k_ende")
    assert {
        "name": "multi30k_ende",
        "command": "to-german",
        "plugin": "t2t_mm.problems.multi30k",
    }.items() <= problem.items()
    assert {"version", "inputs", "targets", "metrics", "splits", "sources"} <= set(problem)
    assert all(value["modality"] == "language" for value in problem["inputs"].values())
    for kind in OTHERS:
        assert all(set(entry) == {"name", "plugin"} for entry in answer[kind])
    assert {"name": "multi_model", "plugin": "t2t_mm"} in answer["models"]
    for report in answer["plugins"]:
        assert set(report) == {"name", "origin", "status", "error", "defines"}
        assert report["status"] == "ok", report


def test_the_table_names_problems_corpora_and_plugins(python):
    done = python("-m", "t2t_mm.bin.list")
    assert done.returncode == 0, done.stderr
    assert "multi30k_ende 1.0.0" in done.stdout
    assert "MANUAL_DIR/multi30k/" in done.stdout
    assert "proportional" in done.stdout
    assert "\x1b" not in done.stdout  # no colours into a pipe


def test_a_broken_plugin_stands_in_the_list_and_hurts_nobody(python, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "broken.py").write_text("boom()\n")
    done = python("-m", "t2t_mm.bin.list", "--usr_dir", folder)
    assert done.returncode == 0, done.stderr
    assert "plugin mine.broken failed: " in done.stdout
    assert "multi30k_ende" in done.stdout


def test_a_problem_that_cannot_describe_itself_is_left_out(python, tmp_path):
    (tmp_path / "odd.py").write_text(
        "from t2t_mm import registry\n"
        "registry.problems.add('odd_one', 'collections:no_such_thing')\n"
    )
    done = python("-m", "t2t_mm.bin.list", "--json", f"--usr_dir={tmp_path}")
    assert done.returncode == 0
    assert "problem odd_one" in done.stderr
    names = {problem["name"] for problem in json.loads(done.stdout)["problems"]}
    assert "odd_one" not in names
    assert "multi30k_ende" in names


def test_neither_the_list_nor_the_package_imports_what_training_needs(python):
    program = (
        "import sys, t2t_mm; from t2t_mm.bin import list as command; command.main(['--json']); "
        f"heavy = {HEAVY} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = python("-c", program)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_early_is_no_error():
    command = (
        f"'{sys.executable}' -m t2t_mm.bin.list | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "0"
    assert done.stderr == ""


def test_names_and_patterns_choose_problems(python):
    done = python("-m", "t2t_mm.bin.list", "--json", "--problem=wmt_*,vqa")
    names = [problem["name"] for problem in json.loads(done.stdout)["problems"]]
    assert sorted(names) == names and names[0] == "vqa" and len(names) == 7
    unknown = python("-m", "t2t_mm.bin.list", "--problem=wmt_edne")
    assert unknown.returncode == 2 and "Did you mean 'wmt_ende'?" in unknown.stderr


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
def test_no_name_is_broken_at_any_width(width):
    import rich.console

    problem = {
        "name": "tfds_speech_commands",
        "version": "1.0.0",
        "inputs": {"audio": {"modality": "audio", "sample_rate": 16_000}},
        "targets": {"modality": "categorical", "classes": list("abc")},
        "command": "to-class",
        "splits": ["train", "validation", "test"],
        "sources": ["tfds"],
        "corpus": "",
        "layout": "",
        "plugin": "t2t_mm.problems.tfds_sets",
    }
    answer = {"problems": [problem], "plugins": []}
    answer |= {kind: [] for kind in OTHERS}
    stream = io.StringIO()
    listing.show(answer, console=rich.console.Console(file=stream, width=width))
    words = stream.getvalue().split()
    assert {"tfds_speech_commands", "audio", "categorical"} <= set(words)
    assert ("t2t_mm.problems.tfds_sets" in words) == (width == 160)
    assert max(map(len, stream.getvalue().splitlines())) <= width
