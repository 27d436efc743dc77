"""Greedy decoding, and the common loop of greedy decoding and sampling.

Hypotheses are independent of one another; the two differ only in the choice of the next
token. Everything here runs in the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm.decoding import constrained, hypotheses, search_loop

Choose = Callable[[tf.Tensor, Any, constrained.Allowed | None], tuple[tf.Tensor, tf.Tensor]]
"""Maps logits [R, V], the draws of this step and what is allowed (None for all but padding) to
log-probabilities and tokens, [R] each."""


class _Live(NamedTuple):
    """Of each hypothesis, [A, N]: whether it has ended, and its last token."""

    ended: tf.Tensor
    last: tf.Tensor


def write(
    model: hypotheses.Decodable,
    asked: hypotheses.Asked,
    choose: Choose,
    *,
    copies: int = 1,
    draws: Any = (),
    shrink: bool = True,
) -> hypotheses.Hypotheses:
    """Decodes each hypothesis until its end token or the limit of its row.

    Args:
      model: gives the incremental state.
      asked: the inputs and what is wanted of them.
      choose: chooses the next token of each hypothesis, never padding.
      copies: N, hypotheses of each row.
      draws: nest of float32 [B, N, L], random numbers for all possible steps; `choose` gets
        those of its step, [R] each.
      shrink: let finished rows leave (see `search_loop.run`).
    """
    memory = model.encode(asked.task_name, asked.inputs)
    longest = tf.reduce_max(asked.limits)
    state = model.start_state(asked.task_name, memory, longest)
    shape = [tf.shape(asked.limits)[0], copies]
    fixed = (memory, asked.limits, asked.padded_prefix(), draws)
    grammar = constrained.initial(asked.constrained, shape[0])

    def advance(step: tf.Tensor, fixed: Any, rows: search_loop.Rows) -> search_loop.Rows:
        memory, limits, prefix, draws = fixed
        found, live = rows.found, rows.live
        last, drawn = hypotheses.flat(
            (live.last, tf.nest.map_structure(lambda d: d[:, :, step], draws))
        )
        state, grammar = rows.state
        logits, state = model.decode_step(asked.task_name, last, step, memory, state, asked.command)
        room = tf.repeat(limits - step, copies)
        allowed = constrained.allowed(asked.constrained, grammar, room)
        log_probs, ids = hypotheses.by_row(choose(logits, drawn, allowed), copies)
        begun = hypotheses.forced(prefix, step)[:, None]
        is_free = begun == hypotheses.PAD
        ids = tf.where(is_free, ids, begun)
        ids = tf.where(live.ended, hypotheses.PAD, ids)
        gained = tf.where(is_free & ~live.ended, log_probs, 0.0)
        scores = found.scores + tf.cast(gained, hypotheses.SUMS)
        grammar = constrained.advance(asked.constrained, grammar, hypotheses.flat(ids))
        ended = live.ended | (ids == hypotheses.EOS) | (step + 1 >= limits)[:, None]
        found = hypotheses.Hypotheses(
            ids=hypotheses.written(found.ids, step, ids),
            scores=scores,
            penalised_scores=scores,
            lengths=found.lengths + tf.cast(~live.ended, tf.int32),
        )
        live = _Live(ended, ids)
        return search_loop.Rows(tf.reduce_all(ended, 1), found, live, (state, grammar))

    zeros = tf.zeros(shape, hypotheses.SUMS)
    found = search_loop.run(
        advance,
        fixed,
        search_loop.Rows(
            ended=tf.zeros([shape[0]], tf.bool),
            found=hypotheses.Hypotheses(
                ids=tf.zeros([*shape, longest], tf.int32),
                scores=zeros,
                penalised_scores=zeros,
                lengths=tf.zeros(shape, tf.int32),
            ),
            live=_Live(
                ended=tf.zeros(shape, tf.bool),
                last=tf.zeros(shape, tf.int32),  # of no effect: the command is read first
            ),
            state=search_loop.repeat_state((state, grammar), copies),
        ),
        copies=copies,
        shrink=shrink,
    )
    return trimmed(found)


def greedy(
    model: hypotheses.Decodable, asked: hypotheses.Asked, *, shrink: bool = True
) -> hypotheses.Hypotheses:
    """Greedy decoding: returns the one hypothesis of each row, the likeliest token at every step.

    Padding is never chosen, whatever its logit.

    Args:
      model: gives the incremental state.
      asked: the inputs and what is wanted of them.
      shrink: let finished rows leave (see `search_loop.run`).
    """
    return write(model, asked, _likeliest, shrink=shrink)


def trimmed(found: hypotheses.Hypotheses) -> hypotheses.Hypotheses:
    """Trims T to the length of the longest hypothesis, and rounds the sums to float32."""
    return found._replace(
        ids=found.ids[:, :, : tf.reduce_max(found.lengths)],
        scores=tf.cast(found.scores, tf.float32),
        penalised_scores=tf.cast(found.penalised_scores, tf.float32),
    )


def _likeliest(
    logits: tf.Tensor, drawn: Any, allowed: constrained.Allowed | None
) -> tuple[tf.Tensor, tf.Tensor]:
    del drawn
    log_probs, ids = hypotheses.likeliest(logits, 1, allowed)
    return log_probs[:, 0], ids[:, 0]
