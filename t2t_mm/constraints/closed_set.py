"""A closed set of outputs: nothing else can be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

from t2t_mm import errors, vocabulary
from t2t_mm.constraints import base, trie


class ClosedSet(base.Constraint):
    """Allows the texts of a set, each in the pieces in which training has it.

    The state is a node of a trie over their tokens. Where the room suffices for some of them,
    only these are written; where it suffices for none, the shortest are begun, and cut.

    Example, in a problem with text as its target:
        def constraint(self, task):
            return closed_set.ClosedSet(task.vocabulary, ("yes", "no", "I do not know"))

    Args:
      vocab: of the targets.
      texts: one or more.

    Raises:
      ConfigError: for no text, or an empty one.
    """

    def __init__(self, vocab: vocabulary.Vocabulary, texts: Iterable[str]) -> None:
        distinct = list(dict.fromkeys(texts))
        sequences = [vocab.encode(text) for text in distinct]
        if not all(sequences) or not sequences:
            raise errors.ConfigError(
                "A closed set of outputs holds an empty text" if distinct else "It is empty",
                received=errors.shortened(repr(distinct), 80),
                expected="one text or more, none of them blank",
            )
        tree = trie.Trie([[*one, vocabulary.EOS_ID] for one in sequences])
        self.tokens = tree.tokens
        self._width = len(tree.tokens)
        self._column = columns(tree.tokens, vocab.size)
        # Edges in the order of their parents: those of node n are first[n] to first[n + 1].
        # State `nodes` is that of all other sequences, and no edge leaves it.
        self._outside = np.int32(tree.nodes)
        self._first = np.searchsorted(tree.parents, np.arange(tree.nodes + 2)).astype(np.int32)
        self._columns, self._children = tree.columns, tree.children
        self._keys = tree.parents.astype(np.int64) * self._width + tree.columns
        self._needed = tree.remaining()[tree.children] + 1  # tokens, that of the edge included

    def initial(self, texts: Mapping[str, tf.Tensor], rows: tf.Tensor) -> tf.Tensor:
        del texts
        return tf.fill([rows], trie.ROOT)

    def allowed(self, state: tf.Tensor, room: tf.Tensor) -> tf.Tensor:
        first = tf.constant(self._first)
        edges = tf.ragged.range(tf.gather(first, state), tf.gather(first, state + 1))
        needed = edges.with_flat_values(tf.gather(self._needed, edges.flat_values))
        most = tf.maximum(room, tf.reduce_min(needed, axis=1))
        rows = edges.value_rowids()
        fits = needed.flat_values <= tf.gather(most, rows)
        places = tf.stack([tf.cast(rows, tf.int32), tf.gather(self._columns, edges.flat_values)], 1)
        shape = [tf.shape(state)[0], self._width]
        return tf.scatter_nd(places, tf.cast(fits, tf.int32), shape) > 0

    def advance(self, state: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        column = tf.gather(self._column, tokens)
        key = tf.cast(state, tf.int64) * self._width + tf.cast(column, tf.int64)
        place = tf.minimum(tf.searchsorted(self._keys, key), len(self._keys) - 1)
        is_edge = (tf.gather(self._keys, place) == key) & (column < self._width)
        return tf.where(is_edge, tf.gather(self._children, place), self._outside)


def columns(tokens: np.ndarray, size: int) -> np.ndarray:
    """Returns int32 `[size]`, the place of each id among `tokens`; their number for others."""
    places = np.full([size], len(tokens), np.int32)
    places[tokens] = np.arange(len(tokens))
    return places
