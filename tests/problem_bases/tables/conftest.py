"""Table files and the data that they read."""

import textwrap

import pytest

from t2t_mm import plugins, testing

REVIEWS = """
    name = "my_reviews"
    command = "to-stars"
    metrics = ["accuracy"]

    [splits]
    train = "train.csv"
    validation = "dev.csv"

    [inputs.review]
    modality = "language"
    column = "text"

    [targets]
    modality = "categorical"
    column = "stars"
"""


@pytest.fixture
def declare(registries, tmp_path):
    """Returns a function that loads a table file, `--usr_dir`'s way, and gives its report."""

    def call(text=REVIEWS, name="reviews.toml"):
        folder = tmp_path / "mine"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")
        plugins.load_all(folder)
        found = [report for report in plugins.reports() if report.name == f"mine.{name}"]
        return found[0] if found else None

    return call


@pytest.fixture
def corpora(tmp_path):
    """Returns a function that writes raw files by name; and the folder of corpora."""
    folder = tmp_path / "corpora"
    folder.mkdir()

    def write(files):
        testing.write_files(folder, files)
        return folder

    return write
