"""Trees over the words of an input, as labelled brackets: "(S (NP DT NN )NP VBZ )S".

Outputs are symbols separated by spaces. A phrase opens and closes with symbols of its own, and
each word of the input is a leaf. An output is well formed if

- brackets balance, each closed by the symbol of its label,
- it is one phrase, which ends where the output ends,
- there are as many leaves as the input has words, all within that phrase,
- each phrase holds a leaf.

The state is a stack of labels, some counts, and a node of a trie over the pieces of the symbols,
since a symbol may take several: then one may also begin another ("NN", "NNP"), and it is
complete once a piece follows that does not continue it.

Searches ask at every step, so what a step computes is little: counts of one number a
hypothesis, and rows of constant tables. No table is compared with anything `[R, U]`.
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
      counts: int32 `[R, 4]`: phrases that are open (their depth), words without a leaf, tokens
        that close all open phrases, and 1 where the innermost phrase holds nothing yet.
      stack: int32 `[R, D + 2]`, the labels of open phrases, the outermost at place 1; what
        stands above the innermost has no meaning.
    """

    node: tf.Tensor
    counts: tf.Tensor
    stack: tf.Tensor


class _Choices(NamedTuple):
    """What may be written next, bool `[R]` each; the label that would be closed, int32.

    `rest` counts the tokens of the shortest end of the output, int32.
    """

    opens: tf.Tensor
    leaf: tf.Tensor
    closes: tf.Tensor
    end: tf.Tensor
    label: tf.Tensor
    rest: tf.Tensor


