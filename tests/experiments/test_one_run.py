"""What is done with a run before its commands are."""

from t2t_mm.experiments import one_run, processes


def test_a_folder_that_cannot_be_locked_is_left_to_the_training(tmp_path):
    (tmp_path / ".lock").mkdir()
    one_run._wait_for_orphan(tmp_path, processes.Processes())
