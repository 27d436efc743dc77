"""Categorical features: a class name to its id."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import base, features
from t2t_mm.modality.categorical import declaration as categorical


class CategoricalFeatures(features.Features):
    """Maps class names to ids by binary search over sorted hashes.

    Unlike a lookup table it needs no resource to be initialised in pipelines, checkpoints
    and exports. A hit is then compared with the name itself, so collisions do no harm.
    """

    def __init__(self, declaration: categorical.Categorical, task: base.Task) -> None:
        super().__init__(declaration, task)
        classes = declaration.classes
        if not classes:
            raise errors.DataError(
                f"The classes of {task.name!r} are not known",
                received="no names",
                expected="one or more, declared or found in the training split",
            )
        with tf.init_scope():
            hashes = _name_hashes(tf.constant(classes)).numpy()
        order = np.argsort(hashes, kind="stable")
        if len(np.unique(hashes)) != len(hashes):
            raise errors.DataError(
                f"Two class names of {task.name!r} have the same 63-bit fingerprint",
                hint="Rename one of the classes",
            )
        self._sorted_hashes = hashes[order]
        self._sorted_ids = order.astype(np.int32)

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns class ids, int32 `[B]`; -1 for an unknown class, where that is allowed.

        Raises:
          InvalidArgumentError: with the first unknown class, where that is not allowed.
        """
        del training, seed
        place = tf.searchsorted(tf.constant(self._sorted_hashes), _name_hashes(raw))
        place = tf.minimum(place, len(self._sorted_ids) - 1)
        ids = tf.gather(tf.constant(self._sorted_ids), place)
        known = tf.equal(tf.gather(tf.constant(self.declaration.classes), ids), raw)
        if self.declaration.allow_unseen:
            return tf.where(known, ids, -1)
        said = f"A class is not among the {len(self._sorted_ids)} known:"
        strangers = tf.boolean_mask(raw, ~known)
        if tf.executing_eagerly():
            if len(strangers):
                name = strangers[0].numpy().decode("utf-8", "replace")
                raise tf.errors.InvalidArgumentError(None, None, f"{said} {name!r}")
            return ids
        # Nothing reads the check's value, so a control dependency makes it run.
        check = tf.debugging.Assert(tf.reduce_all(known), [said, strangers], summarize=3)
        with tf.control_dependencies([check]):
            return tf.identity(ids)

    def graph_key(self) -> Hashable | None:
        return self.declaration if type(self) is CategoricalFeatures else None

    def fixed_length(self) -> int:
        return 1


def _name_hashes(names: tf.Tensor) -> tf.Tensor:
    """Returns a non-negative int64 for each name."""
    return tf.strings.to_hash_bucket_fast(names, num_buckets=2**63 - 1)
