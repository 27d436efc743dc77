"""What docs/from_tensor2tensor.md promises: its problem works, its flags are the true ones."""

import importlib
import importlib.metadata
import json
import pathlib
import re
import shlex

import pytest

from t2t_mm.cli import old_flags

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "from_tensor2tensor.md").read_text(encoding="utf-8")
COMMANDS = {
    point.name: importlib.import_module(point.value.partition(":")[0])._COMMAND
    for point in importlib.metadata.entry_points(group="console_scripts")
    if point.value.startswith("t2t_mm.bin.")
}
THERE, HERE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SHELL = re.search(r"```\n(mm-datagen.*?)```", PAGE, re.DOTALL)[1]


def rows():
    """Returns what the table of flags says of each old flag, by its name."""
    found = {}
    for line in PAGE.split("## Flags")[1].split("\n## ")[0].splitlines():
        if line.startswith("| `--"):
            old, new = line.strip("| ").split(" | ")
            found.update(dict.fromkeys(re.findall(r"`--(\w+)`", old), new))
    return found


@pytest.fixture
def run(python, tmp_path):
    """Returns a function that runs a line of the page where problem and corpus are."""
    (tmp_path / "my_problems").mkdir()
    (tmp_path / "my_problems" / "proverbs.py").write_text(HERE)
    corpus = tmp_path / "corpora" / "proverbs"
    corpus.mkdir(parents=True)
    lines = [f"Day number {n} has its end.\tTago numero {n} havas sian finon.\n" for n in range(30)]
    (corpus / "proverbs.tsv").write_text("".join(lines), encoding="utf-8")

    def run(line, *more):
        name, *flags = shlex.split(line)
        module = f"t2t_mm.bin.{name.removeprefix('mm-')}"
        done = python("-m", module, "--json", *flags, *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_the_ported_problem_makes_its_data(run):
    made = run(SHELL.splitlines()[0])["problems"]["proverbs_en_eo"]["splits"]
    counts = {split: value["examples"] for split, value in made.items()}
    assert counts == {"train": 27, "validation": 3}  # of 30 lines, every tenth


@pytest.mark.slow
def test_the_ported_problem_can_be_trained(run):
    for line, *more in zip(SHELL.splitlines(), ("--seed=0", "--dry_run"), strict=True):
        run(line, *more)


def test_the_problem_of_there_is_python():
    compile(THERE, "there", "exec")


def test_every_old_flag_stands_in_the_table_and_no_other():
    assert set(rows()) == set(old_flags.REPLACEMENTS)


@pytest.mark.parametrize("name", sorted(old_flags.REPLACEMENTS))
def test_the_table_gives_the_flags_that_the_error_gives(name):
    wanted = re.compile(r"--\w+|\w+Settings\.\w+|TF_\w+|CUDA_\w+")
    assert set(wanted.findall(rows()[name])) >= set(wanted.findall(old_flags.REPLACEMENTS[name]))


def test_commands_and_flags_of_here_exist():
    known = {flag for command in COMMANDS.values() for flag in command.flags}
    assert set(re.findall(r"\bmm-\w+", PAGE)) <= set(COMMANDS)
    assert {flag for new in rows().values() for flag in re.findall(r"--(\w+)", new)} <= known
    for line in SHELL.splitlines():
        name, *flags = line.split()
        assert {flag[2:].partition("=")[0] for flag in flags} <= set(COMMANDS[name].flags), line


def test_attributes_of_here_exist():
    from t2t_mm import problem
    from t2t_mm.corpus import raw

    table = PAGE.split("## Problems")[1].split("\n## ")[0]
    assert {"lines", "parallel", "skip"} <= set(re.findall(r"`files\.(\w+)", table))
    for name in re.findall(r"`files\.(\w+)", table):
        assert hasattr(raw.RawFiles, name)
    for name in ("splits", "symbols", "command", "metrics", "generate_examples"):
        assert f"`{name}" in table
        assert hasattr(problem.Problem, name)
