"""What layers keep of the positions before, for hypotheses that are reordered.

A beam goes on with other hypotheses than it had, and each of these has seen something else.
What they have seen is not moved for that: it stays in the row of the hypothesis that wrote
it, and a table, the lineage, says in whose row each finds its own.

Axes: `B` inputs, `M` hypotheses of each that may go on with one another (1 unless a beam),
`R` = B x M, `T` positions so far, `L` those of a ring.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import tensorflow as tf

HIDDEN = -1e9
"""What is added to the logit of a key that is not to be seen."""


@runtime_checkable
class History(Protocol):
    """A part of a model's state that is more than a tensor whose first axis is R."""

    def repeat(self, copies: int) -> Any:
        """Returns the history with each input `copies` times, independent of one another.

        Nothing has been written yet, here and in `share`.
        """

    def share(self, beams: int) -> Any:
        """Returns the history of `beams` hypotheses of each input, which may be reordered."""

    def reorder(self, rows: tf.Tensor) -> Any:
        """Returns the history in which hypothesis i is what `rows[i]` was, of the same input."""

    def keep(self, rows: tf.Tensor, written: tf.Tensor) -> Any:
        """Returns the history of the hypotheses `rows` alone, all or none of an input's.

        Args:
          rows: integers `[Q]`.
          written: positions so far, a scalar.
        """


class Place(NamedTuple):
    """Where in the output a step is, and what the hypotheses have seen until there.

    Attributes:
      position: scalar.
      beams: M.
      rows: int32 `[T, R]`, T = position + 1, the row in which each hypothesis finds what it
        has seen at each position; None if M is 1, for that is its own.
      bias: `[B, 1, M, T x M]`, added to the logits of attention: 0 where the hypothesis has
        seen what one of the M wrote, `HIDDEN` where not; None if M is 1.
    """

    position: tf.Tensor
    beams: int = 1
    rows: tf.Tensor | None = None
    bias: tf.Tensor | None = None


class Lineage(NamedTuple):
    """Who wrote what the hypotheses have seen.

    Attributes:
      writers: int32 `[T, B, M]`, which of the M. Where M is 1 it is not kept, and T stays 0.
    """

    writers: tf.Tensor

    def at(self, position: tf.Tensor) -> tuple[Place, Lineage]:
        """Returns the place of a position, and the lineage with it.

        There each hypothesis sees what it writes itself.

        Args:
          position: the one after the last, a scalar.
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
        return self.reorder(rows)  # fewer of them, in whole inputs: their numbers stay


class Ring(NamedTuple):
    """The inputs at the last L positions, one vector each.

    Attributes:
      vectors: `[L, R, D]`; position p is at p modulo L. What was never written is undefined.
    """

    vectors: tf.Tensor

    def write(self, x: tf.Tensor, place: Place) -> Ring:
        """Returns the ring with `x` `[R, D]` at a place.

        In a graph it is written in place, and nothing can go on from what was before: it has
        to come from `read`, or nothing would hold the write back until all was read.
        Executed eagerly it is copied.
        """
        vectors = self.vectors
        if tf.executing_eagerly():
            vectors = tf.raw_ops.DeepCopy(x=vectors)
        slot = place.position % tf.shape(vectors)[0]
        return Ring(tf.raw_ops.InplaceUpdate(x=vectors, i=slot[None], v=x[None]))

    def read(self, place: Place, count: tf.Tensor, distance: int) -> tuple[tf.Tensor, Ring]:
        """Returns what each hypothesis has seen at positions `distance` apart.

        Args:
          place: the last of them.
          count: how many; all have been written, and none has been overwritten.
          distance: between two.

        Returns:
          `[count, R, D]`, the oldest first, and the ring for the next position.
        """
        positions = place.position - tf.range(count - 1, -1, -1) * distance
        length, rows = tf.shape(self.vectors)[0], tf.shape(self.vectors)[1]
        slots = positions % length
        if place.rows is None:
            found = tf.gather(self.vectors, slots)
        else:
            flat = tf.reshape(self.vectors, [length * rows, self.vectors.shape[2]])
            found = tf.gather(flat, tf.gather(place.rows, positions) + slots[:, None] * rows)
        with tf.control_dependencies([found]):
            return found, Ring(tf.identity(self.vectors))

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
    """Keys and values of all positions so far, heads apart, as the products take them.

    Those that the M hypotheses of an input wrote lie side by side: each attends to all of
    them, under `Place.bias`.

    Attributes:
      keys: `[B, H, T, M, D / H]`.
      values: `[B, H, T, M, D / H]`.
    """

    keys: tf.Tensor
    values: tf.Tensor

    def write(self, keys: tf.Tensor, values: tf.Tensor) -> Cache:
        """Returns the cache with those of the next position, `[B, H, M, D / H]` each."""
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
    """Returns the lineage of so many inputs before the first position."""
    return Lineage(tf.zeros([0, batch, 1], tf.int32))


def ring(length: int | tf.Tensor, rows: int | tf.Tensor, width: int, dtype: Any) -> Ring:
    """Returns a ring before the first position.

    Its memory is not touched before it is written: of a long ring a short output has little.
    """
    vectors = tf.raw_ops.Empty(shape=tf.stack([length, rows, width]), dtype=dtype)
    vectors.set_shape([None, None, width])
    return Ring(vectors)


def cache(batch: int | tf.Tensor, heads: int, depth: int, dtype: Any) -> Cache:
    """Returns the cache of so many inputs before the first position."""
    empty = tf.zeros([batch, heads, 0, 1, depth], dtype)
    return Cache(empty, empty)
