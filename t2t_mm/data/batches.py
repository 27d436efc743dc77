"""Batches: the records of one task as padded features for a model."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import tensorflow as tf

from t2t_mm.data import pools
from t2t_mm.data import task as task_lib
from t2t_mm.modality import features as features_lib
from t2t_mm.process import cores
from t2t_mm.settings import augmentation as augmentation_lib
from t2t_mm.settings import batching as batching_lib

USUAL_LENGTH = 16
"""Assumed tokens of a text, before its length is known."""

POOL_BATCHES = 64
"""A pool holds about so many batches of texts of `USUAL_LENGTH` ..."""

LARGEST_POOL = 65_536
"""... but at most so many examples, or the first batch would take long."""

READ_AHEAD = 4
"""Prefetched batches."""

PARALLEL = min(cores.count(), 16)
"""Batches computed in parallel."""

DROPPED = "dropped"
"""Key of a training batch for the number of examples dropped for their length since the
previous batch, int32 `[]`; only with `Batching.too_long = "drop"`."""

Values = dict[str, Any]
"""`raw`: string `[P]` by name; of records `key` string `[P]`; for evaluation also `index`
int32 `[P]` and `references` ragged string `[P, R]`."""


def derive_seed(*parts: int | str) -> int:
    """Returns a seed below 2^31 that depends on every part (a seed, a name, a worker)."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") // 2


def build_features(
    task: task_lib.Task, batching: batching_lib.Batching, names: Sequence[str]
) -> dict[str, features_lib.Features]:
    """Returns the features under `names`; `batching` limits texts that declare no limit."""
    built = {}
    declared = {**task.given(), **task.modalities()}
    for name in names:
        declaration = declared[name]
        if getattr(declaration, "max_length", 0) is None:
            limit: dict[str, Any] = {"max_length": batching.max_length}
            declaration = dataclasses.replace(declaration, **limit)
        built[name] = features_lib.build(
            declaration, task, length_multiple=batching.length_multiple
        )
    return built


