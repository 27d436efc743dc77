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

import tensorflow as tf

from t2t_mm import errors, vocabulary
from t2t_mm.constraints import base, bracket_tables, closed_set, trie


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
      after: int32 `[R]` each of all three, tokens needed behind the symbol; `FAR` if it may not be
        written.
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
      ConfigError: for no label or no leaf, and for symbols that the vocabulary does not restore,
        or that occur twice.
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
        if not (opening and leaves):
            raise errors.ConfigError(
                "Labelled brackets need symbols that open a phrase, and leaves",
                received=f"{len(opening)} that open, {len(leaves)} leaves",
                expected="one of each, or more",
            )
        symbols = [*opening, *closing, *leaves]
        pieces = [vocab.encode(symbol) for symbol in symbols]
        _check(vocab, symbols, pieces, len(opening) == len(closing))
        self._words_of, self._deepest = words_of, deepest
        tree = trie.Trie([*pieces, [vocabulary.EOS_ID]])
        self.tokens = tree.tokens
        self._column = closed_set.columns(tree.tokens, vocab.size)
        self._tables = bracket_tables.Tables(tree, pieces, labels=len(opening))

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
        if not self._tables.is_nested:
            return self._mask(ways, _most(room, ways.least))
        symbol = tf.gather(self._tables.symbol, state.node)
        after = self._choices(self._written(state, symbol))
        others = self._ways(after, tf.fill(tf.shape(symbol), trie.ROOT))
        may_be_whole = self._is_allowed(choices, symbol)
        least = tf.minimum(ways.least, tf.where(may_be_whole, others.least, bracket_tables.FAR))
        most = _most(room, least)
        mask = self._mask(others, tf.where(may_be_whole, most, 0))
        return mask | self._mask(ways, most)

    def advance(self, state: State, tokens: tf.Tensor) -> State:
        edge = state.node * (len(self.tokens) + 1) + tf.gather(self._column, tokens)
        if self._tables.is_nested:
            state = self._written(state, tf.gather(self._tables.edge_ended, edge))
        state = self._written(state, tf.gather(self._tables.edge_whole, edge))
        if not self._tables.is_single:
            state = state._replace(node=tf.gather(self._tables.edge_node, edge))
        return state

    def _choices(self, state: State) -> _Choices:
        depth, words, closing, is_bare = tf.unstack(state.counts, axis=1)
        is_inside, is_over = depth > 0, words == 0
        return _Choices(
            opens=~is_over & (depth < self._deepest),
            leaf=~is_over & is_inside,
            closes=is_inside & (is_bare == 0) & (is_over | (depth > 1)),
            end=is_over & ~is_inside,
            label=tf.gather(state.stack, depth, batch_dims=1),
            rest=words * self._tables.leaf_cost + closing + 1,  # 1 is the end token
        )

    def _is_allowed(self, choices: _Choices, symbol: tf.Tensor) -> tf.Tensor:
        """Returns whether symbols may be written, by their numbers: bool `[R]`."""
        opened, closed = (
            tf.gather(self._tables.opened, symbol),
            tf.gather(self._tables.closed, symbol),
        )
        return (
            (choices.opens & (opened >= 0))
            | (choices.closes & (closed == choices.label))
            | (choices.leaf & tf.gather(self._tables.is_leaf, symbol))
        )

    def _ways(self, choices: _Choices, node: tf.Tensor) -> _Ways:
        rest = choices.rest
        leaf = node + tf.where(choices.end, 2, 1) * self._tables.nodes
        close = choices.label * self._tables.nodes + node
        closed = rest - tf.gather(self._tables.close_cost, choices.label)
        after = (
            tf.where(choices.opens, rest, bracket_tables.FAR),
            tf.where(
                choices.leaf,
                rest - self._tables.leaf_cost,
                tf.where(choices.end, 0, bracket_tables.FAR),
            ),
            tf.where(choices.closes, closed, bracket_tables.FAR)
            + tf.gather(self._tables.close_least.ravel(), close),
        )
        least = tf.minimum(
            tf.gather(self._tables.least, node) + after[0],
            tf.gather(self._tables.least, leaf) + after[1],
        )
        levels = self._tables.most_cost + 1
        return _Ways(
            first=(node * levels, leaf * levels),
            after=after,
            piece=tf.gather(self._tables.close_row.ravel(), close),
            least=tf.minimum(least, after[2]),
        )

    def _mask(self, ways: _Ways, most: tf.Tensor) -> tf.Tensor:
        """Returns bool `[R, U]`, tokens by which an output ends within `most` tokens, `[R]`."""
        rows = [
            first + tf.clip_by_value(most - after, 0, self._tables.most_cost)
            for first, after in zip(ways.first, ways.after, strict=False)
        ]
        rows.append(tf.where(ways.after[2] <= most, ways.piece, self._tables.no_row))
        opens, leaf, closes = (tf.gather(self._tables.masks, row) for row in rows)
        return opens | leaf | closes

    def _written(self, state: State, symbol: tf.Tensor) -> State:
        """Returns the state after a whole symbol, int32 `[R]`; the node stays."""
        effect = tf.gather(self._tables.effects, symbol)
        above = state.counts[:, 0] + 1
        places = tf.stack([tf.range(tf.size(above)), above], 1)
        counts = state.counts * effect[:, 1:5] + effect[:, 5:]
        most = tf.constant([self._deepest, bracket_tables.FAR, bracket_tables.FAR, 1])
        return State(
            node=state.node,
            counts=tf.clip_by_value(counts, 0, most),
            stack=tf.tensor_scatter_nd_update(state.stack, places, effect[:, 0]),
        )


def _most(room: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
    """Returns int32 `[R]`, tokens that may be spent: the room, or what is needed beyond it."""
    return tf.maximum(room, tf.minimum(least, bracket_tables.FAR - 1))


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
