"""A trie of token sequences, as NumPy arrays that a graph can look up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROOT = 0


class Trie:
    """The prefixes of some sequences of tokens, a node each; `ROOT` is the empty one.

    A column is the place of a token among all that occur. Axes: `N` nodes, `E` edges, `U`
    tokens.

    Args:
      sequences: of tokens, one or more in each. Equal ones share their last node.

    Attributes:
      tokens: int32 `[U]`, ascending.
      parents: int32 `[E]`, ascending: the nodes that edges come from.
      columns: int32 `[E]`, of their tokens; ascending within a parent.
      children: int32 `[E]`, the nodes that they lead to.
      paths: of each sequence, the nodes after each of its tokens.
    """

    def __init__(self, sequences: Sequence[Sequence[int]]) -> None:
        self.tokens = np.array(sorted({token for one in sequences for token in one}), np.int32)
        column = {int(token): place for place, token in enumerate(self.tokens)}
        edges: dict[tuple[int, int], int] = {}
        self.paths: list[list[int]] = []
        for one in sequences:
            node, path = ROOT, []
            for token in one:
                node = edges.setdefault((node, column[token]), len(edges) + 1)
                path.append(node)
            self.paths.append(path)
        ordered = np.array([(*edge, child) for edge, child in sorted(edges.items())], np.int32)
        self.parents, self.columns, self.children = ordered.reshape(-1, 3).T
        self.nodes = len(edges) + 1

    def table(self) -> np.ndarray:
        """Returns int32 `[N, U]`, the node that a token leads to; -1 for none."""
        made = np.full([self.nodes, len(self.tokens)], -1, np.int32)
        made[self.parents, self.columns] = self.children
        return made

    def remaining(self) -> np.ndarray:
        """Returns int32 `[N]`, the tokens from a node to the nearest end of a sequence."""
        least = np.full([self.nodes], np.iinfo(np.int32).max, np.int32)
        for path in self.paths:
            for place, node in enumerate([ROOT, *path]):
                least[node] = min(least[node], len(path) - place)
        return least
