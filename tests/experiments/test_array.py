"""Jobs of a cluster that leave nothing behind but their end."""

import types

import pytest

from t2t_mm.experiments import array, folder, plan


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (None, "the job ended without an outcome"),
        (RuntimeError(""), "the job ended without an outcome"),
        (RuntimeError("Traceback:\n  a line\nOSError: no space\n"), "OSError: no space"),
    ],
)
def test_a_job_that_kept_no_outcome_has_failed(error, why, tmp_path):
    kept = folder.ExperimentFolder(tmp_path)
    run = plan.PlannedRun("joint", 0, "base", "joint", ("fsdd",))
    paths = types.SimpleNamespace(stderr=tmp_path / "x.err")
    job = types.SimpleNamespace(exception=lambda: error, paths=paths)
    found = array._outcome(kept, run, job)
    assert (found.status, found.why, found.log) == ("failed", why, str(tmp_path / "x.err"))
    assert kept.outcome(run) == found
