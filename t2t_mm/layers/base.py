"""The base layer, the randomness of a step, and dropout."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

_GOLDEN = 0x9E3779B9  # 2^32 over the golden ratio: spreads a counter over all 32 bits


class Layer(keras.layers.Layer):
    """A Keras layer that makes its variables in its constructor.

    Keras gives variables, their tracking and saving. A call goes straight to `call`,
    under the layer's name: no argument is inspected or converted on the way, which
    takes most of the time of tracing a deep model, and a layer may take what is not
    a tensor, such as an `Rng`.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs `call` within a name scope."""
        with tf.name_scope(self.name):
            return self.call(*args, **kwargs)

    def weight(
        self, name: str, shape: tuple[int, ...], initializer: str | keras.Initializer
    ) -> keras.Variable:
        """Adds a trainable float32 variable, cast to the compute dtype when read."""
        self.built = True
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def read(self, variable: keras.Variable) -> tf.Tensor:
        """Returns the variable's value in the compute dtype, in or outside `call`."""
        return tf.cast(tf.convert_to_tensor(variable), self.compute_dtype)

    def by_row(self) -> list[tuple[keras.Variable, int]]:
        """Returns the variables with a row for each of its modality's `row_names`, and the axis."""
        return []

    def take_updates(self) -> list[tuple[keras.Variable, tf.Tensor]]:
        """Returns what the step just traced makes of variables that no gradient trains."""
        return []

    def learning_rate_multipliers(self) -> list[tuple[keras.Variable, float]]:
        """Returns the variables that are trained at another rate, and by how much it differs."""
        return []

    def build(self, *shapes: object) -> None:
        """Does nothing: the variables are there since construction."""
        self.built = True


class Rng:
    """Hands out the seeds of one training step, one for each use.

    Seeds depend on the step's seed and on the order of uses only, so every replica
    that starts from its own seed draws its own masks, and a resumed run draws the
    masks that an uninterrupted one would have drawn.

    Args:
      seed: int32 `[2]`; a different one for every step and replica.
    """

    def __init__(self, seed: tf.Tensor) -> None:
        self._seed = tf.cast(seed, tf.int32)
        self._uses = 0

    def next(self) -> tf.Tensor:
        """Returns the next seed, int32 `[2]`."""
        self._uses += 1
        offset = (self._uses * _GOLDEN) & 0xFFFFFFFF
        signed = offset - (1 << 32) if offset >= 1 << 31 else offset
        return self._seed + tf.constant([signed, 0], tf.int32)


def dropout(x: tf.Tensor, rate: float, rng: Rng | None) -> tf.Tensor:
    """Zeroes a share of `x` and scales up the rest; the identity where `rng` is None.

    One random byte decides an element, a quarter of what a float each would take,
    so that `rate` is rounded to the nearest 1/256.
    """
    threshold = round(rate * 256)
    if rng is None or threshold == 0:
        return x
    size = tf.size(x)
    words = tf.random.stateless_uniform(
        [(size + 3) // 4], rng.next(), minval=None, maxval=None, dtype=tf.uint32
    )
    octets = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size]
    kept = tf.cast(octets >= tf.constant(threshold, tf.uint8), x.dtype)
    scale = tf.cast(256 / (256 - threshold), x.dtype)
    return x * tf.reshape(kept * scale, tf.shape(x))
