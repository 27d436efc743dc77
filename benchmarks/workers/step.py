"""Training steps of one model on fixed batches, by turns with the machine's matrix product.

python -m benchmarks.workers.step --gin_file=transformer_small --rows=64 --length=32
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from benchmarks import floors, flops, models, turns


def main() -> None:
    """Prints steps a second, the product's rate, and operations a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gin_file", required=True)
    parser.add_argument("--param", default="", help="bindings, with semicolons between them")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--pictures", type=int, default=0, help="their size; 0 for text")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--floor", action="store_true", help="measure the product by turns")
    parser.add_argument("--profile", default="", help="folder for TensorFlow's profile of steps")
    args = parser.parse_args()
    params = [part for part in args.param.split(";") if part]
    began = time.perf_counter()
    trained = Trained(args.gin_file, params, args.precision, args.rows, args.length, args.pictures)
    trained.step()
    first_s = time.perf_counter() - began
    for _ in range(2):
        trained.step()
    sides = {"steps_per_s": lambda: turns.rate(trained.step, args.seconds)}
    if args.floor:
        product = floors.matmul(args.precision)
        sides["product_per_s"] = lambda: product(args.seconds / 3)
    found: dict[str, Any] = dict(turns.alternate(sides, args.rounds))
    if not args.pictures:
        shape = flops.Shape(args.rows, args.length, args.length, models.VOCABULARY)
        count = flops.training_step(trained.name, trained.model.config, shape)
        found["operations"] = sum(count.values())
        found["operations_by_kind"] = dict(count)
    if args.profile:
        trained.profile(args.profile)
    found |= {"first_s": first_s, "weights": models.weights(trained.model), "loss": trained.loss}
    print(json.dumps(found))


class Trained:
    """A model, its optimizer and a fixed supply of batches.

    Args:
      gin_file: sizes, optimizer.
      params: bindings on top.
      precision: of arithmetic.
      rows: examples in a batch.
      length: tokens of each source and target.
      pictures: size of pictures, in place of text; 0 for text.
    """

    def __init__(
        self,
        gin_file: str,
        params: list[str],
        precision: str,
        rows: int,
        length: int,
        pictures: int = 0,
    ) -> None:
        import tensorflow as tf

        from t2t_mm import config
        from t2t_mm.settings import training
        from t2t_mm.training import optimizer, single_steps, strategy

        task = models.picture_task(pictures) if pictures else models.text_task()
        devices = strategy.make("default")
        self.model = models.build(gin_file, params, [task], precision)
        self.name = config.build(training.TrainSettings).model
        chosen = config.build(training.OptimizerSettings)
        adam = optimizer.Adam(self.model.trainable_variables, chosen)
        if pictures:
            data = models.picture_batches(8, rows, pictures)
        else:
            data = models.text_batches(8, rows, length)
        self._task, self._spec = task.name, data.element_spec
        self._batches = iter(data)
        self._steps = single_steps.Steps(self.model, adam, devices)
        self._number = 0
        self._seed = lambda: tf.constant([0, self._number], tf.int32)
        self.loss = float("nan")

    def step(self) -> None:
        """Takes one step and waits for its loss."""
        self._number += 1
        metrics = self._steps.take(
            self._task, self._spec, next(self._batches), seed=self._seed(), learning_rate=1e-4
        )
        self.loss = float(metrics["loss"])

    def profile(self, folder: str, steps: int = 3) -> None:
        """Writes TensorFlow's profile of a few steps."""
        import tensorflow as tf

        with tf.profiler.experimental.Profile(folder):
            for number in range(steps):
                with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
                    self.step()


if __name__ == "__main__":
    main()
