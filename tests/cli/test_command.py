"""Commands: flags, help, JSON, exit codes."""

import errno
import json
import math
import os
import pathlib
import re

import numpy as np
import pytest

from t2t_mm import cli, errors


@pytest.fixture
def command():
    made = cli.Command("mm-count", "Counts to a number.", example="mm-count --to=3")
    made.integer("to", 10, "where to stop")
    made.choice("way", "up", ("up", "down"), "the direction")
    made.path("folder", None, "where to count")
    made.number("pace", 1.5, "numbers a second", least=0.0)
    return made


def run(command, work, *argv):
    return command.run(work, list(argv))


def value(command, name):
    return command.flags[name].value


def test_done_is_zero_and_json_is_one_document(command, capsys):
    def work():
        print("spoils nothing")
        return {"last": value(command, "to"), "nan": math.nan, "path": pathlib.Path("a")}

    assert run(command, work, "--to=3", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"last": 3, "nan": None, "path": "a"}
    assert "spoils nothing" in err


def test_without_json_nothing_is_added(command, capsys):
    assert run(command, lambda: {"last": 3}) == 0
    assert capsys.readouterr().out == ""


def test_json_takes_numpy_scalars_and_keeps_letters(command, capsys):
    assert run(command, lambda: {"ä": [np.float32(0.5), np.int64(2)]}, "--json") == 0
    assert capsys.readouterr().out == '{"ä": [0.5, 2]}\n'


def test_emit_writes_a_line_each(command, capsys):
    def work():
        command.emit({"a": 1})
        command.emit({"a": 2})

    assert run(command, work, "--json") == 0
    assert capsys.readouterr().out == '{"a": 1}\n{"a": 2}\n'


def test_flags_go_back_to_their_defaults_between_runs(command):
    seen = []
    run(command, lambda: seen.append(value(command, "to")), "--to=3")
    run(command, lambda: seen.append(value(command, "to")))
    assert seen == [3, 10]


def test_a_path_has_its_tilde_expanded(command):
    seen = []
    run(command, lambda: seen.append(value(command, "folder")), "--folder=~/x")
    assert seen == [pathlib.Path.home() / "x"]


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--too=3", "Unknown flag --too. Did you mean '--to'?"),
        ("--nonsense", "Unknown flag --nonsense. See mm-count --help."),
        ("--to=three", "Bad value of --to. Received: three."),
        ("--to=-1", "Bad value of --to. Received: -1. Expected: a non-negative integer."),
        ("--pace=fast", "Bad value of --pace. Received: fast."),
        ("--way=upp", "Expected: one of up, down. Did you mean 'up'?"),
        ("--folder=", "Bad value of --folder. Received: nothing."),
        ("--json=5", "Bad value of --json. Received: 5. Expected: true or false."),
        ("--to", "Bad flag: Missing value for flag --to"),
        ("more", "mm-count takes flags only. Received: 'more'."),
        ("--usr_dir=/no/such", "--usr_dir names a folder that is not there. Received: /no/such."),
    ],
)
def test_a_bad_flag_is_one_line_and_exit_2(command, capsys, flag, said):
    assert run(command, lambda: pytest.fail("worked"), flag) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("mm-count: ")
    assert err.count("\n") == 1


def test_a_user_error_is_one_line_and_exit_2(command, capsys):
    def work():
        raise errors.DataError("No data", received="x", hint="Run mm-datagen")

    assert run(command, work) == 2
    assert capsys.readouterr().err == "mm-count: No data. Received: x. Run mm-datagen.\n"


def test_debug_adds_the_traceback(command, capsys):
    def work():
        raise errors.DataError("No data")

    assert run(command, work, "--debug") == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("mm-count: No data.\n")


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "The disk is full"), (errno.EACCES, "No permission")],
)
def test_what_the_disk_refuses_is_the_users_to_mend(command, capsys, number, said):
    def work():
        raise OSError(number, "refused", "/data/file")

    assert run(command, work) == 2
    assert capsys.readouterr().err == f"mm-count: {said}. Received: /data/file.\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "refused", "/data/file"), "Too many files.*ulimit -n 4096"),
        (ImportError(f"x.so: cannot open: {os.strerror(errno.EMFILE)}"), "Too many files"),
        (RuntimeError("can't start new thread"), "no more threads.*ulimit -u"),
        (OSError(errno.EIO, "refused", "/data/file"), "device, fails. Received: /data/file"),
        (OSError(errno.ENOMEM, "refused"), "memory is used up"),
    ],
)
def test_what_the_machine_lacks_is_one_line(command, capsys, error, said):
    def work():
        try:
            raise error
        except type(error) as reason:
            raise ValueError("a consequence") from reason

    assert run(command, work) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(said, line)


def test_a_fault_is_exit_1_with_its_traceback(command, capsys):
    assert run(command, lambda: {}["missing"]) == 1
    err = capsys.readouterr().err
    assert "KeyError: 'missing'" in err
    assert "a fault of t2t-mm" in err


