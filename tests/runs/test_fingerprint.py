"""A checkpoint of something else is refused with the item that differs."""

import pytest

from t2t_mm import errors
from t2t_mm.runs import fingerprint

HELD = {
    "model": "multi_model",
    "config": {"width": 256, "entry_widths": (32, 64)},
    "vocabularies": {"mm_8k": "ab" * 32},
    "versions": {"wmt_ende": "1.0.0"},
}


def test_equal_fingerprints_pass_also_after_a_trip_through_json():
    fingerprint.check(
        held={**HELD, "config": {"width": 256, "entry_widths": [32, 64]}}, wanted=HELD, place="here"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "transformer"}, "model is multi_model there, transformer here"),
        ({"vocabularies": {"mm_8k": "cd" * 32}}, "vocabularies.mm_8k is abababababab there"),
        ({"versions": {"wmt_ende": "1.1.0"}}, "versions.wmt_ende is 1.0.0 there, 1.1.0 here"),
        ({"versions": {}}, "versions.wmt_ende is 1.0.0 there, nothing here"),
        ({"config": {"width": 128, "entry_widths": (32, 64)}}, "config.width is 256 there, 128"),
        ({"config": {"width": 256, "entry_widths": (8, 64)}}, "[32, 64] there, [8, 64] here"),
    ],
)
def test_the_item_that_differs_is_named(change, words):
    with pytest.raises(errors.CheckpointError) as raised:
        fingerprint.check(held=HELD, wanted={**HELD, **change}, place="runs/x, step 5")
    assert words in str(raised.value)
    assert "runs/x, step 5" in str(raised.value)


def test_many_differences_are_counted():
    held = {"config": {f"size_{i}": i for i in range(9)}}
    with pytest.raises(errors.CheckpointError, match="and 5 more"):
        fingerprint.check(held=held, wanted={"config": {}}, place="x")
