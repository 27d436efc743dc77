"""The mixture of experts and a dense layer of equal work in one process, by turns.

The dense layer is one expert as wide as the chosen ones together: the same multiplications.
Both give the gradients of all weights and of the input, each call with new noise (so that the
experts' loads change from call to call, as in training); then both again with Adam's update.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks import floors, flops, turns


def main() -> None:
    """Prints milliseconds of each, by round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experts", type=int, default=60)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--positions", type=int, default=2048)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--filter", type=int, default=1024)
    parser.add_argument("--selected", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in_blocks", action="store_true", help="in blocks, as on a GPU, too")
    args = parser.parse_args()
    from t2t_mm.models import precision as precision_lib

    precision_lib.use(args.precision)
    sides: dict[str, Callable[[], float]] = {}
    made = _make(args)
    for name, function in made.items():
        for _ in range(2):
            function()
        sides[name] = functools.partial(_milliseconds, function, args.seconds)
    flow = floors.bandwidth()
    sides["bytes_per_s"] = lambda: flow(args.seconds / 3)
    product = floors.matmul(args.precision)
    sides["product_per_s"] = lambda: product(args.seconds / 3)
    found: dict[str, Any] = dict(turns.alternate(sides, args.rounds))
    size = {"D": args.width, "F": args.filter}
    for name, with_optimizer in (("bytes", False), ("bytes_update", True)):
        found[name] = flops.mixture_bytes(
            **size, experts=args.experts, with_optimizer=with_optimizer
        )
    rows = args.positions * args.selected
    found["operations"] = 3 * 2 * flops.linear(rows, args.width, args.filter)
    print(json.dumps(found))


def _make(args: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """Returns the functions to be timed."""
    import keras
    import tensorflow as tf

    from t2t_mm.layers.moe import layer
    from t2t_mm.settings import training
    from t2t_mm.training import optimizer

    compute = keras.config.dtype_policy().compute_dtype

    def mixture_layer(in_blocks: bool) -> layer.MixtureOfExperts:
        made = layer.MixtureOfExperts(
            args.width,
            experts=args.experts,
            selected=args.selected,
            filter_width=args.filter,
            in_blocks=in_blocks,
        )
        made.gate_kernel.assign(tf.random.stateless_normal(made.gate_kernel.shape, [1, 2]) * 0.02)
        return made

    wide = args.selected * args.filter
    w_in = keras.Variable(tf.random.stateless_normal([args.width, wide], [3, 4]) * 0.05)
    w_out = keras.Variable(tf.random.stateless_normal([wide, args.width], [5, 6]) * 0.05)
    shape = [args.positions, args.width]
    x = tf.cast(tf.random.stateless_normal(shape, [7, 8]), compute)
    upstream = tf.cast(tf.random.stateless_normal(shape, [9, 10]), compute)

    def mixture(moe: layer.MixtureOfExperts, seed: Any) -> Any:
        y, stats = moe(x, training=True, seed=seed)
        loss = tf.reduce_sum(tf.cast(y * upstream, tf.float32))
        return loss + 0.01 * (stats.importance_loss + stats.load_loss)

    def dense(seed: Any) -> Any:
        del seed
        first, second = (tf.cast(tf.convert_to_tensor(w), compute) for w in (w_in, w_out))
        y = tf.matmul(tf.nn.relu(tf.matmul(x, first)), second)
        return tf.reduce_sum(tf.cast(y * upstream, tf.float32))

    found: dict[str, Callable[[], None]] = {}
    each: list[tuple[str, Callable[[Any], Any], list[Any]]] = [("dense", dense, [w_in, w_out])]
    for name, in_blocks in (("mixture", False), ("mixture_in_blocks", True)):
        if args.in_blocks or not in_blocks:
            moe = mixture_layer(in_blocks)
            each.append((name, functools.partial(mixture, moe), moe.trainable_variables))
    for name, forward, variables in each:
        adam = optimizer.Adam(variables, training.OptimizerSettings())
        plain = [variable.value for variable in variables]
        found[name] = _caller(forward, x, plain, None)
        found[f"{name}_update"] = _caller(forward, x, plain, adam)
    return found


def _caller(forward: Callable[[Any], Any], x: Any, variables: list[Any], adam: Any) -> Any:
    """Returns a function that takes all gradients, updates weights if asked, and waits."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def run(seed: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = forward(seed)
        of_x, *gradients = tape.gradient(loss, [x, *variables])
        if adam is not None:
            return of_x, adam.apply(gradients, tf.constant(1e-5))
        return of_x, gradients

    number = 0

    def call() -> None:
        nonlocal number
        number += 1
        # All outputs of a compiled function are there once one of them can be read.
        run(tf.constant([number, 0]))[0].numpy()

    return call


def _milliseconds(function: Callable[[], None], seconds: float) -> float:
    taken: list[float] = []
    begin = time.perf_counter()
    while len(taken) < 5 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        function()
        taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
