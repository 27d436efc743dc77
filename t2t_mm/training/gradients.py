"""Gradients that are the same bit for bit whenever a step is taken again.

The gradient of a tensor that several operations read is the sum of what each of them gives.
TensorFlow sums with `AddN`, whose kernel begins with whichever addend's memory it may reuse.
Where several threads run a graph that depends on the schedule; so three addends or more are
rounded now in one way, now in another, and every gradient behind them differs with them. Two
addends commute. So here are sums of pairs, in the order of the graph; and Grappler, which
would join them to one `AddN` again, and chains of additions of the model's own too, is kept
from it while a step runs.

What is left are sums of three or more that a model asks for itself, by `tf.add_n`, or that
TensorFlow makes in a function within the step (a branch of `tf.cond`, the body of a loop, a
`tf.function`): `unordered` finds them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices | None

_JOINING = "arithmetic_optimization"
_SUM, _FEWEST = "AddN", 3


def gradients(
    loss: tf.Tensor, variables: Sequence[tf.Variable], share: tf.Tensor | None = None
) -> list[Gradient]:
    """Returns the gradient of each variable, None for those that the loss leaves out.

    To be called while a graph is traced, and the graph to be run within `in_order`.

    Args:
      loss: a scalar.
      variables: or tensors.
      share: what the loss is to be multiplied by, a scalar; None for 1.
    """
    return tf.gradients(
        loss,
        list(variables),
        grad_ys=share,
        aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE,
    )


@contextlib.contextmanager
def in_order() -> Iterator[None]:
    """Keeps additions as they were traced, in what runs within the block."""
    before = tf.config.optimizer.get_experimental_options().get(_JOINING, True)
    tf.config.optimizer.set_experimental_options({_JOINING: False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_JOINING: before})


def unordered(graph: tf.Graph) -> list[str]:
    """Returns the names of sums whose rounding depends on the schedule.

    Args:
      graph: traced, with the gradients in it; what its operations call is looked into.
    """
    operations = [operation.node_def for operation in graph.get_operations()]
    sums = _sums(operations)
    # A graph of thousands of operations is written out only where one of them calls others.
    if any(_calls(operation) for operation in operations):
        for function in graph.as_graph_def().library.function:
            name = function.signature.name
            sums += [f"{name}/{inner}" for inner in _sums(function.node_def)]
    return sums


def _sums(operations: Iterable[Any]) -> list[str]:
    return [
        operation.name
        for operation in operations
        if operation.op == _SUM
        and operation.attr["N"].i >= _FEWEST
        and tf.dtypes.as_dtype(operation.attr["T"].type).is_floating
    ]


def _calls(operation: Any) -> bool:
    """Returns whether an operation runs a function."""
    return any(value.HasField("func") or value.list.func for value in operation.attr.values())
