"""What layers keep of the positions before, for hypotheses that are reordered and never moved.

A beam goes on with other hypotheses than it had, and each of these brings all that it has
seen. To move that would cost more than to compute with it. So everything stays where it was
written, in the row of its writer, and a table says in whose row each hypothesis finds what
it has seen at each position.

Axes: `B` inputs, `M` hypotheses of each that share what they have seen (1 unless a beam),
`R` = B x M, `T` positions so far, `L` those of a ring.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import tensorflow as tf

_HIDDEN = -1e9


@runtime_checkable
class History(Protocol):
    """A part of a model's state that is more than a tensor whose first axis is R."""

    def repeat(self, copies: int) -> Any:
        """Returns, before the first position, that of `copies` inputs in place of each."""

    def share(self, beams: int) -> Any:
        """Returns, before the first position, that of `beams` hypotheses of each input.

        They may go on with one another; copies may not.
        """

    def reorder(self, rows: tf.Tensor) -> Any:
        """Returns the history in which hypothesis i is what `rows[i]` was, of the same input."""

    def keep(self, rows: tf.Tensor, written: tf.Tensor) -> Any:
        """Returns that of the hypotheses `rows` alone, all or none of an input's.

        Args:
          rows: int32 `[Q]`.
          written: positions so far, a scalar.
        """


class Place(NamedTuple):
    """Where in the output a step is.

    Attributes:
      position: scalar.
      writers: int32 `[B, T, M]`, T = position + 1: which of the M wrote what each has seen
        there; None if M is 1.
      bias: `[B, 1, M, T x M]`, what hides of all that the M wrote what a hypothesis has not
        seen; None if M is 1.
    """

    position: tf.Tensor
    writers: tf.Tensor | None = None
    bias: tf.Tensor | None = None

    @property
    def beams(self) -> int:
        """M."""
        return 1 if self.writers is None else self.writers.shape[2]


class Lineage(NamedTuple):
    """Who wrote what the hypotheses have seen.

    Attributes:
      writers: int32 `[B, T, M]`, as in `Place`. Where M is 1 there is nothing to be told, and
        T stays 0.
    """

    writers: tf.Tensor

    def at(self, position: tf.Tensor) -> tuple[Place, Lineage]:
        """Returns the place of a position, and the lineage with it.

        What is written there each hypothesis writes for itself.

        Args:
          position: the one after the last, a scalar.
        """
        beams = self.writers.shape[2]
        if beams == 1:
            return Place(position), self
        own = tf.range(beams)
        batch = tf.shape(self.writers)[0]
        writers = tf.concat([self.writers, tf.tile(own[None, None], [batch, 1, 1])], 1)
        seen = tf.transpose(writers, [0, 2, 1])[..., None] == own  # [B, M, T, M]
        bias = tf.reshape(tf.where(seen, 0.0, _HIDDEN), [batch, 1, beams, -1])
        return Place(position, writers, bias), Lineage(writers)

    def repeat(self, copies: int) -> Lineage:
        return Lineage(tf.repeat(self.writers, copies, axis=0))

    def share(self, beams: int) -> Lineage:
        return Lineage(tf.repeat(self.writers, beams, axis=2))

    def reorder(self, rows: tf.Tensor) -> Lineage:
        beams = self.writers.shape[2]
        parents = tf.reshape(rows, [-1, beams]) % beams
        return Lineage(tf.gather(self.writers, parents, axis=2, batch_dims=1))

    def keep(self, rows: tf.Tensor, written: tf.Tensor) -> Lineage:
        del written
        return Lineage(tf.gather(self.writers, _inputs(rows, self.writers.shape[2])))


class Ring(NamedTuple):
    """The inputs at the last L positions, one vector each.

    Attributes:
      vectors: `[L, R, D]`; position p is at p modulo L. What was never written is undefined.
    """

    vectors: tf.Tensor

    def write(self, x: tf.Tensor, place: Place) -> Ring:
        """Returns the ring with `x` `[R, D]` at a place.

        It is written where it is, and what it was before is used up, but for eager tensors.
        """
        vectors = self.vectors
        if tf.executing_eagerly():
            vectors = tf.raw_ops.DeepCopy(x=vectors)
        slot = place.position % tf.shape(vectors)[0]
        return self._with(tf.raw_ops.InplaceUpdate(x=vectors, i=slot[None], v=x[None]))

    def read(self, place: Place, count: tf.Tensor, distance: int) -> tf.Tensor:
        """Returns `[count, R, D]`, what each has seen `distance` apart, last at the place."""
        positions = place.position - tf.range(count - 1, -1, -1) * distance
        slots = positions % tf.shape(self.vectors)[0]
        if place.writers is None:
            return tf.gather(self.vectors, slots)
        writers = tf.transpose(tf.gather(place.writers, positions, axis=1), [1, 0, 2])
        batch, beams = tf.shape(writers)[1], place.beams
        rows = tf.range(0, batch * beams, beams)[None, :, None] + writers  # [count, B, M]
        found = tf.reshape(slots[:, None, None] * (batch * beams) + rows, [count, -1])
        return tf.gather(tf.reshape(self.vectors, [-1, self.vectors.shape[2]]), found)

    def repeat(self, copies: int) -> Ring:
        return self._empty(copies * tf.shape(self.vectors)[1])

    def share(self, beams: int) -> Ring:
        return self.repeat(beams)

    def reorder(self, rows: tf.Tensor) -> Ring:
        del rows
        return self

    def keep(self, rows: tf.Tensor, written: tf.Tensor) -> Ring:
        used = tf.range(tf.minimum(written, tf.shape(self.vectors)[0]))
        kept = tf.gather(tf.gather(self.vectors, used), rows, axis=1)
        fresh = self._empty(tf.size(rows)).vectors
        return self._with(tf.raw_ops.InplaceUpdate(x=fresh, i=used, v=kept))

    def _empty(self, rows: tf.Tensor) -> Ring:
        return ring(tf.shape(self.vectors)[0], rows, self.vectors.shape[2], self.vectors.dtype)

    def _with(self, vectors: tf.Tensor) -> Ring:
        vectors.set_shape([None, None, self.vectors.shape[2]])
        return Ring(vectors)


class Cache(NamedTuple):
    """Keys and values of all positions so far, heads apart, as the products take them.

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
        """Returns keys and values, `[B, H, T x M, D / H]` each, for `Place.bias` to choose from."""
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
        inputs = _inputs(rows, tf.shape(self.keys)[3])
        return Cache(*(tf.gather(t, inputs) for t in self))


def lineage(batch: int | tf.Tensor) -> Lineage:
    """Returns the lineage of so many inputs before the first position."""
    return Lineage(tf.zeros([batch, 0, 1], tf.int32))


def ring(length: int | tf.Tensor, rows: int | tf.Tensor, width: int, dtype: str | tf.DType) -> Ring:
    """Returns a ring before the first position. Memory is touched only where it is written."""
    vectors = tf.raw_ops.Empty(shape=tf.stack([length, rows, width]), dtype=dtype)
    vectors.set_shape([None, None, width])
    return Ring(vectors)


def cache(batch: int | tf.Tensor, heads: int, depth: int, dtype: str | tf.DType) -> Cache:
    """Returns the cache of so many inputs before the first position."""
    empty = tf.zeros([batch, heads, 0, 1, depth], dtype)
    return Cache(empty, empty)


def _inputs(rows: tf.Tensor, beams: int | tf.Tensor) -> tf.Tensor:
    """Returns the inputs of hypotheses that come by whole inputs."""
    return tf.reshape(rows, [-1, beams])[:, 0] // tf.cast(beams, rows.dtype)
