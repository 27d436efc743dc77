"""Bytes of a file in the graph, string `[]`; reading past its end fails, as decoding would."""

from __future__ import annotations

import tensorflow as tf


def text(data: tf.Tensor, place: tf.Tensor | int, count: tf.Tensor | int) -> tf.Tensor:
    """Returns `count` bytes from `place` on; fails beyond the end."""
    place, count = tf.cast(place, tf.int64), tf.cast(count, tf.int64)
    return tf.strings.substr(data, place, count)


def number(
    data: tf.Tensor, place: tf.Tensor | int, count: int, *, big: tf.Tensor | bool = True
) -> tf.Tensor:
    """Returns the unsigned number of `count` bytes, int64 `[]`; `big`-endian or not."""
    octets = tf.io.decode_raw(text(data, place, count), tf.uint8)
    octets = tf.ensure_shape(octets, [count])  # fails where the file ends before
    weights = tf.constant([256**n for n in range(count)], tf.int64)
    weights = tf.where(tf.cast(big, tf.bool), weights[::-1], weights)
    return tf.reduce_sum(tf.cast(octets, tf.int64) * weights)
