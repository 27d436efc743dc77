"""A run that lives at a URL: begun on one machine, and gone on with on another."""

# ruff: noqa: F401, F811 (fixtures are imported)

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import manifest
from tests.files.faulty_s3 import machine, proxy, s3
from tests.problems.conftest import SIZES

_SIZES = [f"--gin_param={size}" for size in SIZES]


def _command(module, *arguments):
    """Runs a command in a process of its own, and returns what it said."""
    done = subprocess.run(
        [sys.executable, "-m", f"t2t_mm.bin.{module}", *arguments],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
def test_a_fresh_machine_goes_on_as_if_it_were_the_same(s3, machine, tmp_path):
    machine("one")
    problem = "--problems=multi30k_ende"
    made = ("--source=sample", "--sample_size=60", "--workers=1", "--vocabulary_size=500")
    _command("datagen", problem, "--data_dir=s3://bucket/data", *made)
    here = tmp_path / "one" / "s3" / "bucket" / "data"
    assert manifest.Manifest.load(here, "multi30k_ende", "1.0.0").examples("train") == 60
    run = (problem, "--data_dir=s3://bucket/data", "--output_dir=s3://bucket/run")
    _command("trainer", *run, *_SIZES, "--train_steps=2")
    machine("two")
    said = _command("trainer", problem, "--output_dir=s3://bucket/run", "--train_steps=4")
    assert "The run is in s3://bucket/run." in said
    steady = (problem, f"--data_dir={here}", f"--output_dir={tmp_path / 'steady'}")
    _command("trainer", *steady, *_SIZES, "--train_steps=4", "--save_every=2")
    resumed = tmp_path / "two" / "s3" / "bucket" / "run"
    assert _weights(resumed) == _weights(tmp_path / "steady")


def _weights(run):
    """Returns the bytes of each tensor in the newest checkpoint, without what is no weight."""
    (index,) = (run / "checkpoints").glob("ckpt-4-*.index")
    reader = tf.train.load_checkpoint(str(index.with_suffix("")))
    names = [name for name in reader.get_variable_to_shape_map() if "iterator" not in name.lower()]
    read = {name: reader.get_tensor(name) for name in names if "OBJECT_GRAPH" not in name}
    assert len(read) > 20
    return {name: np.asarray(value).tobytes() for name, value in read.items()}
