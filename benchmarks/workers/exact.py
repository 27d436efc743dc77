"""Steps of one model as they are, with sums of gradients in any order, and without finite checks.

All in one process, on the same weights and batches, step by step in turn.

python -m benchmarks.workers.exact --gin_file=multi_model_small --rows=32 --length=32
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import tensorflow as tf

from benchmarks import models, turns
from t2t_mm import config
from t2t_mm.settings import training
from t2t_mm.training import finite, optimizer, single_steps, strategy
from t2t_mm.training import gradients as gradients_lib


def main() -> None:
    """Prints milliseconds a step of each kind, the median of every round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gin_file", required=True)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6.0, help="of a round, for each kind")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    task = models.text_task()
    model = models.build(args.gin_file, [], [task], args.precision)
    data = models.text_batches(8, args.rows, args.length)
    kinds = {
        name: kind(model, task.name, data)
        for name, kind in (("as_is", AsIs), ("any_order", AnyOrder), ("unchecked", Unchecked))
    }
    for one in (*kinds.values(), *kinds.values()):  # traced, and warm
        one.take()
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(args.rounds):
        for name, taken in _round(kinds, args.seconds * len(kinds)).items():
            found[name].append(1000 * statistics.median(taken))
    print(json.dumps({**found, "weights": models.weights(model)}))


def _round(kinds: dict[str, AsIs], seconds: float) -> dict[str, list[float]]:
    """Returns the seconds of single steps of each kind, taken in turn for so long."""
    sides: dict[str, Callable[[], float]] = {name: one.take for name, one in kinds.items()}
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    begin = time.perf_counter()
    while len(taken["as_is"]) < 2 or time.perf_counter() - begin < seconds:
        for name, times in turns.alternate(sides, 2).items():
            taken[name] += times
    return taken


class AsIs:
    """Steps as a training takes them, those that are not finite left out.

    Args:
      model: shared by all kinds.
      task: the name of its problem.
      data: its batches.
    """

    optimizer_class: type[optimizer.Adam] = optimizer.Adam

    def __init__(self, model: Any, task: str, data: tf.data.Dataset) -> None:
        self._task, self._spec, self._batches = task, data.element_spec, iter(data)
        adam = self.optimizer_class(
            model.trainable_variables, config.build(training.OptimizerSettings)
        )
        self._steps = single_steps.Steps(model, adam, strategy.make("default"), gate=self._gate())
        self._number = 0

    def _gate(self) -> finite.Gate | None:
        return finite.Gate(config.build(training.NotFiniteSettings))

    def _as_taken(self) -> contextlib.AbstractContextManager[Any]:
        """Returns what holds while a step is traced and taken."""
        return contextlib.nullcontext()

    def take(self) -> float:
        """Takes one step, waits for its loss and returns its seconds."""
        self._number += 1
        batch, seed = next(self._batches), tf.constant([0, self._number], tf.int32)
        begin = time.perf_counter()
        with self._as_taken():
            metrics = self._steps.take(self._task, self._spec, batch, seed=seed, learning_rate=1e-4)
        float(metrics["loss"])
        return time.perf_counter() - begin


class AnyOrder(AsIs):
    """Steps whose gradients TensorFlow sums as it does by itself."""

    def _as_taken(self) -> contextlib.AbstractContextManager[Any]:
        stack = contextlib.ExitStack()
        for name, other in (("gradients", _gradients), ("in_order", contextlib.nullcontext)):
            stack.enter_context(mock.patch.object(gradients_lib, name, other))
        return stack


class _UncheckedAdam(optimizer.Adam):
    """Adam that makes every update."""

    def apply(
        self, gradients: Any, learning_rate: tf.Tensor, *, admit: Any = None, touched: Any = None
    ) -> tf.Tensor:
        def always(norm: tf.Tensor) -> tf.Tensor:
            admit(norm)  # it fills in what the step returns
            return tf.constant(True)

        return super().apply(gradients, learning_rate, admit=always, touched=touched)


class Unchecked(AsIs):
    """Steps that update whatever comes out.

    What is constant then, TensorFlow takes out of the graph.
    """

    optimizer_class = _UncheckedAdam

    def _gate(self) -> None:
        return None

    def _as_taken(self) -> contextlib.AbstractContextManager[Any]:
        stack = contextlib.ExitStack()
        for owner, name, other in (
            (finite, "on_all_replicas", lambda _: tf.constant(True)),
            (tf.math, "multiply_no_nan", tf.multiply),
        ):
            stack.enter_context(mock.patch.object(owner, name, other))
        return stack


def _gradients(
    loss: tf.Tensor, variables: Sequence[tf.Variable], _: tf.Tensor | None = None
) -> list[Any]:
    return list(tf.gradients(loss, list(variables)))


if __name__ == "__main__":
    main()
