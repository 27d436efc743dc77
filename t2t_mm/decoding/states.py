"""The state of a model for R hypotheses: repeated, reordered and thinned out.

A state is a nest of tensors, hypotheses first, and of histories, which do it for less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from t2t_mm.layers import history


def repeat(state: Any, copies: int) -> Any:
    """Returns a state before the first position with each hypothesis `copies` times in a row.

    They are independent, and cannot be reordered.
    """
    if copies == 1:
        return state
    return _map(lambda t: tf.repeat(t, copies, axis=0), lambda h: h.repeat(copies), state)


def share(state: Any, beams: int) -> Any:
    """Returns a state before the first position with `beams` hypotheses in a row of each input.

    They can be reordered among themselves.
    """
    return _map(lambda t: tf.repeat(t, beams, axis=0), lambda h: h.share(beams), state)


def reorder(state: Any, rows: tf.Tensor) -> Any:
    """Returns the state in which hypothesis i is what `rows[i]` was, of the same input."""
    return _map(lambda t: tf.gather(t, rows), lambda h: h.reorder(rows), state)


def keep(state: Any, rows: tf.Tensor, written: tf.Tensor) -> Any:
    """Returns the state of the hypotheses `rows` alone: all or none of an input's.

    Args:
      state: of R hypotheses.
      rows: their numbers, integers [Q].
      written: positions so far, a scalar.
    """
    return _map(lambda t: tf.gather(t, rows), lambda h: h.keep(rows, written), state)


def _map(
    of_tensor: Callable[[tf.Tensor], Any],
    of_history: Callable[[history.History], Any],
    state: Any,
) -> Any:
    def one(node: Any) -> Any:
        if isinstance(node, history.History):
            return of_history(node)
        if tf.is_tensor(node):
            return of_tensor(node)
        if keras.tree.is_nested(node):
            return None  # look within
        raise TypeError(
            "The state of a model is a nest of tensors and histories, and cannot hold "
            f"{node!r} ({type(node).__name__})."
        )

    return keras.tree.traverse(one, state)
