"""The base layer, the randomness of a step, and dropout."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

_GOLDEN = 0x9E3779B9  # 2^32 over the golden ratio: spreads a counter over all 32 bits


class Layer(keras.layers.Layer):
    """A Keras layer that creates its variables in its constructor.

    Keras creates, tracks and saves the variables. `__call__` goes straight to `call`, in
    a name scope. It skips Keras's checks and conversions of arguments: they take most of
    the time of tracing a deep model, and they refuse arguments such as an `Rng`.
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
        """Returns the variables with a row for each of the modality's `row_names`, with the axis.

        Warm start uses it to copy rows by name.
        """
        return []

    def take_updates(self) -> list[tuple[keras.Variable, tf.Tensor]]:
        """Returns the updates of non-trainable variables (as of batch normalization).

        They are of the pass just traced.
        """
        return []

    def learning_rate_multipliers(self) -> list[tuple[keras.Variable, float]]:
        """Returns the variables whose learning rate is multiplied, each with its factor."""
        return []

    def build(self, *shapes: object) -> None:
        """Does nothing: the constructor has created the variables."""
        self.built = True


class Rng:
    """The stateless seeds of one training step, one for each use.

    They depend only on the step's seed and the order of uses. So each replica, with a
    seed of its own, draws its own dropout masks, and a resumed run draws the same masks
    as an uninterrupted one.

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
    """Zeroes a fraction of `x` and scales up the rest; the identity where `rng` is None.

    Each element takes one random byte instead of a float, a quarter of the random
    numbers, so `rate` is rounded to the nearest 1/256.
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
