"""The precision of matrix products and convolutions; "auto" measures which is faster.

A processor without bfloat16 instructions emulates them in float32, slower than float32
itself. And one that has them for matrix products may have none for convolutions over
images and spectrograms. So "auto" times the operations of the model in both.
"""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable

import keras
import tensorflow as tf

from t2t_mm.settings import training

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
_SIZE, _GPU_SIZE = 768, 8192
_PLANES, _GPU_PLANES = (16, 32, 32, 64), (32, 128, 128, 64)
_WORTH_IT = 1.3  # least speed-up, since casts, layer norm and softmax cost more in bfloat16


def choose(settings: training.TrainSettings, *, with_planes: bool) -> str:
    """Returns "float32" or "bfloat16".

    Args:
      settings: a precision other than "auto" is taken as it is.
      with_planes: whether there are images or sounds, whose nets use 2-D convolutions.
    """
    if settings.precision != "auto":
        return settings.precision
    if not _may_compute_bfloat16():
        return "float32"
    works = [_product_seconds, _plane_seconds] if with_planes else [_product_seconds]
    seconds = {
        dtype: sum(_least_seconds(work, dtype) for work in works)
        for dtype in (tf.float32, tf.bfloat16)
    }
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


def _size_and_planes() -> tuple[int, tuple[int, int, int, int]]:
    """Returns how large the works are: on a GPU small ones would measure how it is started."""
    if tf.config.list_physical_devices("GPU"):
        return _GPU_SIZE, _GPU_PLANES
    return _SIZE, _PLANES


def _least_seconds(work: Callable[[tf.DType], float], dtype: tf.DType) -> float:
    """Returns the least time of a few runs: other load on the machine only adds to it."""
    return min(work(dtype) for _ in range(4))


def _product_seconds(dtype: tf.DType) -> float:
    """Times a matrix product."""
    size, _ = _size_and_planes()
    x = tf.cast(tf.random.stateless_uniform([size, size], [1, 2]), dtype)
    _wait_for(x)
    start = time.perf_counter()
    _wait_for(tf.matmul(x, x))
    return time.perf_counter() - start


def _plane_seconds(dtype: tf.DType) -> float:
    """Times a 2-D depthwise convolution and its gradients."""
    _, planes = _size_and_planes()
    x = tf.cast(tf.random.stateless_uniform(planes, [1, 2]), dtype)
    kernel = tf.cast(tf.random.stateless_uniform([3, 3, planes[-1], 1], [3, 4]), dtype)
    _wait_for(x)
    start = time.perf_counter()
    with tf.GradientTape() as tape:
        tape.watch((x, kernel))
        total = tf.reduce_sum(tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME"))
    for gradient in tape.gradient(total, (x, kernel)):
        _wait_for(gradient)
    return time.perf_counter() - start


def _wait_for(x: tf.Tensor) -> None:
    """Returns when `x` has been computed, on whatever device."""
    tf.reduce_sum(tf.cast(x, tf.float32)).numpy()
