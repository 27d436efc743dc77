"""The command: its answer, its exit codes, its words."""

import json

import pytest

from t2t_mm.bin import datagen


@pytest.fixture
def run(toys, toy_raw, tmp_path, capsys):
    """Runs mm-datagen in this process; returns exit code, JSON answer, and what was said."""

    def call(*flags, data_dir=tmp_path / "data"):
        arguments = [f"--usr_dir={toys}", f"--data_dir={data_dir}", "--workers=1", "--json", *flags]
        code = datagen.main(arguments)
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return call


def test_the_answer_and_the_table(run, toy_raw):
    code, answer, said = run("--problem=toy_text", f"--manual_dir={toy_raw.parent}")
    assert code == 0
    done = answer["problems"]["toy_text"]
    assert done.keys() == {"status", "splits", "seconds"}
    assert done["status"] == "generated"
    assert done["splits"]["train"].keys() == {"examples", "shards", "bytes"}
    assert answer["vocabularies"]["toy"].keys() == {"size", "sha256"}
    for words in ("toy_text train: 50 examples", "generated", "validation", "vocabulary toy"):
        assert words in said


def test_statuses(run):
    flags = ("--problem=toy_text,toy_pictures", "--source=sample", "--sample_size=6")
    for more, status in (([], "generated"), ([], "unchanged"), (["--verify"], "verified")):
        code, answer, _ = run(*flags, *more)
        assert code == 0
        assert {p["status"] for p in answer["problems"].values()} == {status}


def test_a_gin_file_names_the_problems(run, tmp_path):
    file = tmp_path / "two.gin"
    file.write_text("MixtureSettings.problems = ('toy_text', 'toy_pict*')\n")
    flags = ("--source=sample", "--sample_size=6")
    code, answer, _ = run(f"--gin_file={file}", *flags)
    assert code == 0
    assert list(answer["problems"]) == ["toy_text", "toy_pictures"]
    code, answer, _ = run(f"--gin_file={file}", "--problem=toy_text", *flags)
    assert list(answer["problems"]) == ["toy_text"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "No problem is named"),
        (["--gin_param=MixtureSettings.problem = ('toy_text',)"], "Did you mean 'problems'"),
        (["--gin_param=MixtureSettings.problems = ('toy_texd',)"], "Did you mean 'toy_text'"),
        (["--gin_file=paper_9"], "Did you mean 'mixtures/paper_8'"),
        (["--problem=toy_texd"], "Did you mean 'toy_text'"),
        (["--problem=toy_text", "--source=tfds"], "no source 'tfds'"),
        (["--problem=toy_text", "--max_exmples=3"], "--max_examples"),
        (["--problem=toy_text"], "--manual_dir"),
        (["--problem=toy_twice", "--source=sample"], "have the key"),
        (["--problem=toy_text", "--verify"], "mm-datagen --problem=toy_text"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, tmp_path, flags, words):
    code, answer, said = run(*flags)
    assert code == 2
    assert answer is None
    last = said.strip().splitlines()[-1]
    assert last.startswith("mm-datagen: ")
    assert words in last
    assert "Traceback" not in said
    assert not (tmp_path / "data" / "toy_text").exists()


def test_a_data_folder_that_is_a_file(run, tmp_path):
    (tmp_path / "file").touch()
    code, _, said = run("--problem=toy_text", "--source=sample", data_dir=tmp_path / "file")
    assert code == 2
    assert "Cannot write" in said


def test_no_tensorflow(python, toys, tmp_path):
    program = (
        "import sys\n"
        "from t2t_mm.bin import datagen\n"
        "code = datagen.main(sys.argv[1:])\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
        "raise SystemExit(code)"
    )
    flags = ["--problem=toy_text", "--source=sample", "--workers=1", f"--usr_dir={toys}"]
    done = python("-c", program, *flags, f"--data_dir={tmp_path / 'data'}")
    assert done.returncode == 0, done.stderr


def test_a_problem_of_a_script_or_notebook(python, toys, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        (toys / "toys.py").read_text().replace('"toy_text"', '"my_text"')
        + "\nimport t2t_mm\n"
        + f"print(t2t_mm.generate('my_text', {str(tmp_path / 'data')!r}, source='sample',"
        + " sample_size=10, workers=2)['problems']['my_text']['status'])\n"
    )
    done = python(script)
    assert done.stdout == "generated\n", done.stderr
