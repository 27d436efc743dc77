"""Which arithmetic a machine gets."""

import keras
import pytest
import tensorflow as tf

from t2t_mm.models import precision
from t2t_mm.settings import training


def choose(monkeypatch, *, float32_s, bfloat16_s, planes_s=None, asked="auto"):
    seconds = {tf.float32: float32_s, tf.bfloat16: bfloat16_s}
    monkeypatch.setattr(precision, "_product_seconds", seconds.__getitem__)
    if planes_s is not None:
        planes = dict(zip((tf.float32, tf.bfloat16), planes_s, strict=True))
        monkeypatch.setattr(precision, "_plane_seconds", planes.__getitem__)
    monkeypatch.setattr(precision, "_may_compute_bfloat16", lambda: True)
    return precision.choose(
        training.TrainSettings(precision=asked), with_planes=planes_s is not None
    )


def test_bfloat16_has_to_be_clearly_faster(monkeypatch):
    assert choose(monkeypatch, float32_s=2.6, bfloat16_s=1.0) == "bfloat16"
    assert choose(monkeypatch, float32_s=1.2, bfloat16_s=1.0) == "float32"
    assert choose(monkeypatch, float32_s=1.0, bfloat16_s=9.0) == "float32"


def test_slow_convolutions_over_planes_weigh_against_fast_products(monkeypatch):
    times = {"float32_s": 2.6, "bfloat16_s": 1.0}
    assert choose(monkeypatch, **times, planes_s=(1.0, 1.0)) == "bfloat16"  # 3.6 to 2
    assert choose(monkeypatch, **times, planes_s=(1.0, 3.0)) == "float32"  # 3.6 to 4


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
@pytest.mark.parametrize("work", [precision._product_seconds, precision._plane_seconds])
def test_both_works_run_in_both(work, dtype):
    assert 0 < work(dtype) < 60


def test_a_gpu_is_given_enough_to_do(monkeypatch):
    size, planes = precision._size_and_planes()
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind}:0"])
    larger, larger_planes = precision._size_and_planes()
    # A product of 8,192 is 2 x 8,192^3 = 1.1e12 operations: milliseconds, where a start takes
    # some ten microseconds.
    assert larger == 8192 > size
    assert planes < larger_planes


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_was_asked_for_is_not_measured(monkeypatch, asked):
    assert choose(monkeypatch, float32_s=1.0, bfloat16_s=1.0, asked=asked) == asked


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu sse2 avx2", False),
        ("flags : fpu sse2 avx512f avx512_bf16", True),
        ("flags : fpu sse2 amx_bf16", True),
        ("Features : fp asimd bf16", True),
    ],
)
def test_a_processor_without_the_instructions_is_not_tried(monkeypatch, tmp_path, flags, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    (tmp_path / "cpuinfo").write_text(flags)
    assert precision._may_compute_bfloat16(tmp_path / "cpuinfo") is expected
    assert precision._may_compute_bfloat16(tmp_path / "absent") is True


def test_a_policy_is_for_layers_made_after_it():
    precision.use("bfloat16")
    try:
        layer = keras.layers.Dense(1)
        assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
    finally:
        precision.use("float32")
    assert keras.layers.Dense(1).compute_dtype == "float32"
