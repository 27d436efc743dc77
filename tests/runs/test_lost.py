"""A run folder that has lost its checkpoints stops a training; one that never had any does not."""

import shutil

import pytest

from t2t_mm import errors
from t2t_mm.runs import lost, metrics_log, run_folder


@pytest.fixture
def run(tmp_path):
    """A run that saved steps 2 and 4, logged step 5 and was killed."""
    made = run_folder.RunFolder(tmp_path / "run")
    made.checkpoints.mkdir(parents=True)
    for name in ("ckpt-2.json", "ckpt-2-0.index", "ckpt-4.json", "ckpt-4-0.index"):
        (made.checkpoints / name).touch()
    made.problems_path.touch()
    made.config_path.touch()
    with metrics_log.MetricsLog(made.metrics_path) as log:
        log.write(2, "train", "toy", {"loss": 1.0})
        log.write(4, "validation", "toy", {"loss": 1.0})
        log.write(5, "train", "toy", {"loss": 1.0})
    lost.mark(made, 4)
    return made


def test_a_whole_run_has_lost_nothing(run):
    lost.check(run)
    assert lost.newer(run, 4) is None


@pytest.mark.parametrize("with_mark", [True, False])
@pytest.mark.parametrize("emptied", [True, False])
def test_checkpoints_that_are_gone(run, emptied, with_mark):
    shutil.rmtree(run.checkpoints)
    if emptied:
        run.checkpoints.mkdir()
    if not with_mark:  # as after `cp run/* elsewhere`: an evaluation was logged, so one was saved
        (run.path / lost.MARK).unlink()
    with pytest.raises(errors.CheckpointError, match=r"checkpoints is gone or empty.*step 4") as e:
        lost.check(run)
    assert "Restore it from a copy" in str(e.value) and "another --output_dir" in str(e.value)


def test_a_run_killed_before_its_first_checkpoint_begins_again(run):
    shutil.rmtree(run.checkpoints)
    (run.path / lost.MARK).unlink()
    run.metrics_path.unlink()
    with metrics_log.MetricsLog(run.metrics_path) as log:
        log.write(5, "train", "toy", {"loss": 1.0})
    lost.check(run)
    lost.mark(run, 0)  # killed within the first evaluation
    with metrics_log.MetricsLog(run.metrics_path) as log:
        log.write(5, "validation", "toy", {"loss": 1.0})
    lost.check(run)


@pytest.mark.parametrize("name", ["problems.json", "config.gin"])
def test_what_goes_with_checkpoints_is_missed(run, name):
    (run.path / name).unlink()
    with pytest.raises(errors.CheckpointError, match=f"{name} is gone.*holds checkpoints"):
        lost.check(run)


def test_a_configuration_given_by_hand_takes_the_place_of_the_runs_own(run):
    run.config_path.unlink()
    lost.check(run, with_config=False)


def test_a_newer_checkpoint_that_is_gone_is_told(run):
    (run.checkpoints / "ckpt-4.json").unlink()
    assert "step 4, which was saved last, is gone" in lost.newer(run, 2)


def test_a_damaged_mark_says_no_less_than_the_log(run):
    (run.path / lost.MARK).write_bytes(b"\xff")
    assert lost.saved_step(run) == 4


def test_a_new_folder_has_lost_nothing(tmp_path):
    lost.check(run_folder.RunFolder(tmp_path / "new"))
