import json

import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import Categorical, Image
from t2t_mm.runs import checkpoint, origin

PROBLEM = {
    "name": "pictures",
    "version": "1.0.0",
    "inputs": {"image": Image().describe()},
    "targets": Categorical(classes=("a", "b")).describe(),
    "command": "to-class",
    "metrics": ["accuracy"],
    "splits": ["train", "validation"],
    "vocabularies": {},
}


@pytest.fixture
def run(tmp_path):
    """A run folder with checkpoints of steps 1 and 2, of which 1 is the best."""
    weight = tf.Variable([1.0, 2.0])
    saved = checkpoint.Checkpoints(
        tmp_path / "run" / "checkpoints", {"model": weight}, fingerprint={"model": "x"}
    )
    for step in (1, 2):
        saved.save(step)
    saved.mark_best(1)
    (tmp_path / "run" / "config.gin").touch()
    (tmp_path / "run" / "problems.json").write_text(
        json.dumps({"format": 1, "model": "x", "schedule": "uniform", "problems": [PROBLEM]})
    )
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("given", "step"),
    [
        ("", 2),
        ("checkpoints", 2),
        ("checkpoints/best", 1),
        ("checkpoints/ckpt-1", 1),
        ("checkpoints/ckpt-1.json", 1),
        ("checkpoints/ckpt-2-0", 2),
        ("checkpoints/ckpt-2-0.index", 2),
    ],
)
def test_a_run_a_folder_or_a_checkpoint_can_be_named(run, given, step):
    found = origin.find(run / given)
    assert found.step == step
    assert found.run.path == run
    assert found.fingerprint == {"model": "x"}
    assert tf.train.load_checkpoint(found.prefix)
    assert str(found).endswith(f"step {step}")


def damage(run, step):
    (file,) = (run / "checkpoints").glob(f"ckpt-{step}-*.data-*")
    file.write_bytes(file.read_bytes()[:-1])


def test_a_damaged_checkpoint_is_passed_over_but_not_where_it_was_named(run):
    damage(run, 2)
    assert origin.find(run).step == 1
    with pytest.raises(errors.CheckpointError, match="step 2 in .* is damaged"):
        origin.find(run / "checkpoints" / "ckpt-2")


def test_what_is_no_origin_is_named(run, tmp_path):
    with pytest.raises(errors.CheckpointError, match="no whole checkpoint in .*nowhere"):
        origin.find(tmp_path / "nowhere")
    with pytest.raises(errors.CheckpointError, match="no checkpoint of step 3.*step of 1, 2"):
        origin.find(run / "checkpoints" / "ckpt-3")
    damage(run, 1)
    damage(run, 2)
    with pytest.raises(errors.CheckpointError, match="no whole checkpoint"):
        origin.find(run)


def test_a_checkpoint_needs_its_run(run):
    (run / "problems.json").unlink()
    with pytest.raises(errors.CheckpointError, match=r"not at hand: .*problems\.json"):
        origin.find(run)
