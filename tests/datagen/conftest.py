"""Toy problems, their raw files, and the generation of their records."""

import hashlib
import pathlib

import pytest

from t2t_mm import plugins
from t2t_mm.datagen import generate as generate_lib

TOYS = pathlib.Path(__file__).parent / "toys"


@pytest.fixture
def toys(registries):
    """Loads the toy problems, as `--usr_dir` does; returns that folder."""
    plugins.load_all(TOYS)
    return TOYS


@pytest.fixture
def toy_raw(tmp_path):
    """Returns a folder of raw files for the toy problems."""
    folder = tmp_path / "raw" / "toy"
    folder.mkdir(parents=True)
    for split, count in (("train", 50), ("validation", 12), ("test", 11)):
        for end, word in (("src", "Höhe"), ("tgt", "height")):
            lines = [f"{word} {split} {number} {'x' * (number % 9)}" for number in range(count)]
            (folder / f"{split}.{end}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def hashes():
    """Returns a function: the sha256 of every file below a folder, by its path there."""

    def of(folder):
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return of


@pytest.fixture
def generate(toys, toy_raw, tmp_path):
    """Runs `generate` in one thread on the toy's raw files, unless told otherwise."""

    def run(problems="toy_text", data_dir=tmp_path / "data", **options):
        if options.get("source") is None and "manual_dir" not in options:
            options["manual_dir"] = toy_raw.parent
        return generate_lib.generate(problems, data_dir, **{"workers": 1, **options})

    return run


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"