class _Ways(NamedTuple):
    """Ways to go on from a node, by a phrase that opens, a leaf (or the end), one that closes.

    Attributes:
      first: int32 `[R]` each of the first two, the row of the masks for no tokens to spend.
      after: int32 `[R]` each of all three, tokens needed behind the symbol; `_FAR` if it may
        not be written.
      piece: int32 `[R]`, the row of the mask of the piece that closes.
      least: int32 `[R]`, tokens to the end of the output by the shortest way.
    """

    first: tuple[tf.Tensor, tf.Tensor]
    after: tuple[tf.Tensor, tf.Tensor, tf.Tensor]
    piece: tf.Tensor
    least: tf.Tensor


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
        self._nodes, labels = tree.nodes, len(opening)
        # By number of a symbol, those of the end token and of none behind the others.
        self._none = len(symbols) + 1
        self._opened = np.full([self._none + 1], -1, np.int32)
        self._opened[:labels] = np.arange(labels)
        self._closed = np.full([self._none + 1], -1, np.int32)
        self._closed[labels : 2 * labels] = np.arange(labels)
        self._is_leaf = np.zeros([self._none + 1], bool)
        self._is_leaf[2 * labels : len(symbols)] = True
        self._close_cost = np.array([len(one) for one in pieces[labels : 2 * labels]], np.int32)
        self._leaf_cost = min(len(one) for one in pieces[2 * labels :])
        self._symbol = np.full([tree.nodes], self._none, np.int32)
        self._symbol[[path[-1] for path in tree.paths]] = np.arange(self._none)
        self._effects = self._changes()
        self._set_edges(tree)
        self._set_masks(tree)

    def initial(self, texts: Mapping[str, tf.Tensor], rows: tf.Tensor) -> State:
        words = tf.strings.split(texts[self._words_of]).row_lengths()
        words = tf.maximum(tf.cast(words, tf.int32), 1)
        return State(
            node=tf.fill([rows], trie.ROOT),
            counts=words[:, None] * tf.constant([[0, 1, 0, 0]]),
            stack=tf.zeros([rows, self._deepest + 2], tf.int32),
        )

    def allowed(self, state: State, room: tf.Tensor) -> tf.Tensor:
        choices = self._choices(state)
        ways = self._ways(choices, state.node)
        if not self._is_nested:
            return self._mask(ways, _most(room, ways.least))
        symbol = tf.gather(self._symbol, state.node)
        after = self._choices(self._written(state, symbol))
        others = self._ways(after, tf.fill(tf.shape(symbol), trie.ROOT))
        may_be_whole = self._is_allowed(choices, symbol)
        least = tf.minimum(ways.least, tf.where(may_be_whole, others.least, _FAR))
        most = _most(room, least)
        mask = self._mask(others, tf.where(may_be_whole, most, 0))
        return mask | self._mask(ways, most)

    def advance(self, state: State, tokens: tf.Tensor) -> State:
        edge = state.node * (len(self.tokens) + 1) + tf.gather(self._column, tokens)
        if self._is_nested:
            state = self._written(state, tf.gather(self._edge_ended, edge))
        state = self._written(state, tf.gather(self._edge_whole, edge))
        if not self._is_single:
            state = state._replace(node=tf.gather(self._edge_node, edge))
        return state

    def _changes(self) -> np.ndarray:
        """Returns int32 `[S, 9]`, of each symbol: its label, and factors and addends of counts."""
        opens, closes = self._opened >= 0, self._closed >= 0
        label = np.maximum(np.maximum(self._opened, self._closed), 0)
        change = opens.astype(np.int32) - closes
        factors = np.ones([len(label), 4], np.int32)
        factors[: self._none, 3] = 0  # whatever is written, the phrase around it is not bare
        added = [change, -self._is_leaf.astype(np.int32), change * self._close_cost[label], opens]
        return np.concatenate([label[:, None], factors, np.stack(added, 1)], 1).astype(np.int32)

    def _set_edges(self, tree: trie.Trie) -> None:
        """Makes the tables of what a token does at a node, `[N (U + 1)]`; U is any other token."""
        child = np.pad(tree.table(), [(0, 0), (0, 1)], constant_values=-1)
        is_tip = np.all(child < 0, axis=1)
        self._is_single = bool(np.all(is_tip[trie.ROOT + 1 :]))  # each symbol is one piece
        # Whether a symbol may begin another one: then it ends where no edge leads on.
        self._is_nested = bool(np.any((self._symbol < self._none) & ~is_tip))
        begins = (child < 0) & self._is_nested
        ended = np.where(begins, self._symbol[:, None], self._none)
        child = np.maximum(np.where(begins, child[trie.ROOT], child), trie.ROOT)
        self._edge_ended = ended.ravel()
        self._edge_whole = np.where(is_tip, self._symbol, self._none)[child].ravel()
        self._edge_node = np.where(is_tip[child], np.int32(trie.ROOT), child).ravel()

    def _set_masks(self, tree: trie.Trie) -> None:
        """Makes the tables of the tokens that lead from a node to the end of a symbol.

        `_masks`, bool `[M, U]`, has rows for a phrase that opens, a leaf and the end token, of
        each the nodes, of each the tokens that may be spent, 0 to the most that any takes
        (closing what opens included); behind them, for one token each, and for none.
        """
        table, labels = tree.table(), len(self._close_cost)
        width = len(tree.tokens)
        cost = np.full([3, tree.nodes, width], _FAR)
        self._close_least = np.full([labels, tree.nodes], _FAR)
        close_piece = np.full([labels, tree.nodes], width, np.int32)
        for number, path in enumerate(tree.paths):
            opened, closed = self._opened[number], self._closed[number]
            kind = 0 if opened >= 0 else 1 if self._is_leaf[number] else 2
            extra = self._close_cost[opened] if opened >= 0 else 0
            for place, (node, child) in enumerate(zip([trie.ROOT, *path], path, strict=False)):
                column = int(np.flatnonzero(table[node] == child)[0])
                tokens = len(path) - place + extra
                if closed >= 0:
                    self._close_least[closed, node] = tokens
                    close_piece[closed, node] = column
                else:
                    cost[kind, node, column] = min(cost[kind, node, column], tokens)
        self._most_cost = int(cost[cost < _FAR].max())
        self._least = cost.min(2).ravel()
        masks = cost[:, :, None] <= np.arange(self._most_cost + 1)[:, None]
        masks = masks.reshape([-1, width])
        self._close_row = close_piece + np.int32(len(masks))
        self._no_row = np.int32(len(masks) + width)
        self._masks = np.concatenate([masks, np.eye(width + 1, width, dtype=bool)])

    def _choices(self, state: State) -> _Choices:
        depth, words, closing, is_bare = tf.unstack(state.counts, axis=1)
        is_inside, is_over = depth > 0, words == 0
        return _Choices(
            opens=~is_over & (depth < self._deepest),
            leaf=~is_over & is_inside,
            closes=is_inside & (is_bare == 0) & (is_over | (depth > 1)),
            end=is_over & ~is_inside,
            label=tf.gather(state.stack, depth, batch_dims=1),
            rest=words * self._leaf_cost + closing + 1,  # 1 is the end token
        )

    def _is_allowed(self, choices: _Choices, symbol: tf.Tensor) -> tf.Tensor:
        """Returns whether symbols may be written, by their numbers: bool `[R]`."""
        opened, closed = tf.gather(self._opened, symbol), tf.gather(self._closed, symbol)
        return (
            (choices.opens & (opened >= 0))
            | (choices.closes & (closed == choices.label))
            | (choices.leaf & tf.gather(self._is_leaf, symbol))
        )

    def _ways(self, choices: _Choices, node: tf.Tensor) -> _Ways:
        rest = choices.rest
        leaf = node + tf.where(choices.end, 2, 1) * self._nodes
        close = choices.label * self._nodes + node
        closed = rest - tf.gather(self._close_cost, choices.label)
        after = (
            tf.where(choices.opens, rest, _FAR),
            tf.where(choices.leaf, rest - self._leaf_cost, tf.where(choices.end, 0, _FAR)),
            tf.where(choices.closes, closed, _FAR) + tf.gather(self._close_least.ravel(), close),
        )
        least = tf.minimum(
            tf.gather(self._least, node) + after[0], tf.gather(self._least, leaf) + after[1]
        )
        levels = self._most_cost + 1
        return _Ways(
            first=(node * levels, leaf * levels),
            after=after,
            piece=tf.gather(self._close_row.ravel(), close),
            least=tf.minimum(least, after[2]),
        )

    def _mask(self, ways: _Ways, most: tf.Tensor) -> tf.Tensor:
        """Returns bool `[R, U]`, tokens by which an output ends within `most` tokens, `[R]`."""
        rows = [
            first + tf.clip_by_value(most - after, 0, self._most_cost)
            for first, after in zip(ways.first, ways.after, strict=False)
        ]
        rows.append(tf.where(ways.after[2] <= most, ways.piece, self._no_row))
        opens, leaf, closes = (tf.gather(self._masks, row) for row in rows)
        return opens | leaf | closes

    def _written(self, state: State, symbol: tf.Tensor) -> State:
        """Returns the state after a whole symbol, int32 `[R]`; the node stays."""
        effect = tf.gather(self._effects, symbol)
        above = state.counts[:, 0] + 1
        places = tf.stack([tf.range(tf.size(above)), above], 1)
        counts = state.counts * effect[:, 1:5] + effect[:, 5:]
        most = tf.constant([self._deepest, _FAR, _FAR, 1])
        return State(
            node=state.node,
            counts=tf.clip_by_value(counts, 0, most),
            stack=tf.tensor_scatter_nd_update(state.stack, places, effect[:, 0]),
        )


def _most(room: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
    """Returns int32 `[R]`, tokens that may be spent: the room, or what is needed beyond it."""
    return tf.maximum(room, tf.minimum(least, _FAR - 1))


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
