"""Sampling with temperature, top-k and top-p, in this order.

Top-p keeps the fewest likeliest of the remaining tokens with that total probability. Random
numbers depend only on the seed, the number of the example, that of the sample, and the step;
so neither the row's position in a batch, nor other rows, nor `n_best` changes a sample.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from t2t_mm.decoding import constrained, hypotheses, writer
from t2t_mm.settings import decoding


def search(
    model: hypotheses.Decodable,
    asked: hypotheses.Asked,
    settings: decoding.DecodeSettings,
    seeds: tf.Tensor,
    *,
    shrink: bool = True,
) -> hypotheses.Hypotheses:
    """Returns `n_best` independent samples of each row.

    Args:
      model: gives the incremental state.
      asked: the inputs and what is wanted of them.
      settings: how to draw.
      seeds: int64 [B, 2], one of each row's own.
      shrink: let finished rows leave (see `search_loop.run`).
    """

    def choose(
        logits: tf.Tensor, drawn: tf.Tensor, allowed: constrained.Allowed | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        logits = tf.cast(logits, tf.float32)
        ids = draw(logits, drawn, settings, allowed)
        own = tf.gather(logits, ids, batch_dims=1) - hypotheses.log_norm(logits)[:, 0]
        return tf.minimum(own, 0.0), ids

    # For the greatest length of the settings, so that they do not depend on the batch.
    draws = uniforms(seeds, settings.n_best, settings.longest())
    return writer.write(model, asked, choose, copies=settings.n_best, draws=draws, shrink=shrink)


def draw(
    logits: tf.Tensor,
    drawn: tf.Tensor,
    settings: decoding.DecodeSettings,
    allowed: constrained.Allowed | None = None,
) -> tf.Tensor:
    """Samples int32 [R], a token for each row, by the inverse of the cumulative distribution.

    Args:
      logits: float32 [R, V].
      drawn: float32 [R], uniform in [0, 1).
      settings: `temperature`, `top_k` and `top_p`.
      allowed: the tokens to choose from; None for all but padding.
    """
    if allowed is not None:
        scaled = allowed.logits(logits) / settings.temperature
        places = _draw(scaled, drawn, settings)
        return tf.gather(allowed.tokens, places)
    is_padding = tf.range(tf.shape(logits)[1]) == hypotheses.PAD
    scaled = tf.where(is_padding, hypotheses.LOWEST, logits / settings.temperature)
    return _draw(scaled, drawn, settings)


def _draw(scaled: tf.Tensor, drawn: tf.Tensor, settings: decoding.DecodeSettings) -> tf.Tensor:
    """Samples int32 [R], a place for each row; `scaled` are logits over the temperature."""
    order = None
    if settings.top_k or settings.top_p < 1:
        size = tf.shape(scaled)[1]
        kept = tf.minimum(settings.top_k or size, size)
        scaled, order = tf.math.top_k(scaled, kept)  # [R, K], likeliest first
    shares = tf.nn.softmax(scaled)
    sums = tf.cumsum(shares, axis=1)
    total = sums[:, -1]
    if settings.top_p < 1:
        # A token is kept if those before it sum to less than top_p, so always the first.
        count = tf.reduce_sum(tf.cast(sums - shares < settings.top_p, tf.int32), axis=1)
        total = tf.gather(sums, count - 1, batch_dims=1)
    # The first cumulative sum above the drawn one; a token of probability 0 is never chosen.
    below = sums <= (drawn * total)[:, None]
    places = tf.reduce_sum(tf.cast(below, tf.int32), axis=1)
    return places if order is None else tf.gather(order, places, batch_dims=1)


def numbers(raw: Mapping[str, tf.Tensor], *, asked: int = 0) -> tf.Tensor:
    """Returns int64 [B], what samples of each row depend on beside the seed: a hash of its inputs.

    Args:
      raw: string [B] by input name, record bytes.
      asked: how often the same was asked before, where each time another sample is wanted.
    """
    parts: list[str | tf.Tensor] = [str(asked)]
    for name in sorted(raw):
        size = tf.strings.as_string(tf.strings.length(raw[name]))
        parts += [tf.strings.join([f"/{name}/", size, "/"]), raw[name]]
    return tf.strings.to_hash_bucket_fast(tf.strings.join(parts), 2**63 - 1)


def row_seeds(seed: int | tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Returns int64 [B, 2], the seed of each row: that of the settings, and its own number.

    Args:
      seed: of the settings; int64 [] in a graph.
      places: int [B], the number of each row's example among all that are decoded.
    """
    places = tf.cast(places, tf.int64)
    return tf.stack(
        [tf.fill(tf.shape(places), tf.convert_to_tensor(seed, tf.int64)), places], axis=1
    )


def uniforms(seeds: tf.Tensor, copies: int, length: int) -> tf.Tensor:
    """Returns float32 [B, N, length] in [0, 1), of each row's seed and the sample's number."""
    numbers = tf.tile(tf.range(copies), [tf.shape(seeds)[0]])

    def of_one(given: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        seed = tf.random.experimental.stateless_fold_in(given[0], given[1])
        return tf.random.stateless_uniform([length], seed)

    drawn = tf.map_fn(
        of_one, (tf.repeat(seeds, copies, axis=0), numbers), fn_output_signature=tf.float32
    )
    return hypotheses.by_row(tf.ensure_shape(drawn, [None, length]), copies)
