"""`t2t_mm.dataset`: the batches of one problem as a plain `tf.data.Dataset`."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator, Sequence

import tensorflow as tf
from tensorflow.python.eager import context

from t2t_mm import config, errors, plugins
from t2t_mm.data import pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.runs import folders, loaded_run, opened_run
from t2t_mm.settings import augmentation as augmentation_lib
from t2t_mm.settings import batching as batching_lib


def dataset(
    problem: str,
    split: str = "train",
    *,
    data_dir: str | os.PathLike[str] | None = None,
    shard: tuple[int, int] = (0, 1),
    seed: int = 0,
    run: str | os.PathLike[str] | loaded_run.LoadedRun | None = None,
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
) -> tf.data.Dataset:
    """Returns the batches that training or evaluation sees of a problem.

    Example:
        for batch in t2t_mm.dataset("multi30k_ende", data_dir="data").take(1):
            print(batch["inputs"]["inputs"].shape, batch["targets"].shape)

    Args:
      problem: its name; its data must have been generated.
      split: the problem's first one gives the batches of training, without end, in the order
        that a training with this seed takes them (the first time that they are iterated; each
        further iteration has another order); any other every example once.
      data_dir: where the data is; left out, T2T_MM_DATA_DIR, where the run has read it, or
        else `data`.
      shard: index and number of parts of the data, of which this is one: examples in
        training, batches in evaluation.
      seed: of order and augmentation in training: `TrainSettings.seed` of the same batches.
      run: a run folder, or what `load_run` returned, whose sizes of batches, vocabularies
        and classes are taken.
      gin_files: paths, or names under `gin/`, that set sizes of batches; without a run.
      gin_params: single bindings over those, such as `"Batching.batch_examples = 8"`.

    Returns:
      batches `{"inputs": {NAME: tensor}, "targets": tensor, "key": string [B]}`: text int32
      `[B, S]` padded with 0, pictures uint8 `[B, size, size, 3]`, sounds float32 `[B, T, F]`,
      classes int32 `[B]`; of evaluation also `raw_inputs`, `raw_targets`, `references` and
      `index`, as `t2t_mm.data.pipeline` says.

    Raises:
      ConfigError: for an unknown problem or split, or a part that is none.
      DataError: for data that is not there, or is damaged.
    """
    index, count = shard
    if not 0 <= index < count:
        raise errors.ConfigError(
            "The shard is none",
            received=f"shard={shard}",
            expected="(index, count), the index from 0 to count - 1",
        )
    plugins.load_all()
    if run is None:
        with config.only(gin_files, gin_params):
            batching = config.build(batching_lib.Batching)
            augmentation = config.build(augmentation_lib.AugmentSettings)
        task = task_lib.Task.from_data(problem, folders.data_dir(data_dir))
    elif gin_files or gin_params:
        raise errors.ConfigError(
            "A run has sizes of batches of its own",
            received="run, and gin_files or gin_params",
            expected="one of them",
        )
    else:
        task, batching, augmentation = _of_run(run, problem, folders.known_data_dir(data_dir))
    if split == task.splits[0]:
        with _tensorflow_seed(seed):
            batches = pipeline.train_dataset(
                task, batching, seed=seed, shard=shard, augmentation=augmentation
            )
        return batches.apply(
            tf.data.experimental.assert_cardinality(tf.data.experimental.INFINITE_CARDINALITY)
        )
    batches = pipeline.eval_dataset(task, split, batching)
    return batches if count == 1 else batches.shard(count, index)


@contextlib.contextmanager
def _tensorflow_seed(seed: int) -> Iterator[None]:
    """Sets the seed that training has set, which takes part in orders made within the block."""
    before = context.global_seed()
    tf.random.set_seed(seed)
    try:
        yield
    finally:
        tf.random.set_seed(before)


def _of_run(
    run: str | os.PathLike[str] | loaded_run.LoadedRun,
    problem: str,
    data_dir: pathlib.Path | None,
) -> tuple[task_lib.Task, batching_lib.Batching, augmentation_lib.AugmentSettings]:
    """Returns a problem of a run, and what its batches depend on; the model is not needed."""
    if isinstance(run, loaded_run.LoadedRun):
        opened: opened_run.OpenedRun = loaded_run.as_loaded(run, data_dir=data_dir)
    else:
        opened = opened_run.open_run(run, data_dir=data_dir)
    with config.only(of_run=opened.folder.bindings()):
        augmentation = config.build(augmentation_lib.AugmentSettings)
    return opened.task(problem), opened.batching, augmentation
