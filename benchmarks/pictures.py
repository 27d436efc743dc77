"""How many pictures a second the training pipeline makes, with nothing else to do.

    python -m benchmarks.pictures --data_dir=data --problem=tiny_imagenet [--seconds=10]

Reads `pipeline.train_dataset` of a problem with pictures whose data is there (see
mm-datagen), augmentation and all, and throws the batches away. Printed: pictures a
second after a warm-up, and the processor time that each took, which other programs on
the machine disturb less; then the processor time of the steps by themselves: decoding
what is stored, and making the features of it for training and for evaluation (which
both begin with decoding).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

BATCH = 32


def main() -> None:
    """Measures one problem and prints what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--problem", required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from t2t_mm import plugins
    from t2t_mm.data import task as task_lib

    plugins.load_all()
    task = task_lib.Task.from_data(args.problem, args.data_dir)
    rate, processor_ms = measure_pipeline(task, args.seconds)
    print(f"{task.name}  {rate:8.0f} pictures/s  {processor_ms:6.2f} ms of processor time each")
    for name, ms in measure_steps(task, args.seconds / 2).items():
        print(f"  {name:10s} {ms:6.3f} ms of processor time each")


def measure_pipeline(task: Any, seconds: float) -> tuple[float, float]:
    """Returns pictures a second, and milliseconds of processor time for each."""
    from t2t_mm.data import batching, pipeline

    batches = iter(pipeline.train_dataset(task, batching.Batching(), seed=0))
    end = time.monotonic() + seconds / 3
    while time.monotonic() < end:
        next(batches)
    count, began, used = 0, time.monotonic(), time.process_time()
    while time.monotonic() < began + seconds:
        count += len(next(batches)["targets"])
    elapsed = time.monotonic() - began
    return count / elapsed, 1000 * (time.process_time() - used) / count


def measure_steps(task: Any, seconds: float) -> dict[str, float]:
    """Returns the milliseconds that each step takes a picture."""
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

    steps: dict[str, Callable[[Any], Any]] = {
        "decode": lambda batch: tf.map_fn(decode, batch, fn_output_signature=tf.uint8),
        "train": lambda batch: made.featurize(batch, training=True, seed=seed),
        "evaluate": lambda batch: made.featurize(batch, training=False),
    }
    return {step: _milliseconds(function, raw, seconds) for step, function in steps.items()}


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


if __name__ == "__main__":
    main()
