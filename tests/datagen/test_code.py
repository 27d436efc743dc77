"""Data made by other code than is there now: said, and left as it is."""

import importlib
import sys

import pytest

from t2t_mm import plugins, registry
from t2t_mm.datagen import code, generate, progress

PROBLEM = '''
from t2t_mm import Problem, register_problem
from t2t_mm.modality import Language
from . import _helper
from ._helper import tidy as clean, unused
from ._starred import *

LETTER = 'b'
TABLE = {}
TABLE['x'] = 1

class Base(Problem):
    corpus = "c"
    command = "to-b"
    inputs = {"inputs": Language(vocab="v")}
    targets = Language(vocab="v")
    splits = ("train", "validation")
    metrics = ('bleu',)

    def generate_examples(self, split, files):
        """What it does."""
        for number in range(8):  # A comment
            text = clean(_helper.text(split, number), TABLE)
            yield f"{split}/{number}", {"inputs": starred(text), "targets": LETTER}

    def make_sample(self, folder, *, seed, size):
        (folder / "files.py").touch()

@register_problem("changing")
class Changing(Base):
    pass

@register_problem("other")
class Other(Base):
    command = 'to-c'
    size = unused(1) + _helper.SIZE
'''
HELPER = """
NUMBERS = 3
SIZE = 1

def text(split, number):
    return f"{split} a {number}"[: 9 * NUMBERS]

def tidy(text, table):
    return text

def other(text, table):
    return text

def unused(number):
    return number
"""
STARRED = "def starred(text):\n    return text\n"
MADE = """
from t2t_mm import register_problem
from .changing import Base

def made(name, size):
    class Made(Base):
        number = size
    register_problem(f"made_{name}")(Made)

made('x', 1)
"""


class Said(progress.Progress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture
def folder(tmp_path, registries):
    made = tmp_path / "plugins"
    made.mkdir()
    (made / "changing.py").write_text(PROBLEM)
    (made / "_helper.py").write_text(HELPER)
    (made / "_starred.py").write_text(STARRED)
    (made / "made.py").write_text(MADE)
    (tmp_path / "raw").mkdir()
    plugins.load_all(made)
    return made


def rewrite(path, old, new):
    """Changes the source of a module that is loaded, and loads it anew."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    (module,) = [m for m in sys.modules.values() if getattr(m, "__file__", "") == str(path)]
    registry.problems.remove_plugin("plugins.changing")
    with registry.registering("plugins.changing"):
        exec(compile(path.read_text(), path, "exec"), vars(module))
        if path.name != "changing.py":
            importlib.reload(sys.modules[f"{module.__package__}.changing"])


def make(tmp_path, **options):
    said = Said()
    answer = generate.generate(
        "changing",
        tmp_path / "data",
        manual_dir=tmp_path / "raw",
        workers=1,
        progress=said,
        **options,
    )
    return answer["problems"]["changing"]["status"], [s for s in said.lines if "warning" in s]


def test_a_change_of_the_code_is_said(folder, tmp_path):
    assert make(tmp_path) == ("generated", [])
    edit(folder, "_helper.py", "{split} a", "{split} b")
    status, (line,) = make(tmp_path)
    assert status == "unchanged"
    assert "changing was made by other code" in line and "--overwrite" in line
    assert make(tmp_path, overwrite=True) == ("generated", [])
    assert make(tmp_path) == ("unchanged", [])


def digest(source="manual"):
    return code.digest(registry.problems.get("changing"), source=source)


def edit(folder, file, old, new):
    """Changes a source on disk alone."""
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("changing.py", "range(8)", "range(9)"),  # its base
        ("changing.py", "    pass", "    symbols = ('x',)"),  # its class
        ("changing.py", "LETTER = 'b'", "LETTER = 'c'"),  # a constant that the base names
        ("changing.py", "TABLE['x'] = 1", "TABLE['x'] = 2"),  # a statement that works on one
        ("changing.py", "import tidy as clean", "import other as clean"),
        ("_helper.py", "{split} a", "{split} b"),  # a function of another module
        ("_helper.py", "NUMBERS = 3", "NUMBERS = 4"),  # what that names in turn
        ("_starred.py", "return text", "return text[1:]"),  # imported by *
    ],
)
def test_what_counts(folder, file, old, new):
    before = digest()
    edit(folder, file, old, new)
    assert digest() != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("changing.py", "# A comment", "# Another"),
        ("changing.py", '"""What it does."""', '"""In other words."""'),
        ("changing.py", "(self, split, files)", "(self, split: str, files)"),
        ("changing.py", "for number in range(8):", "for  number in (\n   range(8)):"),
        ("changing.py", "metrics = ('bleu',)", "metrics = ('exact_match',)"),
        ("changing.py", "command = 'to-c'", "command = 'to-d'"),  # of another problem
        ("_helper.py", "def unused(", "def not_used("),
        ("_helper.py", "SIZE = 1", "SIZE = 2"),
        ("changing.py", "files.py", "file.py"),  # what makes samples, of data that is none
    ],
)
def test_what_does_not_count(folder, file, old, new):
    before = digest()
    edit(folder, file, old, new)
    assert digest() == before


def test_of_samples_what_makes_them_counts(folder):
    before = digest("sample")
    edit(folder, "changing.py", "files.py", "file.py")
    assert digest("sample") != before


def test_of_a_class_made_in_a_function_the_whole_module_counts(folder):
    problem = registry.problems.get("made_x")
    before = code.digest(problem, source="manual")
    edit(folder, "made.py", "made('x', 1)", "made('x', 2)")
    assert code.digest(problem, source="manual") != before


def test_code_that_does_not_parse_any_more_counts(folder):
    before = digest()
    (folder / "_helper.py").write_text("def text(:\n")
    assert digest() != before


def test_the_place_of_the_code_does_not_matter(folder, tmp_path, registries, monkeypatch):
    first = digest()
    moved = tmp_path / "moved"
    folder.rename(moved)
    registries.problems.remove_plugin("plugins.changing")
    monkeypatch.setenv("T2T_MM_USR_DIR", "")
    plugins.load_all(moved)
    assert digest() == first


def test_the_framework_is_not_a_problem_s_code():
    from t2t_mm import problem

    assert code.digest(problem.Problem, source="manual") is None


def test_shared_contents_are_said(folder, tmp_path):
    rewrite(folder / "_helper.py", 'f"{split} a {number}"', 'f"a {split * (number < 5)}{number}"')
    _, (line,) = make(tmp_path)
    # Of the numbers 0 to 7, those from 5 on do not depend on the split.
    assert "3 examples of validation have the same inputs and targets as examples of train" in line
    assert any(f"'validation/{number}'" in line for number in (5, 6, 7))


def test_shared_keys_are_said(folder, tmp_path):
    rewrite(folder / "changing.py", 'f"{split}/{number}"', 'f"n{number}"')
    _, (line,) = make(tmp_path)
    assert "8 examples of validation have the same keys as examples of train, such as 'n" in line
