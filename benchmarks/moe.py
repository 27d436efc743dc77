"""Mixture of experts over a dense layer of equal work, forward and backward.

    python -m benchmarks.moe [--experts=60,240] [--dtype=float32] [--calls=15]

2,048 positions of width 256; experts of width 1,024, 4 of them a position. The
dense layer is one expert of width 4,096: the same multiplications. Both give the
gradients of all weights and of the input, in one process, by turns, each call with
new noise (so that the experts' loads change from call to call, as in training).
On processors without AVX-512, TensorFlow leaves oneDNN off unless the environment
says TF_ENABLE_ONEDNN_OPTS=1; without it the products of few rows take twice as long.
Printed: medians in milliseconds, and the ratio of the two; only the ratio can be
compared between machines.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

POSITIONS, WIDTH, FILTER, SELECTED = 2048, 256, 1024, 4


def main() -> None:
    """Prints one line for each number of experts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experts", default="60,240")
    parser.add_argument("--dtype", default="float32", choices=("float32", "mixed_bfloat16"))
    parser.add_argument("--calls", type=int, default=15)
    args = parser.parse_args()
    for experts in map(int, args.experts.split(",")):
        moe, dense = measure(experts, args.dtype, args.calls)
        print(
            f"experts {experts:4d}  {args.dtype}  mixture {moe:7.1f} ms  dense {dense:7.1f} ms  "
            f"ratio {moe / dense:.2f}",
            flush=True,
        )


def measure(experts: int, dtype: str, calls: int) -> tuple[float, float]:
    """Returns the median times of the mixture and of the dense layer, in ms."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import tensorflow as tf

    from t2t_mm.layers.moe import layer

    keras.config.set_dtype_policy(dtype)
    moe = layer.MixtureOfExperts(WIDTH, experts=experts, selected=SELECTED, filter_width=FILTER)
    moe.gate_kernel.assign(tf.random.stateless_normal(moe.gate_kernel.shape, [1, 2]) * 0.02)
    compute = keras.dtype_policies.get(dtype).compute_dtype
    w_in = tf.Variable(tf.random.stateless_normal([WIDTH, SELECTED * FILTER], [3, 4]) * 0.05)
    w_out = tf.Variable(tf.random.stateless_normal([SELECTED * FILTER, WIDTH], [5, 6]) * 0.05)
    x = tf.cast(tf.random.stateless_normal([POSITIONS, WIDTH], [7, 8]), compute)
    upstream = tf.cast(tf.random.stateless_normal([POSITIONS, WIDTH], [9, 10]), compute)

    def run_moe(seed: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, stats = moe(x, training=True, seed=seed)
            loss = tf.reduce_sum(tf.cast(y * upstream, tf.float32))
            loss += 0.01 * (stats.importance_loss + stats.load_loss)
        return tape.gradient(loss, [x, *moe.trainable_variables])

    def run_dense(seed: tf.Tensor) -> list[tf.Tensor]:
        del seed
        with tf.GradientTape() as tape:
            tape.watch(x)
            hidden = tf.nn.relu(tf.matmul(x, tf.cast(w_in, compute)))
            y = tf.matmul(hidden, tf.cast(w_out, compute))
            loss = tf.reduce_sum(tf.cast(y * upstream, tf.float32))
        return tape.gradient(loss, [x, w_in, w_out])

    layers = (tf.function(run_moe), tf.function(run_dense))
    times: tuple[list[float], list[float]] = ([], [])
    for call in range(calls + 3):
        for function, taken in zip(layers, times, strict=True):
            taken.append(_milliseconds(function, tf.constant([call, 0])))
    return statistics.median(times[0][3:]), statistics.median(times[1][3:])


def _milliseconds(function: Callable[..., list[Any]], seed: object) -> float:
    start = time.perf_counter()
    gradients = function(seed)
    gradients[0].numpy()
    return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    main()
