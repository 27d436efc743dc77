"""The search loop with batch compaction: finished rows leave the batch.

A batch takes as many steps as its longest output, and most rows finish long before. So an
outer loop compacts the batch whenever at most half of its rows are unfinished: at most
log2(B) + 1 times, in one compiled graph that holds the model once. Rows are independent, so
the result is that of a batch that is never compacted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from t2t_mm.layers import history


class Rows(NamedTuple):
    """The loop state of the rows of a batch.

    Attributes:
      ended: bool [A], whether a row is finished: then its `found` does not change.
      found: nest [A, ...], the finished outputs so far.
      live: nest [A, ...], the unfinished ones.
      state: of the model, for A x N hypotheses, N in each row: a nest of tensors, hypotheses
        first, and of caches (`t2t_mm.layers.history`), which are reordered without a gather.
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
    """Advances rows step by step until all have ended.

    Args:
      advance: maps step, `fixed` and rows to the rows after the step. It must end every row
        eventually.
      fixed: nest [B, ...], loop constants.
      rows: all B, none ended. Any axis but the first and the last may grow with each step.
      copies: N, hypotheses of each row.
      shrink: compact the batch; if not, finished rows stay to the end (for tests).

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
            # Loop variables lose their static shapes otherwise.
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
        lambda *carried: tf.size(carried[1]) > 0,  # any row is unfinished
        one_round,
        start,
        shape_invariants=tf.nest.map_structure(_open, start),
    )
    return found


def repeat_state(state: Any, copies: int) -> Any:
    """Repeats each hypothesis of an initial state `copies` times, consecutively.

    The copies are independent and cannot be reordered.
    """
    if copies == 1:
        return state
    return _map_state(lambda t: tf.repeat(t, copies, axis=0), lambda h: h.repeat(copies), state)


def share_state(state: Any, beams: int) -> Any:
    """Returns an initial state with `beams` consecutive hypotheses of each input.

    The hypotheses of an input can be reordered.
    """
    return _map_state(lambda t: tf.repeat(t, beams, axis=0), lambda h: h.share(beams), state)


def reorder_state(state: Any, rows: tf.Tensor) -> Any:
    """Returns the state in which hypothesis i continues `rows[i]`, of the same input."""
    return _map_state(lambda t: tf.gather(t, rows), lambda h: h.reorder(rows), state)


def keep_state(state: Any, rows: tf.Tensor, written: tf.Tensor) -> Any:
    """Returns the state of the hypotheses `rows` alone, with all or none of each input.

    Args:
      state: of R hypotheses.
      rows: their numbers, integers [Q].
      written: positions so far, a scalar.
    """
    return _map_state(lambda t: tf.gather(t, rows), lambda h: h.keep(rows, written), state)


def _open(tensor: tf.Tensor) -> tf.TensorShape:
    """Returns the shape invariant of a loop variable: only the last of several axes is fixed."""
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
