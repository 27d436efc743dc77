"""One problem's training pipeline alone, and a model's training steps on the same problem.

The pipeline is `pipeline.train_dataset` as training reads it, its batches thrown away, on all
cores; the steps are those of a model, fed by that pipeline. Where a problem has pictures, it
also tells the processor time of each part of making their features.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from benchmarks import models

BATCH = 32


def main() -> None:
    """Prints batches a second of the pipeline, and steps a second of the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problem", required=True)
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--gin_file", default="multi_model_small")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", action="store_true", help="the parts of their features")
    args = parser.parse_args()
    from t2t_mm import config, plugins
    from t2t_mm.data import task as task_lib
    from t2t_mm.settings import batching

    plugins.load_all()
    task = task_lib.Task.from_data(args.problem, args.data_dir)
    model = models.build(args.gin_file, [], [task], args.precision)
    sizes = config.build(batching.Batching)
    found: dict[str, Any] = {"batches_per_s": [], "steps_per_s": []}
    step = _stepper(model, task, sizes)
    began = time.perf_counter()
    step()
    found["first_step_s"] = time.perf_counter() - began
    for _ in range(args.rounds):
        alone = measure_pipeline(task, sizes, args.seconds)
        found["batches_per_s"].append(alone[0])
        found["processor_ms"] = alone[1]
        found["padding"] = alone[2]
        count, start = 0, time.perf_counter()
        while count < 2 or time.perf_counter() - start < args.seconds:
            step()
            count += 1
        found["steps_per_s"].append(count / (time.perf_counter() - start))
    if args.pictures and any(declared.kind == "image" for declared in task.inputs.values()):
        found["picture_ms"] = measure_pictures(task, args.seconds / 2)
    print(json.dumps(found))


def measure_pipeline(task: Any, sizes: Any, seconds: float) -> tuple[float, float, float]:
    """Returns batches a second, milliseconds of processor time for each, share of padding."""
    from t2t_mm.data import pipeline

    batches = iter(pipeline.train_dataset(task, sizes, seed=0))
    end = time.monotonic() + seconds / 3
    next(batches)
    while time.monotonic() < end:
        next(batches)
    padding = pipeline.padding_share(next(batches))
    count, began, used = 0, time.monotonic(), time.process_time()
    while time.monotonic() < began + seconds:
        next(batches)
        count += 1
    elapsed = time.monotonic() - began
    return count / elapsed, 1000 * (time.process_time() - used) / max(count, 1), padding


def measure_pictures(task: Any, seconds: float) -> dict[str, float]:
    """Returns the milliseconds of processor time that each part takes a picture."""
    import tensorflow as tf

    from t2t_mm.data import records
    from t2t_mm.modality import features

    name = next(name for name, declared in task.inputs.items() if declared.kind == "image")
    path = task.manifest().files(task.splits[0])[0]
    examples = [e[name] for e, _ in zip(records.read_examples(path), range(256), strict=False)]
    raw = tf.constant(examples)
    made = features.build(task.inputs[name], task)
    seed = tf.constant([1, 2], tf.int64)

    def decode(one: Any) -> Any:
        return tf.io.decode_image(one, channels=3, expand_animations=False)[0, 0]

    parts: dict[str, Callable[[Any], Any]] = {
        "decode": lambda batch: tf.map_fn(decode, batch, fn_output_signature=tf.uint8),
        "train": lambda batch: made.featurize(batch, training=True, seed=seed),
        "evaluate": lambda batch: made.featurize(batch, training=False),
    }
    return {part: _milliseconds(function, raw, seconds) for part, function in parts.items()}


def _milliseconds(function: Callable[[Any], Any], raw: Any, seconds: float) -> float:
    """Returns the processor time of `function` for one picture, as tf.data runs it."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(raw).repeat().batch(BATCH).map(function)
    found = iter(data)
    for _ in range(2):
        next(found)
    count, began, used = 0, time.monotonic(), time.process_time()
    while time.monotonic() < began + seconds:
        next(found)
        count += BATCH
    return 1000 * (time.process_time() - used) / count


def _stepper(model: Any, task: Any, sizes: Any) -> Callable[[], None]:
    """Returns a function that takes one training step and waits for it."""
    import tensorflow as tf

    from t2t_mm import config
    from t2t_mm.data import pipeline
    from t2t_mm.settings import training
    from t2t_mm.training import optimizer, single_steps, strategy

    adam = optimizer.Adam(model.trainable_variables, config.build(training.OptimizerSettings))
    taken = single_steps.Steps(model, adam, strategy.make("default"))
    data = pipeline.train_dataset(task, sizes, seed=1)
    batches = iter(data)
    number = 0

    def run() -> None:
        nonlocal number
        number += 1
        seed = tf.constant([0, number], tf.int32)
        metrics = taken.take(
            task.name, data.element_spec, next(batches), seed=seed, learning_rate=1e-4
        )
        float(metrics["loss"])

    return run


if __name__ == "__main__":
    main()
