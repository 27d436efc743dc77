"""What a model shows of its decisions: attention to the inputs, and experts by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from t2t_mm.layers import recording
from t2t_mm.modality import representation


class Explanation(NamedTuple):
    """Attention and experts of a batch, means over the layers; None where a model has none.

    T counts positions of the outputs (one, where a class is read from a decoder step), S
    those of all inputs together, E the experts.

    Attributes:
      attention: float32 `[B, T, S]`, of the decoder to the source, mean over heads too; a row
        sums to 1, and is zero at padded outputs.
      experts: float32 `[B, T, E]`, gates at the outputs; a row sums to 1, or is zero if padded.
      source_experts: float32 `[B, S, E]`, gates at the inputs, likewise.
      origins: int32 `[B, S, 2]`, the input (its number among the task's) and the position in
        it that each position of the source comes from; -1 for padding.
    """

    attention: tf.Tensor | None
    experts: tf.Tensor | None
    source_experts: tf.Tensor | None
    origins: tf.Tensor


def of(
    encoder: recording.Recording,
    decoder: recording.Recording,
    origins: representation.Representation,
    real: tf.Tensor,
) -> Explanation:
    """Makes an explanation of what the layers of two passes left.

    Args:
      encoder: of the pass over the inputs.
      decoder: of the pass over the outputs.
      origins: from `origin`, of all inputs.
      real: bool `[B, T]`, the outputs that are no padding.
    """
    attention = _mean([tf.reduce_mean(tf.cast(w, tf.float32), 1) for w in decoder.attention])
    if attention is not None:
        attention *= tf.cast(real, tf.float32)[:, :, None]
    places = tf.cast(origins.x, tf.int32)
    if origins.mask is not None:
        places = tf.where(origins.mask[:, :, None] > 0, places, -1)
    return Explanation(attention, _mean(decoder.gates), _mean(encoder.gates), places)


def origin(part: representation.Representation, number: int) -> representation.Representation:
    """Returns `part` with the pair (number, position), float32, in the place of its vectors."""
    shape = tf.shape(part.x)
    positions = tf.tile(tf.range(shape[1])[None], [shape[0], 1])
    pairs = tf.stack([tf.fill(shape[:2], number), positions], -1)
    return part._replace(x=tf.cast(pairs, tf.float32))


def _mean(layers: Sequence[tf.Tensor]) -> tf.Tensor | None:
    return tf.add_n(list(layers)) / len(layers) if layers else None