def test_a_fault_in_a_plugin_names_it_and_the_line(command, capsys, tmp_path, registries):
    (tmp_path / "mine.py").write_text(
        """
        import json
        import t2t_mm

        @t2t_mm.register_decay("mine")
        def mine(step, train_steps, settings):
            return json.loads("no number")
    """.replace("\n        ", "\n")
    )

    def work():
        registries.decays.get("mine")(0, 1, None)

    assert run(command, work, f"--usr_dir={tmp_path}") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2].startswith("json.decoder.JSONDecodeError")  # raised by what it calls
    place = f"{tmp_path.name}.mine ({tmp_path / 'mine.py'}:7)"
    assert lines[-1] == f"mm-count: the above is a fault of the plugin {place}, not of t2t-mm"


def test_an_interrupt_is_exit_130(command, capsys):
    def work():
        raise KeyboardInterrupt("saved at step 7")

    assert run(command, work) == 130
    assert capsys.readouterr().err == "mm-count: saved at step 7\n"


def test_a_required_flag_is_asked_for_with_the_example(capsys):
    made = cli.Command("mm-go", "Goes.", example="mm-go --data_dir=data")
    made.path("data_dir", None, "where", required=True)
    assert made.run(dict, []) == 2
    assert capsys.readouterr().err == (
        "mm-go: The flag --data_dir is missing. For example: mm-go --data_dir=data.\n"
    )


def test_problems_is_a_repeatable_comma_list_of_globs(registries):
    for name in ("dog_a", "dog_b", "cat_a"):
        registries.problems.add(name, "collections:OrderedDict")
    made = cli.Command("mm-go", "Goes.", example="mm-go")
    made.problems()
    seen = []
    made.run(lambda: seen.append(made.problem_names()), ["--problem=dog_*, cat_a"])
    made.run(lambda: seen.append(made.problem_names()), ["--problems=cat_a", "--problem=dog_b"])
    assert seen == [["dog_a", "dog_b", "cat_a"], ["cat_a", "dog_b"]]


def test_an_unknown_problem_is_exit_2(registries, capsys):
    registries.problems.add("dog_a", "collections:OrderedDict")
    made = cli.Command("mm-go", "Goes.", example="mm-go")
    made.problems()
    assert made.run(made.problem_names, ["--problem=dog_b"]) == 2
    assert "Did you mean 'dog_a'?" in capsys.readouterr().err


def test_gin_flags_repeat_and_keep_commas():
    made = cli.Command("mm-go", "Goes.", example="mm-go")
    files, params = made.gin()
    argv = ["--gin_param=a.b=(1, 2)", "--gin_param=a.c=3", "--gin_file=x"]
    assert made.run(dict, argv) == 0
    assert files.value == ["x"]
    assert params.value == ["a.b=(1, 2)", "a.c=3"]


@pytest.mark.parametrize("given", ["", ",", " , "])
def test_no_problem_at_all_is_exit_2(capsys, given):
    made = cli.Command("mm-go", "Goes.", example="mm-go")
    made.problems()
    assert made.run(made.problem_names, [f"--problems={given}"]) == 2
    assert "names no problem" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--debug", "--debug=true"])
def test_debug_shows_the_traceback_of_an_error(capsys, flag):
    made = cli.Command("mm-go", "Goes.", example="mm-go")

    def fail():
        raise errors.DataError("gone")

    assert made.run(fail, [flag]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_help_shows_the_example_and_the_flags(command, capsys):
    assert run(command, lambda: pytest.fail("worked"), "--way=down", "--help") == 0
    out = capsys.readouterr().out
    assert "Example:\n  mm-count --to=3\n" in out
    assert "--to=N" in out
    assert "(default 10)" in out
    assert "--way=up|down" in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_broken_plugin_is_a_warning(command, capsys, registries, tmp_path):
    (tmp_path / "broken.py").write_text("boom()\n")
    assert run(command, dict, f"--usr_dir={tmp_path}") == 0
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "broken.py:1: NameError" in err


def test_output_is_utf8_whatever_the_locale(python):
    program = (
        "from t2t_mm import cli; c = cli.Command('mm-go', 'Goes.', example='mm-go'); "
        "c.run(lambda: {'word': 'größer 雪'}, ['--json'])"
    )
    done = python("-c", program, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert json.loads(done.stdout) == {"word": "größer 雪"}, done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--to=3", "--to=4"], "--to=3 and --to=4"),
        (["--to", "3", "--way=up", "--to=4"], "--to=3 and --to=4"),
        (["--json", "--nojson"], "--json and --nojson"),
    ],
)
def test_a_flag_given_twice_is_refused_with_both_values(command, capsys, given, said):
    assert run(command, dict, *given) == 2
    assert f"is given twice. Received: {said}." in capsys.readouterr().err


def test_flags_that_repeat_may_be_given_twice(command):
    assert run(command, dict, "--usr_dir=", "--usr_dir=", "--folder=--to=3", "--to=4") == 0
