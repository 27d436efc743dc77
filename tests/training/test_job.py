"""Where the data of a training is looked for."""

import json
import pathlib

import pytest

from t2t_mm import config, errors, registry
from t2t_mm.runs import description, run_folder
from t2t_mm.settings import training
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


@pytest.mark.parametrize("goes_on", [True, False])
def test_gin_files_override_a_run_that_goes_on_and_leave_what_they_do_not_name(
    output_dir, tmp_path, goes_on
):
    held = ["OptimizerSettings.learning_rate = 0.001", "OptimizerSettings.clip_norm = 0.5"]
    lines = ["MixtureSettings.problems = ('multi30k_ende',)", *held]
    (output_dir / run_folder.CONFIG).write_text("\n".join(lines))
    if goes_on:
        (output_dir / "checkpoints").mkdir()
        (output_dir / "checkpoints" / "ckpt-4.json").write_text("{}")
    file = tmp_path / "rates.gin"
    file.write_text("OptimizerSettings.learning_rate = 0.003\n")
    with pytest.raises(errors.DataError, match="not been generated"):
        job.check(["multi30k_ende"], output_dir=output_dir, gin_files=[str(file)])
    settings = config.build(training.OptimizerSettings)
    # A run without checkpoints begins anew: its files say all.
    default = training.OptimizerSettings().clip_norm
    assert settings.learning_rate == 0.003
    assert settings.clip_norm == (0.5 if goes_on else default)