class Maker:
    """Builds the batches of one task.

    Args:
      task: the problem and its data.
      batching: sizes.
      names: the inputs that batches hold, and `targets` where they do.
      seed: of the order of batches and of augmentation, for training; None for
        evaluation: records keep their order and batches keep their raw values.
      augmentation: damage to training inputs; targets are never damaged.
    """

    def __init__(
        self,
        task: task_lib.Task,
        batching: batching_lib.Batching,
        *,
        names: Sequence[str],
        seed: int | tf.Tensor | None,
        augmentation: augmentation_lib.AugmentSettings | None = None,
    ) -> None:
        self.batching = batching
        self.names = list(names)
        self.seed = seed
        self.features = build_features(task, batching, self.names)
        if augmentation is not None and augmentation.share:
            for name, declared in task.inputs.items():
                if not augmentation.kinds or set(declared.augmentations()) & {*augmentation.kinds}:
                    self.features[name].augmentation = augmentation
        self.drops = seed is not None and batching.too_long == "drop"
        self.ragged = [name for name in self.names if self.features[name].ragged]
        times = batching.eval_times if seed is None else 1
        self.batch_positions = times * min(
            f.most_positions(batching) for f in self.features.values()
        )
        self.batch_examples = times * batching.batch_examples

    def key(self) -> Hashable | None:
        """Returns all that the graph of batches depends on beside the seed; None if not known."""
        keys = []
        for name, features in self.features.items():
            key = features.graph_key()
            if key is None:
                return None
            keys.append((name, key, features.augmentation))
        return (tuple(keys), self.batching, self.seed is None)

    def seeded(self, seed: tf.Tensor) -> Maker:
        """Returns the same with another seed, int64 `[]`, which may be an argument of a graph."""
        made = copy.copy(self)
        made.seed = seed
        return made

    def batches(
        self,
        records: tf.data.Dataset,
        parse: Callable[[Any, tf.Tensor | None], Values],
        *,
        pool_size: int | tf.Tensor,
        part: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> tf.data.Dataset:
        """Returns the batches of `records`, whose elements are single examples.

        Args:
          records: one example each, in any form.
          parse: turns a batch of them into `Values`; it is also given a seed, int64 `[2]`,
            for what training draws of them, or None for evaluation.
          pool_size: examples sorted together, as of `pool_size`.
          part: index and number of those who share the batches, of which each gets every so many;
            None for one alone.
        """
        plain = tf.autograph.experimental.do_not_convert  # graph operations only: trace as it is
        if self.ragged:
            pool = records.batch(pool_size).enumerate()
            pool = pool.map(
                plain(
                    lambda number, element: self._sort(number, parse(element, self._draw(number)))
                )
            )
            numbered = pool.prefetch(1).flat_map(plain(self._split)).enumerate()
            finish = plain(self._finish)
        else:
            numbered = records.batch(self.batch_examples).enumerate()
            finish = plain(
                lambda number, element: self._finish(number, parse(element, self._draw(number)))
            )
        if part is not None:  # before what takes long
            index, count = part
            numbered = numbered.shard(count, index)
        batches = numbered.map(finish, num_parallel_calls=PARALLEL)
        options = tf.data.Options()
        options.deterministic = True
        # Without autotuning: an iterator's end waits for its thread, which may sleep for seconds.
        options.autotune.enabled = False
        return batches.prefetch(READ_AHEAD).with_options(options)

    def pool_size(self, largest_pool: int) -> int:
        """Returns how many examples are sorted together, `largest_pool` at most."""
        usual = self.batching.batch_tokens * POOL_BATCHES // USUAL_LENGTH
        return max(1, min(usual, LARGEST_POOL, largest_pool))

    def sides(
        self, raw: dict[str, tf.Tensor], number: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, dict[str, tf.RaggedTensor]]:
        """Tokenizes the texts of a pool; of heavy features it only computes the lengths.

        Args:
          raw: string `[P]` by name.
          number: of the pool, for the damage of training; None for none.

        Returns:
          the padded lengths of inputs and targets, int32 `[P, 2]`, and the token ids by name.
        """
        multiple = self.batching.length_multiple
        ids = {
            name: self.features[name].featurize(
                raw[name],
                training=number is not None,
                seed=None if number is None else self._seed_at(number) + [place + 1, 0],
            )
            for place, name in enumerate(self.ragged)
            if not self.features[name].heavy
        }
        count = tf.size(raw[self.names[0]])
        sides = [tf.zeros([count], tf.int32), tf.zeros([count], tf.int32)]
        for name in self.names:
            if name in ids:
                length = tf.cast(features_lib.round_up(ids[name].row_lengths(), multiple), tf.int32)
            elif self.features[name].heavy:
                length = self.features[name].lengths(raw[name])
                length = features_lib.round_up(length, multiple)
            else:
                length = tf.constant(self.features[name].fixed_length(), tf.int32)
            if name == task_lib.PREFIX:  # a prefix may be empty, but its output is not
                length = tf.maximum(length, USUAL_LENGTH)
            sides[name == task_lib.TARGETS] += length
        return tf.stack(sides, axis=1), ids

    def is_cut(self, ids: dict[str, tf.RaggedTensor]) -> tf.Tensor:
        """Returns which examples have a truncated text: bool `[P]`.

        Args:
          ids: the token ids of one or more texts by name.
        """
        return tf.reduce_any([self.features[name].is_cut(ids[name]) for name in ids], axis=0)

    def _draw(self, number: tf.Tensor) -> tf.Tensor | None:
        """Returns the seed of what is drawn in pool `number`; None for evaluation."""
        return None if self.seed is None else self._seed_at(number) + [0, 1]

    def _sort(self, number: tf.Tensor, values: Values) -> tuple[Values, tf.Tensor, tf.Tensor]:
        """Tokenizes and sorts a pool; returns its values, batch bounds and order of batches."""
        both, ids = self.sides(values["raw"], None if self.seed is None else number)
        dropped = tf.constant(0)
        if self.drops and ids:
            is_cut = self.is_cut(ids)
            dropped = tf.math.count_nonzero(is_cut, dtype=tf.int32)
            said = "Batching.too_long drops every example"
            with tf.control_dependencies([tf.debugging.Assert(~tf.reduce_all(is_cut), [said])]):
                whole = tf.where(~is_cut)[:, 0]
            both, values, ids = tf.nest.map_structure(
                lambda value: tf.gather(value, whole), (both, values, ids)
            )
        order = pools.sort_by_length(both)
        longest = tf.gather(tf.reduce_max(both, axis=1), order)
        bounds = pools.cut(longest, batch_tokens=self.batch_positions)
        turns = tf.range(tf.size(bounds) - 1)
        if self.seed is not None:
            draws = tf.random.stateless_uniform(tf.shape(turns), self._seed_at(number))
            turns = tf.argsort(draws)
            raw = {n: v for n, v in values["raw"].items() if n not in ids}
            values = {**values, "raw": raw}
        values = tf.nest.map_structure(lambda value: tf.gather(value, order), values)
        values["ids"] = {name: pools.to_parts(rows, order) for name, rows in ids.items()}
        if self.drops:
            values[DROPPED] = dropped
        return values, bounds, turns

    def _split(self, values: Values, bounds: tf.Tensor, turns: tf.Tensor) -> tf.data.Dataset:
        """Returns the batches of a sorted pool."""

        def batch(turn: tf.Tensor) -> Values:
            start, stop = bounds[turn], bounds[turn + 1]
            ids = {
                name: pools.take_rows(
                    *parts, start=start, stop=stop, multiple=self.batching.length_multiple
                )
                for name, parts in values["ids"].items()
            }
            flat = {name: value for name, value in values.items() if name not in ("ids", DROPPED)}
            flat = tf.nest.map_structure(lambda value: value[start:stop], flat)
            if self.drops:  # reported with the pool's first batch
                flat[DROPPED] = tf.where(turn == turns[0], values[DROPPED], 0)
            return {**flat, "ids": ids}

        return tf.data.Dataset.from_tensor_slices(turns).map(
            tf.autograph.experimental.do_not_convert(batch)
        )

    def _finish(self, number: tf.Tensor, values: Values) -> Values:
        """Computes the heavy features, and gives the batch its final form."""
        raw, ids = values["raw"], values.get("ids", {})
        features = {}
        for place, name in enumerate(self.names):
            if name in ids:
                features[name] = ids[name]
                continue
            seed = None if self.seed is None else self._seed_at(number) + [place + 1, 0]
            features[name] = self.features[name].featurize(
                raw[name], training=self.seed is not None, seed=seed
            )
        batch: Values = {"inputs": {n: v for n, v in features.items() if n != task_lib.TARGETS}}
        if task_lib.TARGETS in features:
            batch["targets"] = features[task_lib.TARGETS]
        if not batch["inputs"]:  # the batch still needs a size
            rows = tf.shape(batch["targets"])[0]
            batch["inputs"] = {task_lib.PREFIX: tf.zeros([rows, 0], tf.int32)}
        if self.seed is None:
            batch["raw_inputs"] = {n: v for n, v in raw.items() if n != task_lib.TARGETS}
            if task_lib.TARGETS in raw:
                batch["raw_targets"] = raw[task_lib.TARGETS]
        kept = ("index", "key", "references", DROPPED)
        batch.update({n: values[n] for n in kept if n in values})
        return batch

    def _seed_at(self, number: tf.Tensor) -> tf.Tensor:
        """Returns the stateless seed, int64 `[2]`, of pool or batch `number`."""
        return tf.stack([tf.convert_to_tensor(self.seed, tf.int64), tf.cast(number, tf.int64)])
