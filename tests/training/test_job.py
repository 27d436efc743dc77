"""Where the data of a training is looked for."""

import json
import pathlib

import pytest

from t2t_mm import errors, registry
from t2t_mm.runs import description, run_folder
from t2t_mm.training import job


@pytest.fixture
def output_dir(tmp_path):
    """A run that was begun on data in another folder."""
    folder = tmp_path / "run"
    folder.mkdir()
    text = {"modality": "language", "vocab": "mm_8k", "max_length": 256}
    problem = {
        "name": "multi30k_ende",
        "version": "1.0.0",
        "inputs": {"inputs": text},
        "targets": text,
        "command": "to-german",
        "metrics": ["bleu"],
        "splits": ["train", "validation"],
        "vocabularies": {},
    }
    described = {
        "format": description.FORMAT,
        "model": "transformer",
        "schedule": "uniform",
        "data_dir": str(tmp_path / "elsewhere"),
        "problems": [problem],
    }
    (folder / run_folder.PROBLEMS).write_text(json.dumps(described))
    (folder / run_folder.CONFIG).write_text("MixtureSettings.problems = ('multi30k_ende',)\n")
    return folder


def test_the_data_is_that_given_or_that_of_the_run_or_beside_us(output_dir, tmp_path):
    run, new = run_folder.RunFolder(output_dir), run_folder.RunFolder(tmp_path / "new")
    assert job.data_folder("given", run) == pathlib.Path("given")
    assert job.data_folder(None, run) == tmp_path / "elsewhere"
    assert job.data_folder(None, new) == pathlib.Path("data")


def test_a_run_is_gone_on_with_by_its_folder_alone(output_dir, tmp_path):
    assert "multi30k_ende" in registry.problems
    with pytest.raises(errors.DataError, match=f"not been generated in {tmp_path / 'elsewhere'}"):
        job.check(None, output_dir=output_dir)
