"""The commands as people first type them: no folder is named, and each finds the last one's."""

import json
import pathlib

import pytest

from t2t_mm.bin import avg, datagen, decoder, inspect, trainer
from t2t_mm.bin import eval as eval_command

SMALL = [
    "--model=transformer",
    "--gin_file=models/transformer_tiny",
    "--gin_param=TrainSettings.precision = 'float32'",
    "--gin_param=TrainSettings.eval_examples = 4",
    "--gin_param=DecodeSettings.max_length = 8",
]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(command, *flags):
        code = command.main([*flags, "--json"])
        out, err = capsys.readouterr()
        return code, json.loads(out.splitlines()[0]) if out else None, err

    return run


@pytest.mark.slow
def test_data_then_a_run_then_its_values_without_a_folder(call, tmp_path):
    code, _, err = call(trainer, "--problems=wmt_ende")
    assert code == 2
    assert "The data of wmt_ende has not been generated in data." in err
    assert "mm-datagen --problem=wmt_ende --source=sample makes some up" in err

    code, _, err = call(datagen, "--problem=wmt_ende")
    assert code == 2
    assert err.count("\n") == 1
    assert "mm-datagen --problem=wmt_ende --manual_dir=corpora reads your own" in err

    made = ("--source=sample", "--sample_size=60", "--workers=1", "--vocabulary_size=400")
    code, _, err = call(datagen, "--problem=wmt_ende", *made)
    assert code == 0, err
    assert call(inspect, "--problem=wmt_ende", "--examples=1")[0] == 0

    code, answer, err = call(trainer, "--problems=wmt_ende", *SMALL, "--train_steps=1")
    assert code == 0, err
    assert "The run is in runs/transformer-wmt_ende." in err
    assert answer["output_dir"] == "runs/transformer-wmt_ende"

    again = call(trainer, "--problems=wmt_ende", *SMALL, "--train_steps=2")
    assert (again[0], again[1]["step"]) == (0, 2)
    assert "Going on from step 1" in again[2]

    code, answer, err = call(eval_command, "--max_examples=2")
    assert code == 0, err
    assert "mm-eval: the run is runs/transformer-wmt_ende\n" in err
    assert answer["step"] == 2
    assert call(decoder, "--split=validation", "--max_examples=1")[0] == 0
    code, answer, _ = call(avg, "--checkpoints=2")
    assert pathlib.Path(answer["to"]) == tmp_path / "runs/transformer-wmt_ende/averaged"

    code, _, err = call(trainer, "--problems=wmt_ende", *SMALL, f"--warm_start={answer['to']}")
    assert code == 2
    assert "lies in the folder of this very run" in err
