"""A warm start takes what fits and says what it left."""

import keras
import pytest

from t2t_mm import errors
from t2t_mm.training import checkpoint, warm_start

FINGERPRINT = {"model": "x", "vocabularies": {"mm_8k": "ab" * 32}, "versions": {"old": "1"}}


class Net(keras.layers.Layer):
    def __init__(self, heads, width=3):
        super().__init__()
        self.body = [self.add_weight(name="w", shape=(width,), initializer="zeros")]
        self.heads = [
            self.add_weight(name="h", shape=(size,), initializer="zeros") for size in heads
        ]


@pytest.fixture
def run(tmp_path):
    net = Net([2, 4])
    for step in (1, 2):
        for weight in net.variables:
            weight.assign([float(step)] * weight.shape[0])
        saved = checkpoint.Checkpoints(
            tmp_path / "checkpoints", {"model": net}, fingerprint=FINGERPRINT
        )
        saved.save(step)
    return tmp_path


def test_weights_that_fit_are_taken_and_the_others_named(run):
    net = Net([2, 5, 6])
    done = warm_start.load(run, net, fingerprint={**FINGERPRINT, "versions": {"new": "2"}})
    assert done.step == 2
    assert done.taken == ("model/body/0", "model/heads/0")
    assert done.left == ("model/heads/1", "model/heads/2")
    assert net.body[0].numpy().tolist() == [2.0] * 3
    assert net.heads[1].numpy().tolist() == [0.0] * 5


def test_a_damaged_checkpoint_is_passed_over(run):
    (file,) = (run / "checkpoints").glob("ckpt-2-*.data-*")
    file.write_bytes(file.read_bytes()[:-1])
    net = Net([2, 4])
    assert warm_start.load(run / "checkpoints", net, fingerprint=FINGERPRINT).step == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vocabularies": {"mm_8k": "cd" * 32}}, "vocabulary 'mm_8k' is not the one"),
        ({"vocabularies": {"other": "cd" * 32}}, "No weight"),
    ],
)
def test_what_cannot_be_a_start_is_refused(run, change, words):
    net = Net([7], width=9)
    with pytest.raises(errors.CheckpointError, match=words):
        warm_start.load(run, net, fingerprint={**FINGERPRINT, **change})


def test_a_folder_without_checkpoints_is_named(tmp_path):
    with pytest.raises(errors.CheckpointError, match="no whole checkpoint"):
        warm_start.load(tmp_path, Net([1]), fingerprint={})
