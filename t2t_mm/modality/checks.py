"""The contract of checks: what `Modality.encode` does to a raw value, in the graph.

An export gets raw values from strangers: a text, the bytes of a file. A check turns a batch of
them into the values of records, and says of each row that cannot be used why, in the words of
`encode`; the other rows go on. So nothing in it may raise for a row's sake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm import registry
from t2t_mm.modality import base, features

GOOD = ""
"""The error of a row that can be used."""


class Checked(NamedTuple):
    """A batch of raw values after their check.

    Attributes:
      values: string `[B]`, as records hold them; of a bad row anything.
      errors: string `[B]`, a sentence for each bad row, and empty for the others.
    """

    values: tf.Tensor
    errors: tf.Tensor


class RawCheck:
    """Checks the raw values of one modality; this one by computing the features of each row.

    So it knows that a value cannot be used, and not why. A modality names a class of its own
    (`Modality.check_class`) that says more, or changes values as its `encode` does.

    Args:
      declaration: the modality, as the problem declares it.
      features: those of the values.
    """

    def __init__(self, declaration: Any, features: features.Features) -> None:
        self.declaration = declaration
        self.features = features

    def check(self, raw: tf.Tensor) -> Checked:
        """Checks a batch.

        Args:
          raw: string `[B]`.
        """

        def compute(value: tf.Tensor) -> tf.Tensor:
            made = self.features.featurize(value[tf.newaxis], training=False)
            parts = tf.nest.flatten(made, expand_composites=True)
            with tf.control_dependencies(parts):
                return tf.identity(value)

        values, computes = attempt(compute, raw)
        is_empty = tf.strings.length(raw) == 0
        said = tf.where(is_empty, self._said("is empty"), self._said("cannot be used"))
        return Checked(values, tf.where(computes & ~is_empty, GOOD, said))

    def _said(self, what: str) -> str:
        return f"The {self.declaration.kind} input {what}."


def build(declaration: base.Modality, features: features.Features) -> RawCheck:
    """Builds the check of `declaration`, an instance of its `check_class`."""
    check: RawCheck = registry.load(declaration.check_class)(declaration, features)
    return check


def attempt(
    function: Callable[[tf.Tensor], tf.Tensor], raw: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Applies a function to each row by itself, and catches what it raises.

    A graph has no other way to go on after an operation failed than a data set that leaves
    failing elements out.

    Args:
      function: maps a string `[]` to another one, or fails.
      raw: string `[B]`.

    Returns:
      the results, string `[B]`, empty where it failed, and bool `[B]`, where it did not.
    """
    count = tf.size(raw)

    def apply(place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return place, tf.ensure_shape(function(raw[place]), [])

    plain = tf.autograph.experimental.do_not_convert
    rows = tf.data.Dataset.range(tf.cast(count, tf.int64))
    rows = rows.map(plain(apply), num_parallel_calls=PARALLEL, deterministic=True)
    rows = rows.ignore_errors(log_warning=False)
    # One more, so that there is an element where all rows fail, or there are none.
    last = tf.data.Dataset.from_tensors((tf.cast(count, tf.int64), tf.constant("")))
    rows = rows.concatenate(last).batch(tf.cast(count, tf.int64) + 1)
    options = tf.data.Options()
    options.autotune.enabled = False
    places, results = rows.with_options(options).get_single_element()
    places = places[:, tf.newaxis]
    size = tf.shape(places, tf.int64)[:1] * 0 + tf.cast(count, tf.int64) + 1
    done = tf.scatter_nd(places, tf.ones(tf.shape(places)[:1], tf.int32), size)[:-1] > 0
    return tf.scatter_nd(places, results, size)[:-1], done


PARALLEL = 2
"""Rows at a time in `attempt`; a number that suits any machine the export is served on."""


def sentence(*parts: str | tf.Tensor) -> tf.Tensor:
    """Joins texts and string `[B]` to the sentences of errors, string `[B]`."""
    return tf.strings.join(list(parts))


def first(*errors: tf.Tensor) -> tf.Tensor:
    """Returns the first error of each row: string `[B]`, of several string `[B]`."""
    found = errors[0]
    for error in errors[1:]:
        found = tf.where(found == GOOD, error, found)
    return found
