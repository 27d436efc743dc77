"""What a checkpoint must fit."""

import dataclasses

import pytest

from t2t_mm import errors
from t2t_mm.models import build
from t2t_mm.runs import fingerprint
from tests.models.conftest import make_model


def test_weights_of_a_model_that_computed_otherwise_are_refused(monkeypatch):
    model = make_model("multi_model")
    now = build.model_fingerprint("multi_model", model)
    fingerprint.check(held=now, wanted=build.model_fingerprint("multi_model", model), place="here")
    monkeypatch.setattr(type(model), "version", model.version - 1)
    before = build.model_fingerprint("multi_model", model)
    with pytest.raises(
        errors.CheckpointError, match="model is multi_model there, multi_model, version 2 here"
    ):
        fingerprint.check(held=before, wanted=now, place="RUN, step 5")


@pytest.mark.parametrize(("size", "now"), [("entry", "residual"), ("exit", "mean")])
def test_a_size_that_older_versions_do_not_know_is_named_where_it_matters(size, now):
    """Their runs all had one value."""
    model = make_model("multi_model")  # with pictures and classes
    assert build.model_fingerprint("multi_model", model)["config"][size] == now
    model.config = dataclasses.replace(model.config, **{size: "xception"})
    assert size not in build.model_fingerprint("multi_model", model)["config"]
