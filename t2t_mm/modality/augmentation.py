"""Draws of damage in training: of each example whether, which kind, and how strong.

Plain stateless operations, so that a resumed iterator draws what an uninterrupted one would.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from t2t_mm.settings import augmentation


def draw(
    settings: augmentation.AugmentSettings, kinds: Sequence[str], rows: tf.Tensor, seed: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Returns the strength of each kind for each example, float32 `[B]` by name; 0 for none.

    Of the kinds of one example one at most is above 0.

    Args:
      settings: share, strength and kinds.
      kinds: that the modality can draw.
      rows: B, a scalar.
      seed: int64 `[2]`.
    """
    chosen = [kind for kind in kinds if not settings.kinds or kind in settings.kinds]
    draws = tf.random.stateless_uniform([3, rows], seed)
    strength = draws[1] * settings.strength * tf.cast(draws[0] < settings.share, tf.float32)
    which = tf.cast(draws[2] * len(chosen), tf.int32)
    return {
        kind: strength * tf.cast(which == place, tf.float32) for place, kind in enumerate(chosen)
    }


def row_seeds(seed: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Returns a seed for each example, int64 `[B, 2]`."""
    return tf.random.stateless_uniform(
        [rows, 2], seed + [0, 1], minval=None, maxval=None, dtype=tf.int64
    )


def severity(strength: tf.Tensor, none: float, table: Sequence[float]) -> tf.Tensor:
    """Returns the severity at strengths between those of a table, linearly: float32.

    Args:
      strength: float32, 0 to 5.
      none: the severity at strength 0, which changes nothing.
      table: those at strengths 1 to 5.
    """
    values = tf.constant([none, *table], tf.float32)
    below = tf.clip_by_value(tf.cast(strength, tf.int32), 0, len(table) - 1)
    part = strength - tf.cast(below, tf.float32)
    return tf.gather(values, below) * (1.0 - part) + tf.gather(values, below + 1) * part
