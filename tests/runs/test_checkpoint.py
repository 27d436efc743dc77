"""A checkpoint is whole or it is not there; none is lost in silence."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.runs import checkpoint, checkpoint_files, division, tensors

FINGERPRINT = {"model": "small", "vocabularies": {"mm_8k": "ab" * 32}}


class Net(keras.layers.Layer):
    def __init__(self, width=3):
        super().__init__()
        self.blocks = [
            self.add_weight(name=f"w{i}", shape=(width,), initializer="zeros") for i in range(2)
        ]


class State:
    """What a trainer saves, with a value that can be told apart."""

    def __init__(self, width=3):
        self.net = Net(width)
        self.step = tf.Variable(0, dtype=tf.int64)
        data = tf.data.Dataset.range(1000).shuffle(50, seed=1).repeat().batch(4)
        self.batches = iter(data)
        self.objects = {"model": self.net, "step": self.step, "batches": self.batches}

    def set(self, value):
        self.step.assign(value)
        for weight in self.net.blocks:
            weight.assign(np.full(weight.shape, value))

    def get(self):
        return int(self.step), float(self.net.blocks[1].numpy()[0])


@pytest.fixture
def state():
    return State()


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def make(tmp_path, warnings):
    def make(objects, **options):
        options = {"fingerprint": FINGERPRINT, "warn": warnings.append, **options}
        return checkpoint.Checkpoints(tmp_path / "checkpoints", objects, **options)

    return make


@pytest.fixture
def saved(make, state):
    """Checkpoints of steps 10, 20 and 30."""
    checkpoints = make(state.objects)
    for step in (10, 20, 30):
        state.set(step)
        checkpoints.save(step, {"history": [step]})
    return checkpoints


def _file(checkpoints, step, suffix="data-00000-of-00001"):
    (path,) = checkpoints.folder.glob(f"ckpt-{step}-*.{suffix}")
    return path


def _flip(path, place=-3):
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(bytes(data))


def test_an_empty_folder_restores_nothing(make, state):
    assert make(state.objects).restore() is None


def test_everything_comes_back(saved, make, state):
    expected = [next(state.batches).numpy() for _ in range(3)]
    other = State()
    next(other.batches)
    assert make(other.objects).restore() == (30, {"history": [30]})
    assert other.get() == (30, 30.0)
    for batch in expected:
        np.testing.assert_array_equal(next(other.batches).numpy(), batch)


def test_an_older_step_can_be_asked_for(saved, make):
    other = State()
    assert make(other.objects).restore(10) == (10, {"history": [10]})
    assert make(other.objects).restore("20") == (20, {"history": [20]})
    assert other.get() == (20, 20.0)


def test_the_model_alone_can_be_restored(saved, make):
    other = State()
    checkpoints = make({"model": other.net})
    assert checkpoints.restore(objects={"model": other.net})[0] == 30
    assert other.get() == (0, 30.0)


def test_the_newest_and_the_best_are_kept(make, state):
    checkpoints = make(state.objects, keep=2)
    for step in (1, 2, 3, 4, 5):
        state.set(step)
        checkpoints.save(step)
        if step == 2:
            checkpoints.mark_best(2)
    assert checkpoints.steps() == [4, 5]
    assert checkpoints.best_step() == 2
    assert checkpoints.restore("best")[0] == 2
    assert state.get() == (2, 2.0)
    assert checkpoints.restore(2)[0] == 2
    checkpoints.mark_best(5)
    assert checkpoints.best_step() == 5
    names = sorted(p.name for p in (checkpoints.folder / "best").iterdir())
    assert names == ["ckpt-5-0.data-00000-of-00001", "ckpt-5-0.index", "ckpt-5.json"]
    assert len(list(checkpoints.folder.iterdir())) == 2 * 3 + 1


def test_a_step_may_be_saved_again(saved, make, state):
    state.set(99)
    saved.save(30, {"again": True})
    state.set(0)
    assert make(state.objects).restore() == (30, {"again": True})
    assert state.get() == (99, 99.0)
    assert len(list(saved.folder.glob("ckpt-30*"))) == 3


@pytest.mark.parametrize("suffix", ["data-00000-of-00001", "index"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    saved, make, state, warnings, suffix, harm
):
    path = _file(saved, 30, suffix)
    if harm == "flip":
        _flip(path)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    assert make(state.objects).restore() == (20, {"history": [20]})
    assert state.get() == (20, 20.0)
    (line,) = warnings
    assert "step 30" in line
    assert path.name in line


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 9, "step": 30}'])
def test_a_damaged_sidecar_is_passed_over(saved, make, state, warnings, text):
    (saved.folder / "ckpt-30.json").write_text(text)
    assert make(state.objects).restore()[0] == 20
    assert "ckpt-30.json" in warnings[0]


def test_training_on_from_an_older_one_buries_the_damaged(saved, make, state):
    _flip(_file(saved, 30))
    checkpoints = make(state.objects, keep=2)
    checkpoints.restore()
    checkpoints.save(25)
    assert checkpoints.steps() == [20, 25]
    assert make(state.objects).restore()[0] == 25


@pytest.mark.parametrize("text", [b"", b"\x00\xff garbage", b'model_checkpoint_path: "ckpt-1"'])
def test_tensorflows_state_file_does_not_matter(saved, make, state, text):
    (saved.folder / "checkpoint").write_bytes(text)
    assert make(state.objects).restore()[0] == 30


def test_none_whole_is_an_error_and_not_a_fresh_start(saved, make, state):
    for step in (10, 20, 30):
        _flip(_file(saved, step))
    with pytest.raises(errors.CheckpointError, match="none is whole"):
        make(state.objects).restore()


def test_tensors_without_their_sidecars_are_an_error_too(saved, make, state):
    for path in saved.folder.glob("*.json"):
        path.unlink()
    with pytest.raises(errors.CheckpointError, match=r"none is whole.*ckpt-10-0\.data"):
        make(state.objects).restore()


def test_the_best_one_steps_in_when_all_others_are_damaged(make, state, warnings):
    checkpoints = make(state.objects, keep=1)
    state.set(1)
    checkpoints.save(1)
    checkpoints.mark_best(1)
    state.set(2)
    checkpoints.save(2)
    _flip(_file(checkpoints, 2))
    assert make(state.objects).restore()[0] == 1
    assert "best" in warnings[-1]


def test_a_damaged_step_asked_for_by_name_is_an_error(saved, make, state):
    _flip(_file(saved, 20))
    with pytest.raises(errors.CheckpointError, match=r"step 20 .*damaged.*\[10, 30\]"):
        make(state.objects).restore(20)


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (40, r"step 40.*\[10, 20, 30\]"),
        ("best", "no evaluation has marked one.*best_metric"),
        ("newest", "'newest'"),
    ],
)
def test_a_checkpoint_that_is_not_there_is_named(saved, which, words):
    with pytest.raises(errors.CheckpointError, match=words):
        saved.restore(which)


def test_a_checkpoint_of_another_run_is_refused(saved, make):
    other = State()
    wanted = {**FINGERPRINT, "vocabularies": {"mm_8k": "cd" * 32}}
    with pytest.raises(errors.CheckpointError, match=r"vocabularies\.mm_8k is abab.*cdcd"):
        make(other.objects, fingerprint=wanted).restore()
    assert other.get() == (0, 0.0)


def test_another_shape_is_named_and_nothing_is_overwritten(saved, make):
    other = State(width=5)
    with pytest.raises(errors.CheckpointError, match=r"model/blocks/0 is \[3\] there, \[5\] here"):
        make(other.objects).restore()
    assert other.get() == (0, 0.0)


def test_nothing_is_hidden_on_either_side(saved, make):
    other = State()
    with pytest.raises(errors.CheckpointError, match="it has no extra"):
        make({**other.objects, "extra": tf.Variable(1.0)}).restore()
    with pytest.raises(errors.CheckpointError, match="it has step, for which there is no place"):
        make({"model": other.net, "batches": other.batches}).restore()


def test_a_weight_that_is_not_finite_is_not_saved(saved, make, state):
    state.net.blocks[0].assign([1.0, np.nan, 1.0])
    with pytest.raises(errors.CheckpointError, match=r"model/blocks/0.* is not finite"):
        saved.save(40)
    assert make(state.objects).restore()[0] == 30


@pytest.mark.parametrize("place", ["before hashing", "before reading back"])
def test_a_flip_between_writing_and_reading_back_is_found(saved, make, state, monkeypatch, place):
    hashed = checkpoint_files.hashed

    def damaged(scratch):
        data = scratch / "ckpt.data-00000-of-00001"
        if place == "before hashing":
            _flip(data)
        files = hashed(scratch)
        if place == "before reading back":
            _flip(data)
        return files

    monkeypatch.setattr(checkpoint_files, "hashed", damaged)
    with pytest.raises(errors.CheckpointError, match="does not read back"):
        saved.save(40)
    assert make(state.objects).restore()[0] == 30
    assert not list(saved.folder.glob("ckpt-40*"))


@pytest.mark.parametrize("suffix", ["data-00000-of-00001", "index"])
def test_a_flip_after_reading_back_is_found_before_loading(
    saved, make, state, warnings, monkeypatch, suffix
):
    verify = tensors.verify

    def damaged(prefix):
        verify(prefix)
        _flip(pathlib.Path(f"{prefix}.{suffix}"))

    monkeypatch.setattr(tensors, "verify", damaged)
    saved.save(40)
    assert make(state.objects).restore()[0] == 30
    assert "ckpt-40" in warnings[0]


def test_workers_that_are_not_the_chief_leave_nothing(make, state):
    worker = make(state.objects, is_chief=False, worker=1)
    assert worker.save(5) is None
    worker.mark_best(5)
    assert list(worker.folder.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_one_line(make, state, tmp_path):
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(errors.CheckpointError) as raised:
        make(state.objects).save(5)
    assert "step 5" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("place", ["tensors", "sidecar"])
def test_a_full_disk_is_one_line_and_costs_nothing(saved, make, state, monkeypatch, place):
    def fail(self):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    def sidecar(path, value):
        with checkpoint.atomic.writing(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patched:
        if place == "tensors":
            patched.setattr(tensors.trackables.Trackables, "checkpoint", fail)
        else:
            patched.setattr(checkpoint.atomic, "write_json", sidecar)
        with pytest.raises(errors.CheckpointError, match="step 40 .*the disk is full"):
            saved.save(40)
    assert not list(saved.folder.glob("ckpt-40*"))
    assert not list(saved.folder.glob(".writing*"))
    assert make(state.objects).restore()[0] == 30


def test_the_sidecar_is_what_other_programs_may_read(saved):
    sidecar = json.loads((saved.folder / "ckpt-30.json").read_text())
    assert sidecar["step"] == 30
    assert sidecar["fingerprint"] == FINGERPRINT
    assert sidecar["extra"] == {"history": [30]}
    assert {p.name for p in saved.folder.glob("ckpt-30-*")} == set(sidecar["files"])


def test_a_kill_between_tensors_and_sidecar_is_no_loss(make, state, monkeypatch):
    """Dying at the worst moment of the very first save: the next start begins anew."""

    def die(path, value):
        raise KeyboardInterrupt

    checkpoints = make(state.objects)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint.atomic, "write_json", die)
        patched.setattr(checkpoint.checkpoint_files, "remove_unpublished", lambda folder: None)
        patched.setattr(checkpoint.shutil, "rmtree", lambda *a, **k: None)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(5)
    assert list(checkpoints.folder.glob("ckpt-5-*"))
    assert make(state.objects).restore() is None
    checkpoints.save(6)
    assert not list(checkpoints.folder.glob("ckpt-5-*"))
    assert checkpoints.steps() == [6]


_SAVE_FOREVER = """
import sys
import tensorflow as tf
from t2t_mm.runs import checkpoint
from t2t_mm.runs import division
weights = [tf.Variable(tf.zeros([200_000])) for _ in range(4)]
saved = checkpoint.Checkpoints(sys.argv[1], {"weights": weights}, keep=2)
step = 0
while True:
    step += 1
    for weight in weights:
        weight.assign(tf.fill([200_000], float(step)))
    saved.save(step)
    print(step, flush=True)
