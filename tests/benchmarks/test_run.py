"""The command: what there is, what is refused, and what a missing peer leaves in the table."""

import json

import pytest

from benchmarks import __main__ as command
from benchmarks import context, options, peers, processes
from tests import conftest


def test_it_lists_its_benchmarks_without_tensorflow(python):
    program = (
        "import sys; from benchmarks import __main__ as m; sys.argv = ['b', '--list']; m.main(); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    done = python("-c", program, cwd=conftest.REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(command.NAMES)


def test_an_unknown_benchmark_is_refused(python):
    done = python("-m", "benchmarks", "trainign", cwd=conftest.REPOSITORY)
    assert done.returncode == 2
    assert "there is no benchmark 'trainign'" in done.stderr


def test_every_benchmark_is_a_module_that_measures():
    import importlib

    for name in command.NAMES:
        assert callable(importlib.import_module(f"benchmarks.{name}").measure)


def test_a_missing_peer_or_a_failure_costs_its_own_case_only(tmp_path):
    here = context.Context("training", options.Options(tmp_path, only=("a",)))

    def missing():
        return [here.row("a1", "s", [here.peers.t2t_train("tiny_text")])]

    def failing():
        processes.run(["false"])

    here.case("a1", missing)
    here.case("a2", failing)
    here.case("b", lambda: pytest.fail("it was not asked for"))
    here.case("a3", lambda: [here.row("a3", "s", [1.0])])
    assert [row.skipped for row in here.rows] == ["no --peers given", "false ended with 1:", ""]


def test_what_is_measured_again_replaces_its_rows_and_no_others(tmp_path):
    from benchmarks import rows

    earlier = [
        rows.Row("start", "a", skipped="no peer"),
        rows.Row("start", "b, ten", "s", (1.0,)),
        rows.Row("start", "c", "s", (2.0,)),
    ]
    here = context.Context("start", options.Options(tmp_path))
    here.case("a", lambda: [here.row("a, one", "s", [3.0]), here.row("a, two", "s", [4.0])])
    here.case("b", lambda: [here.row("b, one", "s", [5.0])])
    assert [row.case for row in here.with_earlier(earlier)] == ["c", "a, one", "a, two", "b, one"]


def test_the_table_joins_what_was_measured_at_different_times(tmp_path):
    chosen = options.Options(tmp_path)
    here = context.Context("start", chosen)
    here.case("a", lambda: [here.row("a", "s", [1.0])])
    from benchmarks import machine, rows

    rows.write(tmp_path / "rows" / "start.jsonl", here.rows)
    about = {**machine.describe(), "minutes": 1.0, "command": "python -m benchmarks start"}
    (tmp_path / "rows" / "start.machine.json").write_text(json.dumps(about))
    command.write_table(chosen)
    assert "| start | a | 1.00 |" in (tmp_path / "table.md").read_text()
    (held,) = json.loads((tmp_path / "table.json").read_text())
    assert held["name"] == "start" and held["rows"][0]["our_median"] == 1.0


def test_readings_of_a_peer_are_its_last_ones(tmp_path):
    scripts, home = tmp_path / "scripts", tmp_path / "peers" / "t2t"
    (scripts / "t2t").mkdir(parents=True)
    (home / "venv" / "bin").mkdir(parents=True)
    (home / "venv" / "bin" / "t2t-trainer").touch()
    lines = "\n".join(f"echo global_step/sec: {n}" for n in (9, 8, 1, 3, 2))
    (scripts / "t2t" / "train.sh").write_text(f'{lines}\ntest "$T2T_HOME" = "{home}"\n')
    chosen = options.Options(tmp_path, peers=tmp_path / "peers", peer_scripts=scripts)
    found = peers.Peers(chosen, tmp_path / "log").t2t_train("tiny_text", 50)
    assert found == 2.0  # the first two are left out


def test_a_made_up_corpus_is_the_same_each_time_and_in_step(tmp_path):
    from benchmarks import corpus

    one, two = (corpus.write(tmp_path / name, 30, dev_pairs=5) for name in "ab")
    for name in ("train.src", "train.tgt", "dev.src", "dev.tgt"):
        assert (one / name).read_text() == (two / name).read_text()
    sides = [(one / f"train.{side}").read_text().splitlines() for side in ("src", "tgt")]
    assert [len(line.split()) for line in sides[0]] == [len(line.split()) for line in sides[1]]
    assert len(sides[0]) == 30
