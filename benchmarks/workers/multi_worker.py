"""One of two workers on a core of its own, which is told line by line what to measure.

Without TF_CONFIG it trains alone, as one of two that know nothing of each other; with it, with
the other one. Each line of its standard input is a JSON object, `{"measure": NAME, ...}`, and each
answer a line of JSON, with the seconds of as many times as it was asked for:

    steps   whole training steps: the vote on whether to stop, the next batch, the step
    input   batches, drawn and left
    sums    the gradients of a step summed over the workers, and nothing else
    votes   the same with one number
    copies  as many bytes as the gradients have, to the other worker and back, by a plain socket
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import models

WORKERS = 2
_WARM_UP = 4


def main() -> None:
    """Prints what the model is, then answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", type=int, required=True)
    parser.add_argument("--place", type=int, required=True, help="among the workers")
    parser.add_argument("--gin_file", required=True)
    parser.add_argument("--problem", required=True)
    parser.add_argument("--data_dir", required=True)
    args = parser.parse_args()
    os.sched_setaffinity(0, {args.core})
    trained = Trained(args.gin_file, args.problem, args.data_dir, args.place)
    print(json.dumps(trained.describe()), flush=True)
    measures: dict[str, Callable[..., list[float]]] = {
        "steps": trained.steps,
        "input": trained.input,
        "sums": trained.sums,
        "votes": trained.votes,
        "copies": trained.copies,
    }
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(measures[asked.pop("measure")](**asked)), flush=True)


class Trained:
    """A model, its optimizer, and one worker's part of the batches, whole or half as large.

    Args:
      gin_file: sizes, optimizer, batches.
      problem: that is trained.
      data_dir: its data.
      place: among the workers.
    """

    def __init__(self, gin_file: str, problem: str, data_dir: str, place: int) -> None:
        from t2t_mm import config, plugins
        from t2t_mm.data import pipeline
        from t2t_mm.data import task as task_lib
        from t2t_mm.settings import batching, training
        from t2t_mm.training import optimizer, single_steps, strategy

        self._strategy = strategy.make("auto")  # before anything else of TensorFlow
        plugins.load_all()
        self._task, self._place = task_lib.Task.from_data(problem, data_dir), place
        with self._strategy.scope():
            self._model = models.build(gin_file, [], [self._task], "float32")
            adam = optimizer.Adam(
                self._model.trainable_variables, config.build(training.OptimizerSettings)
            )
        self._vote = strategy.Vote(self._strategy)
        self._taken = single_steps.Steps(self._model, adam, self._strategy)
        whole = config.build(batching.Batching)
        half = dataclasses.replace(
            whole,
            batch_tokens=whole.batch_tokens // WORKERS,
            batch_examples=whole.batch_examples // WORKERS,
        )
        self._data = {
            size: pipeline.train_dataset(self._task, sizes, seed=0, shard=(place, WORKERS))
            for size, sizes in (("whole", whole), ("half", half))
        }
        self._number = 0
        for size in self._data:
            self.steps(_WARM_UP, size=size)
        self._sum = self._summing()
        if self._strategy.num_replicas_in_sync > 1:
            self.sums(1)

    def describe(self) -> dict[str, Any]:
        """Returns what is trained: weights, bytes of their gradients, sums between workers."""
        steps: list[Any] = list(self._taken._functions.values())
        traced = steps[0]._list_all_concrete_functions()[-1]
        names = [operation.type for operation in traced.graph.get_operations()]
        return {
            "weights": models.weights(self._model),
            "bytes": self._bytes(),
            "sums": sum(name.startswith("CollectiveReduce") for name in names),
        }

    def steps(self, count: int, size: str = "whole") -> list[float]:
        """Takes the first steps of a training, always of the same batches."""
        batches, taken = self._batches(size), []
        for _ in range(count):
            begin = time.perf_counter()
            self._vote.any(is_requested=False)
            self._step(next(batches), size)
            taken.append(time.perf_counter() - begin)
        return taken

    def input(self, count: int, size: str = "whole") -> list[float]:
        """Draws batches, the first of which fills the buffers."""
        batches, taken = self._batches(size), []
        for _ in range(count):
            begin = time.perf_counter()
            next(batches)
            taken.append(time.perf_counter() - begin)
        return taken

    def sums(self, count: int) -> list[float]:
        """Sums what is as large as the gradients, both workers at the same time."""
        taken = []
        for _ in range(count):
            self._vote.any(is_requested=False)  # who comes first is not to be waited for
            begin = time.perf_counter()
            self._sum().numpy()
            taken.append(time.perf_counter() - begin)
        return taken

    def votes(self, count: int) -> list[float]:
        """Sums one number, as each step does to find out whether a worker wants to stop."""
        taken = []
        for _ in range(count):
            begin = time.perf_counter()
            self._vote.any(is_requested=False)
            taken.append(time.perf_counter() - begin)
        return taken

    def copies(self, count: int, port: int) -> list[float]:
        """Sends as many bytes as the gradients have, and takes as many, at the same time."""
        data = memoryview(bytearray(self._bytes()))
        with _connected(self._place, port) as other:
            return [_exchange(other, data) for _ in range(count)]

    def _batches(self, size: str) -> Iterator[Any]:
        from t2t_mm.data import pipeline
        from t2t_mm.training import feed

        batches = iter(self._data[size])
        while True:
            batch = feed.for_model(pipeline.next_batch(batches, self._task))
            if self._strategy.num_replicas_in_sync > 1:
                yield self._strategy.experimental_distribute_values_from_function(
                    lambda _, batch=batch: batch
                )
            else:
                yield batch

    def _step(self, batch: Any, size: str) -> None:
        import tensorflow as tf

        from t2t_mm.training import feed

        self._number += 1
        seed = tf.constant([0, self._number], tf.int32)
        spec = feed.for_model(self._data[size].element_spec)
        metrics = self._taken.take(self._task.name, spec, batch, seed=seed, learning_rate=1e-4)
        float(metrics["loss"])  # waits for it

    def _bytes(self) -> int:
        return sum(int(one.shape.num_elements()) * one.dtype.size for one in self._trained())

    def _trained(self) -> list[Any]:
        return [variable.value for variable in self._model.trainable_variables]

    def _summing(self) -> Callable[[], Any]:
        """Returns a function that sums over the workers as the optimizer does."""
        import tensorflow as tf

        def on_replica() -> Any:
            context = tf.distribute.get_replica_context()
            gradients = [tf.identity(one) for one in self._trained()]
            summed = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            return tf.add_n([tf.reshape(one, [-1])[0] for one in summed])

        @tf.function(autograph=False)
        def run() -> Any:
            found = self._strategy.run(on_replica)
            return self._strategy.experimental_local_results(found)[0]

        return run


def _connected(place: int, port: int) -> socket.socket:
    """Returns a connection of both workers."""
    if place == 0:
        with socket.create_server(("127.0.0.1", port)) as server:
            return server.accept()[0]
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except ConnectionRefusedError:
            time.sleep(0.05)


def _exchange(other: socket.socket, data: memoryview) -> float:
    """Sends bytes and takes as many; returns the seconds."""
    other.sendall(b"t")
    other.recv(1)  # both are there
    taken = memoryview(bytearray(len(data)))
    begin, place = time.perf_counter(), 0
    sending = threading.Thread(target=other.sendall, args=(data,))
    sending.start()
    while place < len(taken):
        got = other.recv_into(taken[place:])
        if not got:
            raise ConnectionError("the other worker is gone")
        place += got
    sending.join()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
