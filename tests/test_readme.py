"""What the README and the pages promise: the problem shown works, and commands exist."""

import importlib
import importlib.metadata
import json
import pathlib
import re
import shlex
import tomllib

import pytest

from t2t_mm import config, registry

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
GUIDE = (REPOSITORY / "docs" / "guide.md").read_text(encoding="utf-8")
PAGES = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]
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
    table = re.search(r'```toml\n\[project\.entry-points\."(.*?)"\]\n(.*?)```', GUIDE, re.DOTALL)
    name, module = re.match(r'(\w+) = "(.*)"', table[2]).groups()
    (info / "entry_points.txt").write_text(f"[{table[1]}]\n{name} = {module}\n")
    flags = ["--problem=my_reviews", f"--manual_dir={reviews}", f"--data_dir={tmp_path / 'data'}"]
    check(python("-m", "t2t_mm.bin.datagen", "--json", *flags, PYTHONPATH=str(site)))


def command_lines():
    """Yields every line of a page, and of every command's example, that runs a command."""
    texts = [importlib.import_module(module)._COMMAND.example for module in COMMANDS.values()]
    for page in PAGES:
        blocks = page.read_text(encoding="utf-8").split("```")[1::2]
        texts += [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for text in texts:
        for part in text.split("|"):
            if part.strip().startswith("mm-"):
                yield shlex.join(shlex.split(part, comments=True))


def inline_commands():
    """Yields every command within the text of a page; values may be left out there."""
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        yield from (" ".join(found.split()) for found in re.findall(r"`(mm-[^`]+ -[^`]*)`", text))


def command_of(name):
    return importlib.import_module(COMMANDS[name])._COMMAND


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_commands_that_are_shown_can_be_given(line):
    name, *arguments = shlex.split(line)
    command = command_of(name)
    command.parse(arguments)
    given = {flag: command.flags[flag].value for flag in command.flags}
    if not given.get("usr_dir"):  # else the problem is one of the page's own
        registry.problems.match(command.problem_patterns() if "problems" in given else [])
    config.load(given.get("gin_file") or [], given.get("gin_param") or [])


@pytest.mark.parametrize("line", sorted(set(inline_commands())))
def test_flags_that_the_text_names_exist(line):
    name, *flags = line.split()
    for flag in flags:
        if flag.startswith("--"):
            assert flag[2:].partition("=")[0] in command_of(name).flags, line


def test_every_environment_variable_stands_in_the_table():
    read = set()
    for folder in ("t2t_mm", "problems", "bin"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            read |= set(re.findall(r"\bT2T_MM_\w+", path.read_text(encoding="utf-8")))
    assert set(re.findall(r"^\| `(T2T_MM_\w+)`", GUIDE, re.MULTILINE)) == read


def test_every_extra_that_users_need_is_named():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"]) - {"dev", "docs"}
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {extra for extra in extras if f"[{extra}]" not in told} == set()


def test_every_built_in_problem_stands_in_the_table():
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
