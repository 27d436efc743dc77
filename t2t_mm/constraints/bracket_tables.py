"""Constant tables of labelled brackets: what each symbol, node and token does, in NumPy.

Made once, when a constraint is; a search gathers rows of them at every step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from t2t_mm.constraints import trie

FAR = np.int32(1 << 28)
"""More tokens than any output has: of what is not allowed."""


class Tables:
    """Tables over symbols, and over the trie of their pieces.

    Symbols are numbered: L that open a phrase, L that close one, in the same order, the leaves,
    the end token, and none.

    Args:
      tree: of the pieces of all symbols and the end token.
      pieces: of each symbol.
      labels: L.

    Attributes:
      nodes: N, of the trie.
      none: the number of no symbol.
      opened, closed: int32 `[S]`, the label that a symbol opens, or closes; -1 for no label.
      is_leaf: bool `[S]`.
      close_cost: int32 `[L]`, tokens of the symbol that closes.
      leaf_cost: tokens of the shortest leaf.
      symbol: int32 `[N]`, the symbol that is whole at a node.
      effects: int32 `[S, 9]`, of each symbol: its label, and factors and addends of counts.
      edge_ended, edge_whole, edge_node: `[N (U + 1)]`, of a token at a node: the symbol that it
        ends by beginning another, the one that it completes, the node after it. U is any other
        token.
      is_single: whether each symbol is one piece.
      is_nested: whether a symbol may begin another one: then it ends where no edge leads on.
      masks: bool `[M, U]`, see `_set_masks`; `close_row` `[L, N]` are rows of the piece that
        closes, `no_row` is that of no token.
      most_cost: tokens that the costliest way to the end of a symbol takes.
      least: int `[3 N]`, tokens of the shortest way from a node, to a phrase that opens, a leaf,
        the end.
      close_least: `[L, N]`, tokens of the symbol that closes a label, from a node.
    """

    def __init__(self, tree: trie.Trie, pieces: Sequence[Sequence[int]], *, labels: int) -> None:
        self.nodes = tree.nodes
        # By number of a symbol, those of the end token and of none behind the others.
        self.none = len(pieces) + 1
        self.opened = np.full([self.none + 1], -1, np.int32)
        self.opened[:labels] = np.arange(labels)
        self.closed = np.full([self.none + 1], -1, np.int32)
        self.closed[labels : 2 * labels] = np.arange(labels)
        self.is_leaf = np.zeros([self.none + 1], bool)
        self.is_leaf[2 * labels : len(pieces)] = True
        self.close_cost = np.array([len(one) for one in pieces[labels : 2 * labels]], np.int32)
        self.leaf_cost = min(len(one) for one in pieces[2 * labels :])
        self.symbol = np.full([tree.nodes], self.none, np.int32)
        self.symbol[[path[-1] for path in tree.paths]] = np.arange(self.none)
        self.effects = self._changes()
        self._set_edges(tree)
        self._set_masks(tree)

    def _changes(self) -> np.ndarray:
        opens, closes = self.opened >= 0, self.closed >= 0
        label = np.maximum(np.maximum(self.opened, self.closed), 0)
        change = opens.astype(np.int32) - closes
        factors = np.ones([len(label), 4], np.int32)
        factors[: self.none, 3] = 0  # whatever is written, the phrase around it is not bare
        added = [change, -self.is_leaf.astype(np.int32), change * self.close_cost[label], opens]
        return np.concatenate([label[:, None], factors, np.stack(added, 1)], 1).astype(np.int32)

    def _set_edges(self, tree: trie.Trie) -> None:
        """Makes the tables of what a token does at a node, `[N (U + 1)]`; U is any other token."""
        child = np.pad(tree.table(), [(0, 0), (0, 1)], constant_values=-1)
        is_tip = np.all(child < 0, axis=1)
        self.is_single = bool(np.all(is_tip[trie.ROOT + 1 :]))  # each symbol is one piece
        # Whether a symbol may begin another one: then it ends where no edge leads on.
        self.is_nested = bool(np.any((self.symbol < self.none) & ~is_tip))
        begins = (child < 0) & self.is_nested
        ended = np.where(begins, self.symbol[:, None], self.none)
        child = np.maximum(np.where(begins, child[trie.ROOT], child), trie.ROOT)
        self.edge_ended = ended.ravel()
        self.edge_whole = np.where(is_tip, self.symbol, self.none)[child].ravel()
        self.edge_node = np.where(is_tip[child], np.int32(trie.ROOT), child).ravel()

    def _set_masks(self, tree: trie.Trie) -> None:
        """Makes the tables of the tokens that lead from a node to the end of a symbol.

        `masks`, bool `[M, U]`, has rows for a phrase that opens, a leaf and the end token, of
        each the nodes, of each the tokens that may be spent, 0 to the most that any takes
        (closing what opens included); behind them, for one token each, and for none.
        """
        table, labels = tree.table(), len(self.close_cost)
        width = len(tree.tokens)
        cost = np.full([3, tree.nodes, width], FAR)
        self.close_least = np.full([labels, tree.nodes], FAR)
        close_piece = np.full([labels, tree.nodes], width, np.int32)
        for number, path in enumerate(tree.paths):
            opened, closed = self.opened[number], self.closed[number]
            kind = 0 if opened >= 0 else 1 if self.is_leaf[number] else 2
            extra = self.close_cost[opened] if opened >= 0 else 0
            for place, (node, child) in enumerate(zip([trie.ROOT, *path], path, strict=False)):
                column = int(np.flatnonzero(table[node] == child)[0])
                tokens = len(path) - place + extra
                if closed >= 0:
                    self.close_least[closed, node] = tokens
                    close_piece[closed, node] = column
                else:
                    cost[kind, node, column] = min(cost[kind, node, column], tokens)
        self.most_cost = int(cost[cost < FAR].max())
        self.least = cost.min(2).ravel()
        masks = cost[:, :, None] <= np.arange(self.most_cost + 1)[:, None]
        masks = masks.reshape([-1, width])
        self.close_row = close_piece + np.int32(len(masks))
        self.no_row = np.int32(len(masks) + width)
        self.masks = np.concatenate([masks, np.eye(width + 1, width, dtype=bool)])
