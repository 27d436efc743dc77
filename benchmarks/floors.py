"""The limits of this machine: how fast it multiplies matrices, and moves memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import turns

SIZE = 2048
STREAM_BYTES = 256 * 2**20


def matmul(dtype: str, size: int = SIZE) -> Callable[[float], float]:
    """Returns a function of seconds to float operations a second of square products."""
    return product(dtype, size, size, size)


def product(dtype: str, rows: int, inner: int, columns: int) -> Callable[[float], float]:
    """Returns a function of seconds to float operations a second of `[rows, inner] x [..]`."""
    import tensorflow as tf

    a = tf.cast(tf.random.stateless_uniform([rows, inner], [1, 2], -1.0, 1.0), dtype)
    b = tf.cast(tf.random.stateless_uniform([inner, columns], [3, 4], -1.0, 1.0), dtype)
    multiply = tf.function(lambda: tf.matmul(a, b), autograph=False)

    def measure(seconds: float) -> float:
        multiply()
        found = turns.median_seconds(lambda: _wait(multiply()), seconds)
        return 2 * rows * inner * columns / found

    return measure


def bandwidth(size_bytes: int = STREAM_BYTES) -> Callable[[float], float]:
    """Returns a function of seconds to bytes a second, read and written together.

    A vector is added to a variable in place, both too large for any cache: two are read and
    one is written, on all cores, with nothing to allocate.
    """
    import tensorflow as tf

    held = tf.Variable(tf.zeros([size_bytes // 4]), trainable=False)
    delta = tf.ones([size_bytes // 4])

    @tf.function(autograph=False)
    def add() -> Any:
        tf.raw_ops.ResourceApplyGradientDescent(var=held.handle, alpha=0.5, delta=delta)
        return tf.constant(0)

    def measure(seconds: float) -> float:
        add()
        return 3 * size_bytes / turns.median_seconds(lambda: _wait(add()), seconds)

    return measure


def _wait(tensor: Any) -> None:
    """Returns when a tensor's value is there."""
    tensor.numpy()
