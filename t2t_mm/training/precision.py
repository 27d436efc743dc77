"""Which arithmetic the large products use: decided by a measurement, not by a name.

Processors without bfloat16 instructions compute it by way of float32, slower than
float32 itself; so "auto" times a product in both before it chooses.
"""

from __future__ import annotations

import pathlib
import time

import keras
import tensorflow as tf

from t2t_mm.training import settings as settings_lib

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
_SIZE = 768
_WORTH_IT = 1.3  # casts, layer norm and softmax cost more under bfloat16


def choose(settings: settings_lib.TrainSettings) -> str:
    """Returns "float32" or "bfloat16"."""
    if settings.precision != "auto":
        return settings.precision
    if not _may_compute_bfloat16():
        return "float32"
    seconds = {dtype: _product_seconds(dtype) for dtype in (tf.float32, tf.bfloat16)}
    is_faster = seconds[tf.float32] > _WORTH_IT * seconds[tf.bfloat16]
    return "bfloat16" if is_faster else "float32"


def use(precision: str) -> None:
    """Makes layers built from here on compute in `precision`; weights stay float32."""
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    keras.config.set_dtype_policy(policy)


def _may_compute_bfloat16(cpu_info: pathlib.Path = _CPU_INFO) -> bool:
    """Returns False where there is no GPU and the processor is known to lack the instructions."""
    if tf.config.list_physical_devices("GPU") or not cpu_info.is_file():
        return True
    words = set(cpu_info.read_text(encoding="utf-8", errors="replace").split())
    is_x86 = "sse2" in words
    return not is_x86 or bool(words & {"avx512_bf16", "amx_bf16"})


def _product_seconds(dtype: tf.DType) -> float:
    """Returns the least time of a few matrix products."""
    x = tf.cast(tf.random.stateless_uniform([_SIZE, _SIZE], [1, 2]), dtype)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        tf.reduce_sum(tf.cast(tf.matmul(x, x), tf.float32)).numpy()
        times.append(time.perf_counter() - start)
    return min(times)
