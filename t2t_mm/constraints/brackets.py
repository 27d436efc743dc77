"""Trees over the words of an input, as labelled brackets: "(S (NP DT NN )NP VBZ )S".

Outputs are symbols separated by spaces. A phrase opens and closes with symbols of its own, and
each word of the input is a leaf. An output is well formed if

- brackets balance, each closed by the symbol of its label,
- it is one phrase, which ends where the output ends,
- there are as many leaves as the input has words, all within that phrase,
- each phrase holds a leaf.

The state is a stack of labels, the words without a leaf, and a node of a trie over the pieces
of the symbols, since a symbol may take several: then one may also begin another ("NN", "NNP"),
and it is complete once a piece follows that does not continue it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from t2t_mm import errors, vocabulary
from t2t_mm.constraints import base, closed_set, trie

_FAR = np.int32(1 << 28)
"""More tokens than any output has: of what is not allowed."""


class State(NamedTuple):
    """The state of R hypotheses, D brackets deep at most.

    Attributes:
      node: int32 `[R]`, of the trie: the pieces of the symbol that is being written.
      depth: int32 `[R]`, phrases that are open.
      stack: int32 `[R, D]`, their labels, the outermost first.
      words: int32 `[R]`, words without a leaf.
      is_bare: bool `[R]`, whether the innermost phrase holds nothing yet.
      closing: int32 `[R]`, tokens that close all open phrases.
    """

    node: tf.Tensor
    depth: tf.Tensor
    stack: tf.Tensor
    words: tf.Tensor
    is_bare: tf.Tensor
    closing: tf.Tensor


class _Choices(NamedTuple):
    """What may be written next, bool `[R]` each, and the label that would be closed, int32."""

    opens: tf.Tensor
    leaf: tf.Tensor
    closes: tf.Tensor
    end: tf.Tensor
    label: tf.Tensor


class LabelledBrackets(base.Constraint):
    """Allows the labelled brackets of trees over the words of an input.

    An output is complete within its room, if that suffices for any tree at all: phrases open
    only as long as there is room to close them.

    Args:
      vocab: of the targets.
      opening: symbols that open a phrase, one for each label.
      closing: those that close it, in the same order.
      leaves: symbols of which each word has one.
      words_of: name of the input whose words, separated by spaces, the tree is over.
      deepest: phrases inside each other at most.

    Raises:
      ConfigError: for symbols that the vocabulary does not restore, or that occur twice.
    """

    def __init__(
        self,
        vocab: vocabulary.Vocabulary,
        *,
        opening: Sequence[str],
        closing: Sequence[str],
        leaves: Sequence[str],
        words_of: str,
        deepest: int = 200,
    ) -> None:
        symbols = [*opening, *closing, *leaves]
        pieces = [vocab.encode(symbol) for symbol in symbols]
        _check(vocab, symbols, pieces, len(opening) == len(closing))
        self._words_of, self._deepest = words_of, deepest
        tree = trie.Trie([*pieces, [vocabulary.EOS_ID]])
        self.tokens = tree.tokens
        self._column = closed_set.columns(tree.tokens, vocab.size)
        self._next = np.pad(tree.table(), [(0, 0), (0, 1)], constant_values=-1)
        self._is_tip = np.all(self._next < 0, axis=1)
        labels = len(opening)
        self._none = len(symbols) + 1  # a symbol's number; that before is the end token's
        self._symbol = np.full([tree.nodes], self._none, np.int32)
        self._symbol[[path[-1] for path in tree.paths]] = np.arange(self._none)
        # By number of the symbol, those of the end token and of none included.
        self._opened = np.full([self._none + 1], -1, np.int32)
        self._opened[:labels] = np.arange(labels)
        self._closed = np.full([self._none + 1], -1, np.int32)
        self._closed[labels : 2 * labels] = np.arange(labels)
        self._is_leaf = np.zeros([self._none + 1], bool)
        self._is_leaf[2 * labels : len(symbols)] = True
        self._close_cost = np.array([len(one) for one in pieces[labels : 2 * labels]], np.int32)
        self._leaf_cost = min(len(one) for one in pieces[2 * labels :])
        # Tokens from a node, by way of a token, to the end of a symbol (and of its phrase).
        shape = [tree.nodes, len(tree.tokens)]
        self._to_open, self._to_leaf, self._to_end = (np.full(shape, _FAR) for _ in range(3))
        self._to_close = np.full([labels, *shape], _FAR)
        for number, path in enumerate(tree.paths):
            extra = 0
            if self._opened[number] >= 0:
                table, extra = self._to_open, self._close_cost[number]
            elif self._closed[number] >= 0:
                table = self._to_close[self._closed[number]]
            else:
                table = self._to_leaf if self._is_leaf[number] else self._to_end
            for place, (node, child) in enumerate(zip([trie.ROOT, *path], path, strict=False)):
                at = node, int(np.flatnonzero(self._next[node] == child)[0])
                table[at] = min(table[at], len(path) - place + extra)
        # Whether a symbol may begin another one.
        self._is_nested = bool(np.any((self._symbol < self._none) & ~self._is_tip))

    def initial(self, texts: Mapping[str, tf.Tensor], rows: tf.Tensor) -> State:
        words = tf.strings.split(texts[self._words_of]).row_lengths()
        none = tf.zeros([rows], tf.int32)
        return State(
            node=none,
            depth=none,
            stack=tf.zeros([rows, self._deepest], tf.int32),
            words=tf.maximum(tf.cast(words, tf.int32), 1),
            is_bare=tf.zeros([rows], tf.bool),
            closing=none,
        )

    def allowed(self, state: State, room: tf.Tensor) -> tf.Tensor:
        choices = self._choices(state)
        needed = self._needed(state, choices, state.node)
        if self._is_nested:
            symbol = tf.gather(self._symbol, state.node)
            after = self._written(state, symbol)
            root = tf.fill(tf.shape(symbol), trie.ROOT)
            others = self._needed(after, self._choices(after), root)
            may_be_whole = self._is_allowed(choices, symbol)[:, None]
            needed = tf.minimum(needed, tf.where(may_be_whole, others, _FAR))
        least = tf.reduce_min(needed, axis=1)
        return (needed < _FAR) & (needed <= tf.maximum(room, least)[:, None])

    def advance(self, state: State, tokens: tf.Tensor) -> State:
        column = tf.gather(self._column, tokens)
        node = tf.gather_nd(self._next, tf.stack([state.node, column], 1))
        if self._is_nested:
            begins = node < 0
            ended = tf.where(begins, tf.gather(self._symbol, state.node), self._none)
            state = self._written(state, ended)
            node = tf.where(begins, tf.gather(self._next[trie.ROOT], column), node)
        known = tf.maximum(node, trie.ROOT)
        is_whole = (node >= 0) & tf.gather(self._is_tip, known)
        state = self._written(state, tf.where(is_whole, tf.gather(self._symbol, known), self._none))
        return state._replace(node=tf.where(is_whole, trie.ROOT, known))

    def _choices(self, state: State) -> _Choices:
        is_inside, is_over = state.depth > 0, state.words == 0
        return _Choices(
            opens=~is_over & (state.depth < self._deepest),
            leaf=~is_over & is_inside,
            closes=is_inside & ~state.is_bare & (is_over | (state.depth > 1)),
            end=is_over & ~is_inside,
            label=self._innermost(state),
        )

    def _is_allowed(self, choices: _Choices, symbol: tf.Tensor) -> tf.Tensor:
        """Returns whether symbols may be written, by their numbers: bool `[R]`."""
        opened, closed = tf.gather(self._opened, symbol), tf.gather(self._closed, symbol)
        return (
            (choices.opens & (opened >= 0))
            | (choices.closes & (closed == choices.label))
            | (choices.leaf & tf.gather(self._is_leaf, symbol))
        )

    def _needed(self, state: State, choices: _Choices, node: tf.Tensor) -> tf.Tensor:
        """Returns int32 `[R, U]`, the tokens to the end of an output by way of each token."""
        rest = state.words * self._leaf_cost + state.closing + 1  # 1 is the end token
        closed = rest - tf.gather(self._close_cost, choices.label)
        at_label = tf.stack([choices.label, node], 1)
        ways = (
            (choices.opens, tf.gather(self._to_open, node), rest),
            (choices.leaf, tf.gather(self._to_leaf, node), rest - self._leaf_cost),
            (choices.closes, tf.gather_nd(self._to_close, at_label), closed),
            (choices.end, tf.gather(self._to_end, node), tf.zeros_like(rest)),
        )
        needed = tf.fill([tf.shape(node)[0], len(self.tokens)], _FAR)
        for may_be, tokens, after in ways:
            needed = tf.minimum(needed, tokens + tf.where(may_be, after, _FAR)[:, None])
        return needed

    def _written(self, state: State, symbol: tf.Tensor) -> State:
        """Returns the state after a whole symbol, int32 `[R]`; the node stays."""
        opened = tf.gather(self._opened, symbol)
        opens, closes = opened >= 0, tf.gather(self._closed, symbol) >= 0
        label = tf.where(opens, opened, self._innermost(state))
        change = tf.cast(opens, tf.int32) - tf.cast(closes, tf.int32)
        is_top = tf.range(self._deepest) == state.depth[:, None]
        is_leaf = tf.cast(tf.gather(self._is_leaf, symbol), tf.int32)
        return State(
            node=state.node,
            depth=tf.clip_by_value(state.depth + change, 0, self._deepest),
            stack=tf.where(is_top & opens[:, None], label[:, None], state.stack),
            words=tf.maximum(state.words - is_leaf, 0),
            is_bare=opens | (state.is_bare & (symbol == self._none)),
            closing=state.closing + change * tf.gather(self._close_cost, label),
        )

    def _innermost(self, state: State) -> tf.Tensor:
        """Returns int32 `[R]`, the label of the innermost open phrase; 0 without one."""
        return tf.gather(state.stack, tf.maximum(state.depth - 1, 0), batch_dims=1)


def _check(
    vocab: vocabulary.Vocabulary,
    symbols: Sequence[str],
    pieces: Sequence[Sequence[int]],
    is_paired: bool,
) -> None:
    """Raises ConfigError for symbols of which no tree can be made."""
    joined = [piece for one in pieces for piece in one]
    if (
        is_paired
        and len(set(symbols)) == len(symbols)
        and vocab.encode(" ".join(symbols)) == joined
        and vocab.decode(joined).split() == list(symbols)
    ):
        return
    raise errors.ConfigError(
        f"The vocabulary {vocab.name!r} does not restore the symbols of trees",
        received=errors.shortened(vocab.decode(joined), 120),
        expected=errors.shortened(" ".join(symbols), 120) + ", each once",
    )
