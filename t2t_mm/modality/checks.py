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

        def compute(value: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            made = self.features.featurize(value[tf.newaxis], training=False)
            parts = tf.nest.flatten(made, expand_composites=True)
            # Read, since TensorFlow leaves out what nothing reads.
            read = [tf.reduce_any(tf.not_equal(part, tf.zeros_like(part))) for part in parts]
            return value, tf.strings.as_string(tf.reduce_any(read))

        (values, _), computes = attempt(compute, raw)
        is_empty = tf.strings.length(raw) == 0
        said = tf.where(is_empty, self._said("is empty"), self._said("cannot be used"))
        return Checked(values, tf.where(computes & ~is_empty, GOOD, said))

    def _said(self, what: str) -> str:
        return f"The {self.declaration.kind} input {what}."


def build(declaration: base.Modality, features: features.Features) -> RawCheck:
    """Builds the check of `declaration`, an instance of its `check_class`."""
    check: RawCheck = registry.load(declaration.check_class)(declaration, features)
    return check


def attempt(function: Callable[[tf.Tensor], Any], raw: tf.Tensor) -> tuple[Any, tf.Tensor]:
    """Applies a function to each row by itself, and catches what it raises.

    A graph has no other way to go on after an operation failed than a data set that leaves
    failing elements out.

    Args:
      function: maps a string `[]` to one or to a nest of them, or fails.
      raw: string `[B]`.

    Returns:
      the nest of results, string `[B]`, empty where it failed, and bool `[B]`, where it did not.
    """
    count = tf.size(raw, tf.int64)

    def apply(place: tf.Tensor) -> tuple[tf.Tensor, Any]:
        results = function(raw[place])
        return place, tf.nest.map_structure(lambda one: tf.ensure_shape(one, []), results)

    plain = tf.autograph.experimental.do_not_convert
    rows = tf.data.Dataset.range(count)
    rows = rows.map(plain(apply), num_parallel_calls=PARALLEL, deterministic=True)
    rows = rows.ignore_errors(log_warning=False)
    # One more, so that there is an element where all rows fail, or there are none.
    _, form = rows.element_spec
    none = tf.nest.map_structure(lambda _: tf.constant(""), form)
    rows = rows.concatenate(tf.data.Dataset.from_tensors((count, none))).batch(count + 1)
    options = tf.data.Options()
    options.autotune.enabled = False
    places, results = rows.with_options(options).get_single_element()

    def spread(values: tf.Tensor) -> tf.Tensor:
        return tf.scatter_nd(places[:, tf.newaxis], values, [count + 1])[:-1]

    done = spread(tf.ones_like(places)) > 0
    return tf.nest.map_structure(spread, results), done


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
