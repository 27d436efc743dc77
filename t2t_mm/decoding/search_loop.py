"""The loop of a search, with batch compaction: finished rows leave the batch.

A batch ends with its longest output, and most rows are finished long before. So the loop
goes in rounds: one ends when no more than half of its rows are left, and the next has
those alone. There are at most log2(B) + 1 of them, all in one compiled graph in which the
model stands once, and rows know nothing of each other: what a row is given is what it
would be given in a batch that never shrinks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from t2t_mm.layers import history


class Rows(NamedTuple):
    """The rows of a batch on their way, along the first axis of every tensor but the state's.

    Attributes:
      ended: bool [A], whether a row is finished: its `found` stays as it is.
      found: nest [A, ...], what the search has found for it so far.
      live: nest [A, ...], what else it takes from step to step.
      state: the model's, of A x N hypotheses, N a row: a nest of tensors, hypotheses first, and of
        histories, which are repeated, reordered and thinned out at less cost.
    """

    ended: tf.Tensor
    found: Any
    live: Any
    state: Any


def run(
    advance: Callable[[tf.Tensor, Any, Rows], Rows],
    fixed: Any,
    rows: Rows,
    *,
    copies: int,
    shrink: bool = True,
) -> Any:
    """Advances rows step by step until each of them has ended.

    Args:
      advance: maps the number of the step, `fixed` and the rows to the rows after it.
        It has to end every row at some time.
      fixed: nest [B, ...], what the steps read and do not change.
      rows: of all B, none ended. Axes may grow from step to step, but for the first and
        the last one.
      copies: N, hypotheses a row.
      shrink: let finished rows leave; without, they stay to the end (for tests).

    Returns:
      `found` of all rows, in the order of the batch.
    """
    shapes = tf.nest.map_structure(_open, rows)
    count = tf.shape(rows.ended)[0]

    def goes_on(step: tf.Tensor, rows: Rows) -> tf.Tensor:
        del step
        left = tf.math.count_nonzero(~rows.ended, dtype=tf.int32)
        return 2 * left > tf.size(rows.ended) if shrink else left > 0

    def one_round(
        step: tf.Tensor, places: tf.Tensor, fixed: Any, rows: Rows, found: Any
    ) -> tuple[Any, ...]:
        def one_step(step: tf.Tensor, rows: Rows) -> tuple[tf.Tensor, Rows]:
            after = advance(step, fixed, rows)
            # A loop must be told again what stays as it is.
            return step + 1, tf.nest.map_structure(tf.ensure_shape, after, shapes)

        invariants = (tf.TensorShape([]), shapes)
        step, rows = tf.while_loop(goes_on, one_step, (step, rows), shape_invariants=invariants)
        found = tf.nest.map_structure(
            lambda whole, part: tf.tensor_scatter_nd_update(whole, places[:, None], part),
            found,
            rows.found,
        )
        left = tf.where(~rows.ended)[:, 0]
        each = tf.reshape(left[:, None] * copies + tf.range(copies, dtype=left.dtype), [-1])
        state = keep_state(rows.state, each, step)
        places, fixed, rows = tf.nest.map_structure(
            lambda tensor: tf.gather(tensor, left), (places, fixed, rows._replace(state=()))
        )
        return step, places, fixed, rows._replace(state=state), found

    start = (tf.constant(0), tf.range(count), fixed, rows, rows.found)
    *_, found = tf.while_loop(
        lambda *carried: tf.size(carried[1]) > 0,  # places: any row is left
        one_round,
        start,
        shape_invariants=tf.nest.map_structure(_open, start),
    )
    return found


def repeat_state(state: Any, copies: int) -> Any:
    """Returns a state before the first position with each hypothesis `copies` times in a row.

    They are independent, and cannot be reordered.
    """
    if copies == 1:
        return state
    return _map_state(lambda t: tf.repeat(t, copies, axis=0), lambda h: h.repeat(copies), state)


def share_state(state: Any, beams: int) -> Any:
    """Returns a state before the first position with `beams` hypotheses in a row of each input.

    They can be reordered among themselves.
    """
    return _map_state(lambda t: tf.repeat(t, beams, axis=0), lambda h: h.share(beams), state)


def reorder_state(state: Any, rows: tf.Tensor) -> Any:
    """Returns the state in which hypothesis i is what `rows[i]` was, of the same input."""
    return _map_state(lambda t: tf.gather(t, rows), lambda h: h.reorder(rows), state)


def keep_state(state: Any, rows: tf.Tensor, written: tf.Tensor) -> Any:
    """Returns the state of the hypotheses `rows` alone: all or none of an input's.

    Args:
      state: of R hypotheses.
      rows: their numbers, integers [Q].
      written: positions so far, a scalar.
    """
    return _map_state(lambda t: tf.gather(t, rows), lambda h: h.keep(rows, written), state)


def _open(tensor: tf.Tensor) -> tf.TensorShape:
    """Returns the shape of a tensor in a loop: of one axis nothing, else the last is fixed."""
    if tensor.shape.rank < 2:
        return tf.TensorShape([None] * tensor.shape.rank)
    return tf.TensorShape([None] * (tensor.shape.rank - 1) + [tensor.shape[-1]])


def _map_state(
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
