"""Beam search with M live hypotheses for each row, in one compiled loop.

A step extends every live hypothesis by every token. Of the M best extensions, those with the
end token, or at the row's limit, are finished; the M best without the end token stay live.
Finished hypotheses are ranked by

    log p(tokens) / ((5 + length) / 6) ^ alpha        (Wu et al. 2016, arXiv 1609.08144, (14))

where `length` counts the tokens after the prefix, and the best N are kept. With one beam and
no penalty this is greedy decoding; with beams for all sequences it is exact.

Beside the model it costs one pass over the logits [A, M, V] for their norm and one for the
M + 1 best of each. Key/value caches have an ancestry table and are not gathered when
hypotheses are reordered (`t2t_mm.layers.history`); the encoded inputs (`memory`) are shared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm.decoding import constrained, hypotheses, search_loop, writer
from t2t_mm.settings import decoding


class _Live(NamedTuple):
    """The live hypotheses of A rows, best first.

    Attributes:
      ids: int32 [A, M, T], their tokens.
      last: int32 [A, M], the last of these.
      scores: float64 [A, M], sums of log-probabilities; -inf where there is none.
    """

    ids: tf.Tensor
    last: tf.Tensor
    scores: tf.Tensor


class _Extended(NamedTuple):
    """The 2 M best extensions by one token, best first.

    Attributes:
      scores: float64 [A, 2 M], sums of log-probabilities.
      parents: int32 [A, 2 M], the index of the extended hypothesis.
      tokens: int32 [A, 2 M], the added token.
    """

    scores: tf.Tensor
    parents: tf.Tensor
    tokens: tf.Tensor


def search(
    model: hypotheses.Decodable,
    asked: hypotheses.Asked,
    settings: decoding.DecodeSettings,
    *,
    early_exit: bool = True,
    shrink: bool = True,
) -> hypotheses.Hypotheses:
    """Returns the `n_best` best hypotheses of each row, best first.

    Padding is never chosen, whatever its logit.

    Args:
      model: gives the incremental state.
      asked: the inputs and what is wanted of them.
      settings: `beam_size`, `alpha` and `n_best`.
      early_exit: finish a row as soon as no live hypothesis can still become one of its
        best; without, it goes on to its limit, with the same result (for tests).
      shrink: compact the batch when rows finish (see `search_loop.run`).
    """
    beams, alpha = settings.beam_size, settings.alpha
    memory = model.encode(asked.task_name, asked.inputs)
    longest = tf.reduce_max(asked.limits)
    state = model.start_state(asked.task_name, memory, longest)
    batch = tf.shape(asked.limits)[0]
    grammar = constrained.initial(asked.constrained, batch)

    def advance(step: tf.Tensor, fixed: Any, rows: search_loop.Rows) -> search_loop.Rows:
        memory, limits, prefix = fixed
        live = rows.live
        last = hypotheses.flat(live.last)
        state, grammar = rows.state
        logits, state = model.decode_step(asked.task_name, last, step, memory, state, asked.command)
        room = tf.repeat(limits - step, beams)
        allowed = constrained.allowed(asked.constrained, grammar, room)
        extended = _extended(logits, live, beams, allowed)
        extended = _forced(extended, live, hypotheses.forced(prefix, step))
        begun = hypotheses.count_tokens(prefix)
        at_limit = step + 1 >= limits
        ids = tf.gather(live.ids, extended.parents, batch_dims=1)
        ids = hypotheses.written(ids, step, extended.tokens)  # [A, 2 M, T]
        may_end = (extended.tokens == hypotheses.EOS) | at_limit[:, None]
        may_end = (may_end & ~rows.ended[:, None])[:, :beams]
        scores = extended.scores[:, :beams]
        scores = tf.where(may_end, scores, _none(scores))
        ended = hypotheses.Hypotheses(
            ids=ids[:, :beams],
            scores=scores,
            penalised_scores=scores / _penalty(step + 1 - begun, alpha)[:, None],
            lengths=tf.fill(tf.shape(scores), step + 1),
        )
        found = _best(rows.found, ended, settings.n_best)
        live, chosen = _going_on(extended, ids, beams)
        state, grammar = search_loop.reorder_state((state, grammar), chosen)
        grammar = constrained.advance(asked.constrained, grammar, hypotheses.flat(live.last))
        done = rows.ended | at_limit
        if early_exit:
            done |= _is_decided(found, live, _penalty(limits - begun, alpha))
        return search_loop.Rows(done, found, live, (state, grammar))

    none = _none(tf.zeros([batch, settings.n_best], hypotheses.SUMS))
    first = tf.where(tf.range(beams) == 0, 0.0, hypotheses.LOWEST)  # the others are its copies
    found = search_loop.run(
        advance,
        (memory, asked.limits, asked.padded_prefix()),
        search_loop.Rows(
            ended=tf.zeros([batch], tf.bool),
            found=hypotheses.Hypotheses(
                ids=tf.zeros([batch, settings.n_best, longest], tf.int32),
                scores=none,
                penalised_scores=none,
                lengths=tf.zeros([batch, settings.n_best], tf.int32),
            ),
            live=_Live(
                ids=tf.zeros([batch, beams, longest], tf.int32),
                last=tf.zeros([batch, beams], tf.int32),  # of no effect: the command is read
                scores=tf.cast(tf.tile(first[None], [batch, 1]), hypotheses.SUMS),
            ),
            state=search_loop.share_state((state, grammar), beams),
        ),
        copies=beams,
        shrink=shrink,
    )
    return writer.trimmed(found)


def _extended(
    logits: tf.Tensor, live: _Live, beams: int, allowed: constrained.Allowed | None
) -> _Extended:
    """Returns the best extensions of all live hypotheses together.

    M + 1 of each hypothesis are enough: one may have the end token, and at most M of the
    others are among the M best of all.

    Args:
      logits: [A x M, V].
      live: what is extended.
      beams: M.
      allowed: the tokens to extend with; None for all.
    """
    log_probs, tokens = hypotheses.likeliest(logits, beams + 1, allowed)  # [A x M, K]
    each = tf.shape(tokens)[1]
    log_probs, tokens = hypotheses.by_row((log_probs, tokens), beams)
    shape = [tf.shape(live.last)[0], beams * each]
    sums = live.scores[:, :, None] + tf.cast(log_probs, hypotheses.SUMS)
    scores, places = tf.math.top_k(tf.reshape(sums, shape), 2 * beams)
    tokens = tf.gather(tf.reshape(tokens, shape), places, batch_dims=1)
    return _Extended(scores, places // each, tokens)


def _forced(extended: _Extended, live: _Live, token: tf.Tensor) -> _Extended:
    """Returns the extensions, those by `token` alone where a row is not free to choose.

    A forced token does not change scores, since all hypotheses of the row have it.

    Args:
      extended: as the model has them.
      live: what is extended.
      token: int32 [A], 0 where a row is free.
    """
    is_free = (token == hypotheses.PAD)[:, None]
    beams = live.scores.shape[1]
    none = _none(live.scores)
    order = tf.concat([tf.range(beams), tf.range(beams)], 0)
    return _Extended(
        scores=tf.where(is_free, extended.scores, tf.concat([live.scores, none], 1)),
        parents=tf.where(is_free, extended.parents, order[None]),
        tokens=tf.where(is_free, extended.tokens, token[:, None]),
    )


def _best(
    found: hypotheses.Hypotheses, ended: hypotheses.Hypotheses, count: int
) -> hypotheses.Hypotheses:
    """Returns the `count` best of both, best first; ties keep their order."""
    joined = hypotheses.Hypotheses(*(tf.concat(pair, 1) for pair in zip(found, ended, strict=True)))
    _, places = tf.math.top_k(joined.penalised_scores, count)
    return hypotheses.Hypotheses(*(tf.gather(t, places, batch_dims=1) for t in joined))


def _going_on(extended: _Extended, ids: tf.Tensor, beams: int) -> tuple[_Live, tf.Tensor]:
    """Returns the M best unfinished extensions, and the rows of their states.

    Args:
      extended: the 2 M best, of which M at most end.
      ids: int32 [A, 2 M, T], their tokens.
      beams: M.

    Returns:
      the new live hypotheses, and int32 [A x M], the row of the state that each continues.
    """
    has_ended = extended.tokens == hypotheses.EOS
    going_on = tf.where(has_ended, _none(extended.scores), extended.scores)
    scores, places = tf.math.top_k(going_on, beams)
    ids, last, parents = (
        tf.gather(t, places, batch_dims=1) for t in (ids, extended.tokens, extended.parents)
    )
    first = tf.range(tf.shape(parents)[0])[:, None] * beams
    return _Live(ids, last, scores), tf.reshape(first + parents, [-1])


def _is_decided(found: hypotheses.Hypotheses, live: _Live, penalty: tf.Tensor) -> tf.Tensor:
    """Returns bool [A], whether no live hypothesis can still become one of the best.

    A score can only fall, and its best penalised value is that at the row's limit.
    """
    return found.penalised_scores[:, -1] >= tf.reduce_max(live.scores, 1) / penalty


def _penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """Returns float64, the length penalty: 1 where alpha is 0."""
    length = tf.cast(tf.maximum(length, 0), hypotheses.SUMS)
    return tf.pow((5.0 + length) / 6.0, alpha)


def _none(scores: tf.Tensor) -> tf.Tensor:
    """Returns the scores of hypotheses that there are not, of the same shape."""
    return tf.fill(tf.shape(scores), tf.constant(hypotheses.LOWEST, scores.dtype))
