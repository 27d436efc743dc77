"""Data made by other code than is there now: said, and left as it is."""

import importlib
import sys

import pytest

from t2t_mm import plugins, registry
from t2t_mm.data import code, generate, progress

PROBLEM = """
from t2t_mm import Problem, register_problem
from t2t_mm.modality import Language
from . import _helper

class Base(Problem):
    corpus = "c"
    command = "to-b"
    inputs = {"inputs": Language(vocab="v")}
    targets = Language(vocab="v")
    splits = ("train", "validation")

    def generate_examples(self, split, files):
        for number in range(8):
            yield f"{split}/{number}", {"inputs": _helper.text(split, number), "targets": "b"}

@register_problem("changing")
class Changing(Base):
    pass
"""
HELPER = 'def text(split, number):\n    return f"{split} a {number}"\n'


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


@pytest.mark.parametrize("file", ["changing.py", "_helper.py"])
def test_a_change_of_the_code_or_its_helpers_is_said(folder, tmp_path, file):
    assert make(tmp_path) == ("generated", [])
    assert make(tmp_path) == ("unchanged", [])
    with (folder / file).open("a") as source:
        source.write("\nMORE = 1\n")
    status, (line,) = make(tmp_path)
    assert status == "unchanged"
    assert "changing was made by other code" in line and "--overwrite" in line
    assert make(tmp_path, overwrite=True) == ("generated", [])
    assert make(tmp_path) == ("unchanged", [])


def test_of_older_data_nothing_is_known(folder, tmp_path):
    make(tmp_path)
    path = tmp_path / "data/changing/1.0.0/manifest.json"
    path.write_text(path.read_text().replace('"code_sha256"', '"code_of_before"'))
    (folder / "_helper.py").write_text(HELPER + "MORE = 1\n")
    assert make(tmp_path) == ("unchanged", [])


def test_the_place_of_the_code_does_not_matter(folder, tmp_path, registries, monkeypatch):
    first = code.fingerprint(registry.problems.get("changing"))
    moved = tmp_path / "moved"
    folder.rename(moved)
    registries.problems.remove_plugin("plugins.changing")
    monkeypatch.setenv("T2T_MM_USR_DIR", "")
    plugins.load_all(moved)
    assert code.fingerprint(registry.problems.get("changing")) == first


def test_the_framework_is_not_a_problem_s_code():
    from t2t_mm import problem

    assert code.fingerprint(problem.Problem) is None


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