"""


@pytest.mark.slow
def test_kill_9_while_saving_leaves_a_usable_checkpoint(tmp_path):
    folder = tmp_path / "checkpoints"
    weights = [tf.Variable(tf.zeros([200_000])) for _ in range(4)]
    for wait_s in (0.0, 0.03):
        process = subprocess.Popen(
            [sys.executable, "-c", _SAVE_FOREVER, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            text=True,
        )
        for _ in range(3):
            last = int(process.stdout.readline())
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        step, _ = checkpoint.Checkpoints(folder, {"weights": weights}).restore()
        assert step >= last
        for weight in weights:
            assert float(tf.reduce_min(weight)) == float(tf.reduce_max(weight)) == step


def test_a_place_in_the_data_is_one_in_the_same_records(tmp_path, state):
    def made(digit):
        data = {"speech": digit * 64, "pictures": "b" * 64}
        return checkpoint.Checkpoints(tmp_path / "records", state.objects, data=data)

    made("1").save(4)
    assert made("1").restore() == (4, {})
    with pytest.raises(errors.CheckpointError) as caught:
        made("2").restore()
    assert "training records of speech are not those" in str(caught.value)
    assert "--data_dir" in str(caught.value)
    # Weights alone fit whatever they are evaluated on.
    assert made("2").restore(objects={"model": state.net}) == (4, {})


@pytest.mark.parametrize("worker", [0, 1])
def test_other_workers_or_replicas_begin_the_data_anew_and_say_so(make, state, warnings, worker):
    def divided(objects, workers, replicas):
        return make(
            objects,
            is_chief=worker == 0,
            worker=worker,
            local=["batches"],
            division=division.Division(workers=workers, replicas=replicas),
        )

    first = next(state.batches).numpy()
    next(state.batches)
    state.set(4)
    chief = make(
        {"model": state.net, "step": state.step, "batches": state.batches},
        local=["batches"],
        division=division.Division(workers=2, replicas=4),
    )
    chief.save(4)
    divided(dict(state.objects), 2, 4).save(4)
    following = next(state.batches).numpy()

    same = State()
    assert divided(same.objects, 2, 4).restore() == (4, {})
    np.testing.assert_array_equal(next(same.batches), following)
    assert not warnings

    for workers, replicas, now in [(1, 4, "1 worker with 4 replicas"), (2, 2, "2 workers with 2")]:
        other = State()
        assert divided(other.objects, workers, replicas).restore() == (4, {})
        assert other.get() == (4, 4.0)
        np.testing.assert_array_equal(next(other.batches), first)
        (said,) = warnings
        assert f"written by 2 workers with 4 replicas, and {now}" in said
        assert "exact continuation is not possible" in said
        warnings.clear()


def test_a_checkpoint_that_does_not_tell_its_division_goes_on(saved, make, warnings):
    other = State()
    make(other.objects, division=division.Division(workers=2, replicas=2)).restore()
    assert not warnings


@pytest.mark.parametrize("which", ["latest", 10])
def test_a_sidecar_that_is_gone_is_told_and_the_next_is_taken(saved, make, state, warnings, which):
    (saved.folder / "ckpt-30.json").unlink()
    step, _ = make(state.objects).restore(which)
    assert step == (20 if which == "latest" else 10)
    assert [line for line in warnings if "ckpt-30-0.index is part of a checkpoint" in line]


def test_tensors_older_than_all_checkpoints_are_on_their_way_out(saved, make, state, warnings):
    (saved.folder / "ckpt-10.json").unlink()  # as a kill in the middle of a removal leaves it
    make(state.objects).restore()
    assert warnings == []
