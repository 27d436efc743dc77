"""What the README promises: the problem it shows works, and its commands exist."""

import importlib
import importlib.metadata
import json
import pathlib
import re
import shlex

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PROBLEM = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
COMMANDS = {
    point.name: point.value.partition(":")[0]
    for point in importlib.metadata.entry_points(group="console_scripts")
    if point.value.startswith("t2t_mm.bin.")
}


@pytest.fixture
def reviews(tmp_path):
    """A folder of corpora that holds the reviews which the README's problem reads."""
    folder = tmp_path / "corpora" / "reviews"
    folder.mkdir(parents=True)
    for split, size in (("train", 40), ("validation", 5), ("test", 5)):
        lines = (
            f"Film {number} was seen {number % 7} times.\t{number % 5 + 1}\n"
            for number in range(size)
        )
        (folder / f"{split}.tsv").write_text("".join(lines))
    return folder.parent


def check(done):
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)["problems"]["my_reviews"]
    counts = {split: value["examples"] for split, value in made["splits"].items()}
    assert counts == {"train": 40, "validation": 5, "test": 5}


def test_the_problem_is_short():
    assert len(PROBLEM.splitlines()) <= 40


def test_the_problem_works_from_a_folder(python, reviews, tmp_path):
    folder = tmp_path / "my_problems"
    folder.mkdir()
    (folder / "my_reviews.py").write_text(PROBLEM)
    flags = ["--problem=my_reviews", f"--manual_dir={reviews}", f"--data_dir={tmp_path / 'data'}"]
    check(python("-m", "t2t_mm.bin.datagen", "--json", f"--usr_dir={folder}", *flags))


def test_the_problem_works_from_an_installed_package(python, reviews, tmp_path):
    site = tmp_path / "site"
    package = site / "my_package" / "problems"
    package.mkdir(parents=True)
    (site / "my_package" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "my_reviews.py").write_text(PROBLEM)
    info = site / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    table = re.search(r'```toml\n\[project\.entry-points\."(.*?)"\]\n(.*?)```', README, re.DOTALL)
    name, module = re.match(r'(\w+) = "(.*)"', table[2]).groups()
    (info / "entry_points.txt").write_text(f"[{table[1]}]\n{name} = {module}\n")
    flags = ["--problem=my_reviews", f"--manual_dir={reviews}", f"--data_dir={tmp_path / 'data'}"]
    check(python("-m", "t2t_mm.bin.datagen", "--json", *flags, PYTHONPATH=str(site)))


def command_lines():
    """Yields every line of the README, and of every command's example, that runs a command."""
    blocks = README.split("```")[1::2]
    texts = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    texts.extend(importlib.import_module(module)._COMMAND.example for module in COMMANDS.values())
    for text in texts:
        parts = [part.strip() for part in text.split("|")]
        for part in parts:
            if part.startswith("mm-"):
                yield " ".join(shlex.split(part, comments=True))


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_commands_and_flags_that_are_shown_exist(line):
    name, *flags = line.split()
    command = importlib.import_module(COMMANDS[name])._COMMAND
    for flag in flags:
        if flag.startswith("--"):
            assert flag[2:].partition("=")[0] in command.flags, line


def test_every_built_in_problem_stands_in_the_table():
    from t2t_mm import registry

    table = README.split("## Problems")[1].split("\n## ")[0]
    shown = set()
    for name in re.findall(r"^\| `([a-z0-9_{},]+)`", table, re.MULTILINE):
        family = re.fullmatch(r"(.*)\{(.*)\}", name)
        shown.update([family[1] + each for each in family[2].split(",")] if family else [name])
    built_in = {
        entry.name
        for entry in registry.problems.entries()
        if entry.plugin.startswith("t2t_mm.problems.")
    }
    assert shown == built_in
