"""The first frame of a GIF, in the graph."""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.modality.image import octets

_EXTENSION = 0x21


def only_first(gif: tf.Tensor) -> tf.Tensor:
    """Returns a GIF that ends after its first frame, string `[]`.

    TensorFlow reads all frames before it takes one, and a small file may hold many large ones.
    """
    place = first(gif)
    data = place + 10 + _colours(gif, place + 9) + 1  # behind descriptor, colours, size of codes
    end, _ = _blocks_end(gif, data, tf.constant(True))
    return tf.strings.join([octets.text(gif, 0, end), b";"])


def first(gif: tf.Tensor) -> tf.Tensor:
    """Returns where the descriptor of a GIF's first frame begins, behind extensions: int64 `[]`."""
    place, _ = _blocks_end(gif, 13 + _colours(gif, tf.constant(10, tf.int64)), tf.constant(False))
    return place


def _colours(gif: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Returns the bytes of the table of colours that the flags at a place tell of: int64 `[]`."""
    flags = octets.number(gif, place, 1)
    return tf.where(flags >= 128, 3 * 2 ** ((flags & 7) + 1), tf.zeros_like(flags))


def _blocks_end(
    gif: tf.Tensor, place: tf.Tensor, is_inside: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Passes over blocks, and extensions behind them; returns the place of what follows.

    Args:
      gif: the file.
      place: of a block, or of an extension.
      is_inside: whether blocks begin there, which an empty one ends.
    """
    size = tf.cast(tf.strings.length(gif), tf.int64)

    def goes_on(place: tf.Tensor, is_inside: tf.Tensor) -> tf.Tensor:
        here = tf.minimum(place, size - 1)
        return (place < size) & (is_inside | (octets.number(gif, here, 1) == _EXTENSION))

    def look(place: tf.Tensor, is_inside: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = octets.number(gif, place, 1)
        step = tf.where(is_inside, 1 + count, 2 * tf.ones_like(place))
        return place + step, ~is_inside | (count > 0)

    found: tuple[tf.Tensor, tf.Tensor] = tf.while_loop(goes_on, look, (place, is_inside))
    return found
