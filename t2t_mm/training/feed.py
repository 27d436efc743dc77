"""The training batches of every problem, as iterators that a checkpoint can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm.data import batches as batches_lib
from t2t_mm.data import pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.settings import augmentation as augmentation_lib
from t2t_mm.settings import batching as batching_lib
from t2t_mm.training import strategy as strategies


class Counts(NamedTuple):
    """How much a step's batches hold together.

    Attributes:
      examples: of all replicas of this worker.
      amounts: of their inputs, by the modality's unit; those of the targets' unit are left
        out, for the step itself counts targets.
      keys: string `[B]` for each replica of this worker: which examples they are.
      lengths: `cut_examples`, that have a text which is cut, and `dropped_examples`, left
        out for such a text since the step before.
    """

    examples: int
    amounts: Mapping[str, float]
    keys: Sequence[tf.Tensor]
    lengths: Mapping[str, int]


class Feed:
    """One plain iterator a problem and worker: TensorFlow cannot save distributed ones.

    Args:
      tasks: the problems.
      batching: sizes of batches.
      seed: of their order.
      strategy: whose replicas get a batch each.
      augmentation: damage to inputs.

    Raises:
      ConfigError: for a kind of damage that no input of the problems can take.
    """

    def __init__(
        self,
        tasks: Sequence[task_lib.Task],
        batching: batching_lib.Batching,
        *,
        seed: int,
        strategy: tf.distribute.Strategy,
        augmentation: augmentation_lib.AugmentSettings | None = None,
    ) -> None:
        self._strategy = strategy
        if augmentation is not None:
            augmentation.check(
                [kind for t in tasks for m in t.inputs.values() for kind in m.augmentations()]
            )
        shard = (strategies.worker_index(strategy), strategies.worker_count(strategy))
        self._tasks = {task.name: task for task in tasks}
        datasets = {
            task.name: pipeline.train_dataset(
                task, batching, seed=seed, shard=shard, augmentation=augmentation
            )
            for task in tasks
        }
        self.specs = {name: for_model(data.element_spec) for name, data in datasets.items()}
        self.iterators = {name: iter(dataset) for name, dataset in datasets.items()}

    def next(self, name: str) -> tuple[Any, Counts]:
        """Returns the next batch of a problem (one for each replica) and what it holds.

        Raises:
          DataError: a record is damaged; names the file.
        """
        replicas = self._strategy.num_replicas_in_sync
        count = max(1, replicas // strategies.worker_count(self._strategy))
        batches = [
            pipeline.next_batch(self.iterators[name], self._tasks[name]) for _ in range(count)
        ]
        counts = Counts(
            examples=sum(int(tf.shape(batch["targets"])[0]) for batch in batches),
            amounts=_amounts(self._tasks[name], [batch["inputs"] for batch in batches]),
            keys=[batch[task_lib.KEY] for batch in batches],
            lengths=_lengths(self._tasks[name], batches),
        )
        batches = [for_model(batch) for batch in batches]
        if replicas == 1:
            return batches[0], counts
        value = self._strategy.experimental_distribute_values_from_function(
            lambda context: batches[context.replica_id_in_sync_group % count]
        )
        return value, counts


def for_model(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a batch, or its spec, as a model takes it: what is for us stays off the devices."""
    ours = (task_lib.KEY, batches_lib.DROPPED)
    return {name: value for name, value in batch.items() if name not in ours}


def _lengths(task: task_lib.Task, batches: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Returns how many examples of some batches are cut, and were left out before them."""
    cut = sum(task.cut_examples(batch) for batch in batches)
    dropped = sum(int(batch.get(batches_lib.DROPPED, 0)) for batch in batches)
    return {"cut_examples": cut, "dropped_examples": dropped}


def _amounts(task: task_lib.Task, batches: Sequence[Mapping[str, tf.Tensor]]) -> dict[str, float]:
    """Returns how much the inputs of some batches hold, by unit."""
    amounts: dict[str, float] = {}
    for name, declared in task.inputs.items():
        if declared.unit not in ("", task.targets.unit):
            found = sum(declared.amount(batch[name]) for batch in batches)
            amounts[declared.unit] = amounts.get(declared.unit, 0.0) + found
    return amounts
