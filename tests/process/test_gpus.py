"""Memory of GPUs grows, unless the user wants it otherwise."""

import pytest

from t2t_mm.process import gpus


@pytest.mark.parametrize(("before", "after"), [(None, "true"), ("false", "false")])
def test_what_the_user_has_set_stays(monkeypatch, before, after):
    monkeypatch.delenv("TF_FORCE_GPU_ALLOW_GROWTH", raising=False)
    environment = {} if before is None else {"TF_FORCE_GPU_ALLOW_GROWTH": before}
    monkeypatch.setattr("os.environ", environment)
    gpus.grow_memory()
    assert environment == {"TF_FORCE_GPU_ALLOW_GROWTH": after}
