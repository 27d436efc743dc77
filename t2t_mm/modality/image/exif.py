"""The orientation that EXIF tells of, in the graph."""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.modality.image import octets

_ORIENTATION = 0x0112
_ENTRY = 12
_SHORT, _LONG = 3, 4


def orientation(data: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Returns the orientation in an EXIF block, int32 `[]`; 0 where there is none, or damage.

    Args:
      data: the file.
      place: int64 `[]`, where the block's TIFF head begins; -1 for none.
    """
    size = tf.cast(tf.strings.length(data), tf.int64)

    def found() -> tf.Tensor:
        order = octets.text(data, place, 2)
        big = order == b"MM"
        first = place + octets.number(data, place + 4, 4, big=big)
        first = tf.where((first >= place) & (first + 2 <= size), first, size - 2)
        count = octets.number(data, first, 2, big=big)
        count = tf.clip_by_value(count, 0, (size - first - 2) // _ENTRY)
        table = tf.io.decode_raw(octets.text(data, first + 2, count * _ENTRY), tf.uint8)
        entries = tf.cast(tf.reshape(table, [-1, _ENTRY]), tf.int64)

        def column(start: int, width: int) -> tf.Tensor:
            octets = entries[:, start : start + width]
            weights = tf.constant([256**n for n in range(width)], tf.int64)
            weights = tf.where(big, weights[::-1], weights)
            return tf.reduce_sum(octets * weights, 1)

        form = column(2, 2)
        value = tf.where(form == _LONG, column(8, 4), column(8, 2))
        is_it = (column(0, 2) == _ORIENTATION) & (column(4, 4) == 1)
        is_it &= ((form == _SHORT) | (form == _LONG)) & (value >= 1) & (value <= 8)
        is_it &= (order == b"MM") | (order == b"II")
        values = tf.concat([[tf.constant(0, tf.int64)], tf.boolean_mask(value, is_it)], 0)
        return tf.cast(values[-1], tf.int32)

    is_there = (place >= 0) & (place + 8 <= size)
    return tf.cond(is_there, found, lambda: tf.constant(0))
