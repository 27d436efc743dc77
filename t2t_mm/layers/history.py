"""Key/value caches and ring buffers of incremental decoding, with an ancestry table.

Beam search reorders hypotheses at every step. Nothing cached is gathered for that: each
entry stays in the row of the hypothesis that wrote it, and the ancestry table (`Lineage`)
says for each hypothesis and position which row to read.

Axes: `B` inputs, `M` hypotheses of each (the beam; else 1), `R` = B x M, `T` positions so
far, `L` positions of a ring buffer.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import tensorflow as tf

HIDDEN = -1e9
"""Added to the attention logit of a masked key."""


@runtime_checkable
class History(Protocol):
    """Decoder state of another kind than a tensor whose first axis is R."""

    def repeat(self, copies: int) -> Any:
        """Returns the state with each input `copies` times, as independent inputs.

        Nothing may have been written yet, here and in `share`.
        """

    def share(self, beams: int) -> Any:
        """Returns the state for a beam of `beams` hypotheses of each input."""

    def reorder(self, rows: tf.Tensor) -> Any:
        """Returns the state in which hypothesis i continues hypothesis `rows[i]`.

        Both belong to the same input.
        """

    def keep(self, rows: tf.Tensor, written: tf.Tensor) -> Any:
        """Returns the state of the hypotheses `rows` alone: batch compaction.

        Args:
          rows: integers `[Q]`, with all hypotheses of an input or none.
          written: positions so far, a scalar.
        """


class Place(NamedTuple):
    """The position of a decoding step, and the ancestry of its hypotheses.

    Attributes:
      position: scalar.
      beams: M.
      rows: int32 `[T, R]`, T = position + 1: the row to read for each hypothesis at each
        position; None if M is 1, when each reads its own.
      bias: `[B, 1, M, T x M]`, added to attention logits: 0 for entries written by an
        ancestor of the hypothesis, `HIDDEN` for all others; None if M is 1.
    """

    position: tf.Tensor
    beams: int = 1
    rows: tf.Tensor | None = None
    bias: tf.Tensor | None = None


class Lineage(NamedTuple):
    """The ancestry table of a beam: which hypothesis wrote each position.

    Attributes:
      writers: int32 `[T, B, M]`, each 0 to M - 1. Where M is 1 it stays empty, T = 0.
    """

    writers: tf.Tensor

    def at(self, position: tf.Tensor) -> tuple[Place, Lineage]:
        """Appends a position, which each hypothesis writes itself.

        Args:
          position: the next one, a scalar.

        Returns:
          The `Place` of that position, and the extended table.
        """
        batch, beams = tf.shape(self.writers)[1], self.writers.shape[2]
        if beams == 1:
            return Place(position), self
        own = tf.range(beams)
        writers = tf.concat([self.writers, tf.tile(own[None, None], [1, batch, 1])], 0)
        rows = writers + tf.range(0, batch * beams, beams)[:, None]
        seen = tf.transpose(writers, [1, 2, 0])[..., None] == own  # [B, M, T, M]
        bias = tf.reshape(tf.where(seen, 0.0, HIDDEN), [batch, 1, beams, -1])
        rows = tf.reshape(rows, [-1, batch * beams])
        return Place(position, beams, rows, bias), Lineage(writers)

    def repeat(self, copies: int) -> Lineage:
        return Lineage(tf.repeat(self.writers, copies, axis=1))

    def share(self, beams: int) -> Lineage:
        return Lineage(tf.repeat(self.writers, beams, axis=2))

    def reorder(self, rows: tf.Tensor) -> Lineage:
        shape, beams = tf.shape(self.writers), self.writers.shape[2]
        flat = tf.reshape(self.writers, [shape[0], shape[1] * beams])
        chosen = tf.gather(flat, rows, axis=1)
        return Lineage(tf.reshape(chosen, [shape[0], tf.size(rows) // beams, beams]))

    def keep(self, rows: tf.Tensor, written: tf.Tensor) -> Lineage:
        del written
        return self.reorder(rows)  # whole inputs are removed, so writers keep their numbers


class Ring(NamedTuple):
    """A ring buffer of the inputs at the last L positions.

    Attributes:
      vectors: `[L, R, D]`; position p is at p modulo L. Unwritten ones are undefined.
    """

    vectors: tf.Tensor

    def write(self, x: tf.Tensor, place: Place) -> Ring:
        """Returns the ring with `x` `[R, D]` written at `place`.

        In a graph the write is in place, so the old ring must not be used again. It has to
        come from `read`, whose control dependency makes the write wait for the reading.
        In eager mode the ring is copied first.
        """
        vectors = self.vectors
        if tf.executing_eagerly():
            vectors = tf.raw_ops.DeepCopy(x=vectors)
        slot = place.position % tf.shape(vectors)[0]
        return Ring(tf.raw_ops.InplaceUpdate(x=vectors, i=slot[None], v=x[None]))

    def read(self, place: Place, count: tf.Tensor, distance: int) -> tuple[tf.Tensor, Ring]:
        """Reads the inputs of each hypothesis at positions `distance` apart.

        Args:
          place: the last position.
          count: how many positions; all must still be in the ring.
          distance: between two of them.

        Returns:
          `[count, R, D]`, the oldest first, and the ring to write to next.
        """
        positions = place.position - tf.range(count - 1, -1, -1) * distance
        length, rows = tf.shape(self.vectors)[0], tf.shape(self.vectors)[1]
        slots = positions % length
        if place.rows is None:
            inputs = tf.gather(self.vectors, slots)
        else:
            flat = tf.reshape(self.vectors, [length * rows, self.vectors.shape[2]])
            inputs = tf.gather(flat, tf.gather(place.rows, positions) + slots[:, None] * rows)
        with tf.control_dependencies([inputs]):
            return inputs, Ring(tf.identity(self.vectors))

    def repeat(self, copies: int) -> Ring:
        return self._empty(copies * tf.shape(self.vectors)[1])

    def share(self, beams: int) -> Ring:
        return self.repeat(beams)

    def reorder(self, rows: tf.Tensor) -> Ring:
        del rows
        return self

    def keep(self, rows: tf.Tensor, written: tf.Tensor) -> Ring:
        used = tf.minimum(written, tf.shape(self.vectors)[0])
        kept = tf.gather(self.vectors[:used], rows, axis=1)
        fresh = self._empty(tf.size(rows)).vectors
        return Ring(tf.raw_ops.InplaceUpdate(x=fresh, i=tf.range(used), v=kept))

    def _empty(self, rows: tf.Tensor) -> Ring:
        shape = tf.shape(self.vectors)
        return ring(shape[0], rows, self.vectors.shape[2], self.vectors.dtype)


class Cache(NamedTuple):
    """The key/value cache of all positions so far, in the layout of the attention products.

    The entries of an input's M hypotheses lie side by side. Each hypothesis attends to all
    of them, and `Place.bias` hides those of others.

    Attributes:
      keys: `[B, H, T, M, D / H]`.
      values: `[B, H, T, M, D / H]`.
    """

    keys: tf.Tensor
    values: tf.Tensor

    def write(self, keys: tf.Tensor, values: tf.Tensor) -> Cache:
        """Appends the keys and values of the next position, `[B, H, M, D / H]` each."""
        return Cache(
            tf.concat([self.keys, keys[:, :, None]], 2),
            tf.concat([self.values, values[:, :, None]], 2),
        )

    def read(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns all keys and values, `[B, H, T x M, D / H]` each."""
        shape = tf.shape(self.keys)
        together = tf.concat([shape[:2], [shape[2] * shape[3]], shape[4:]], 0)
        keys, values = (tf.reshape(t, together) for t in self)
        return keys, values

    def repeat(self, copies: int) -> Cache:
        return Cache(*(tf.repeat(t, copies, axis=0) for t in self))

    def share(self, beams: int) -> Cache:
        return Cache(*(tf.repeat(t, beams, axis=3) for t in self))

    def reorder(self, rows: tf.Tensor) -> Cache:
        del rows
        return self

    def keep(self, rows: tf.Tensor, written: tf.Tensor) -> Cache:
        del written
        beams = tf.shape(self.keys)[3]
        inputs = tf.reshape(rows, [-1, beams])[:, 0] // tf.cast(beams, rows.dtype)
        return Cache(*(tf.gather(t, inputs) for t in self))


def lineage(batch: int | tf.Tensor) -> Lineage:
    """Returns the empty ancestry table of `batch` inputs."""
    return Lineage(tf.zeros([0, batch, 1], tf.int32))


def ring(length: int | tf.Tensor, rows: int | tf.Tensor, width: int, dtype: Any) -> Ring:
    """Returns an empty ring.

    Its memory is not initialised, so a short output touches little of a long ring.
    """
    vectors = tf.raw_ops.Empty(shape=tf.stack([length, rows, width]), dtype=dtype)
    vectors.set_shape([None, None, width])
    return Ring(vectors)


def cache(batch: int | tf.Tensor, heads: int, depth: int, dtype: Any) -> Cache:
    """Returns the empty key/value cache of `batch` inputs."""
    empty = tf.zeros([batch, heads, 0, 1, depth], dtype)
    return Cache(empty, empty)
