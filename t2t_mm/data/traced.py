"""Data sets whose functions are traced once for all problems that compute alike.

A pipeline has some thousand graph operations, and tracing them takes up to a second of
processor. So a data set is built within a `tf.function`, and everything in which two problems
with the same features differ (files, seeds, sizes) is an argument of it.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Hashable
from typing import Any

import tensorflow as tf

MOST = 128
"""Graphs kept for later data sets; of more, those go that were used longest ago."""


class _Graph:
    """The traced function that builds the data sets of one key.

    Args:
      build: of the arguments, as tensors; holds all resources that the graph uses.
      arguments: of the first data set; later ones have the same structure, types and ranks.
    """

    def __init__(self, build: Callable[[Any], tf.data.Dataset], arguments: Any) -> None:
        self.spec: Any = None

        def variant(given: Any) -> tf.Tensor:
            made = build(given)
            self.spec = made.element_spec
            return tf.data.experimental.to_variant(made)

        signature = [tf.nest.map_structure(_any_size, arguments)]
        self.variant = tf.function(variant, input_signature=signature, autograph=False)


class _Dataset(tf.data.Dataset):
    """A data set that a graph has built, and that keeps the graph's resources alive."""

    def __init__(self, graph: _Graph, arguments: Any) -> None:
        with tf.device("CPU:0"):  # there are no other kernels of data sets
            variant = graph.variant(arguments)
        self._graph_of, self._spec = graph, graph.spec
        super().__init__(variant)

    def _inputs(self) -> list[tf.data.Dataset]:
        return []

    @property
    def element_spec(self) -> Any:
        return self._spec


_graphs: collections.OrderedDict[Hashable, _Graph] = collections.OrderedDict()


def dataset(
    key: Hashable | None, build: Callable[[Any], tf.data.Dataset], arguments: Any
) -> tf.data.Dataset:
    """Returns `build(arguments)`, traced only if no data set with this key is known.

    Args:
      key: all that the graph depends on beside the arguments; None for a graph of its own.
      build: of the arguments. It must not use anything else that differs between data sets
        of one key, and no random seed of TensorFlow's.
      arguments: a structure of tensors.
    """
    if key is None:
        return build(arguments)
    graph = _graphs.get(key)
    if graph is None:
        graph = _graphs[key] = _Graph(build, arguments)
    _graphs.move_to_end(key)
    while len(_graphs) > MOST:
        _graphs.popitem(last=False)
    return _Dataset(graph, arguments)


def _any_size(tensor: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec([None] * tensor.shape.rank, tensor.dtype)
