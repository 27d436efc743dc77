"""The common parts of all searches: the model's interface, hypotheses and limits.

A search uses three functions of the model (`encode`, `start_state`, `decode_step`).
Axes: `B` inputs of a batch, `N` hypotheses returned for each, `M` beams, `R` hypotheses of a
batch flattened (B x N or B x M), `T` tokens, `V` vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from t2t_mm import vocabulary
from t2t_mm.decoding import constrained
from t2t_mm.settings import decoding

PAD, EOS = vocabulary.PAD_ID, vocabulary.EOS_ID
LOWEST = constrained.LOWEST
SUMS = tf.float64
"""Of scores while they grow: hundreds of roundings to float32 add up to more than the scores of one
input differ from batch to batch."""

_BLOCKS = 128
"""Number of blocks into which `top_k` divides a row."""


class Decodable(Protocol):
    """The interface of a model for decoding.

    `memory` is of the inputs and `state` of the outputs. Both are nests of tensors, batch
    axis first; the state may also hold caches (`t2t_mm.layers.history`). A search may
    repeat, reorder and remove rows of the state. The memory is not repeated: of R hypotheses
    on B inputs, R / B consecutive ones share a row. Any axis of the state but the first and
    the last may grow with every step.
    """

    def encode(self, task_name: str, inputs: dict[str, tf.Tensor]) -> Any: ...

    def start_state(self, task_name: str, memory: Any, max_length: tf.Tensor) -> Any: ...

    def decode_step(
        self,
        task_name: str,
        ids: tf.Tensor,
        step: tf.Tensor,
        memory: Any,
        state: Any,
        command: tf.Tensor | None,
    ) -> tuple[tf.Tensor, Any]: ...


class Hypotheses(NamedTuple):
    """The result of a search.

    Attributes:
      ids: int32 [B, N, T], with the end token if there is one, and padding after it.
      scores: float32 [B, N], sum of the log-probabilities of the tokens, end token included,
        under the model without temperature, top-k or top-p; a prefix counts 0. -inf if there
        is no such hypothesis: with a small vocabulary and a low limit there may be fewer
        than N.
      penalised_scores: float32 [B, N], the scores divided by the length penalty, by which
        beam search ranks them; in other searches the scores themselves.
      lengths: int32 [B, N], tokens of prefix and continuation, end token included.
    """

    ids: tf.Tensor
    scores: tf.Tensor
    penalised_scores: tf.Tensor
    lengths: tf.Tensor


class Asked(NamedTuple):
    """The inputs of a search.

    Attributes:
      task_name: of the problem.
      inputs: a batch of features by name, [B, ...].
      limits: int32 [B], tokens of each row at most, at least 1.
      prefix: int32 [B, P], forced first tokens of each row, padded with 0; None for none.
      command: row of the command embedding, a scalar; None for the problem's own.
      constrained: which outputs are well formed; None for all.
    """

    task_name: str
    inputs: dict[str, tf.Tensor]
    limits: tf.Tensor
    prefix: tf.Tensor | None = None
    command: tf.Tensor | None = None
    constrained: constrained.Constrained | None = None

    def padded_prefix(self) -> tf.Tensor:
        """Returns the prefix with one more column of padding: int32 [B, P + 1]."""
        if self.prefix is None:
            return tf.zeros([tf.shape(self.limits)[0], 1], tf.int32)
        return tf.pad(self.prefix, [[0, 0], [0, 1]])


def length_limits(
    inputs: dict[str, tf.Tensor],
    text_inputs: list[str],
    settings: decoding.DecodeSettings,
    max_length: int | None,
) -> tf.Tensor:
    """Returns int32 [B], the largest number of output tokens of each row.

    Args:
      inputs: a batch of features by name; those of text are int32 [B, S], 0 is padding.
      text_inputs: names of the inputs that are text.
      settings: see `DecodeSettings` for the rule.
      max_length: of the target modality; a limit beside that of `settings`. None for none.
    """
    batch = tf.shape(next(iter(inputs.values())))[0]
    limit = tf.fill([batch], settings.longest(max_length))
    if text_inputs:
        source = tf.add_n([count_tokens(inputs[name]) for name in text_inputs])
        allowed = settings.length_factor * tf.cast(source, tf.float32) + settings.length_constant
        limit = tf.minimum(limit, tf.cast(allowed, tf.int32))
    return limit


def forced(prefix: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B], the forced token of each row; 0 for none.

    Args:
      prefix: of `Asked.padded_prefix`.
      step: scalar.
    """
    return prefix[:, tf.minimum(step, tf.shape(prefix)[1] - 1)]


def likeliest(
    logits: tf.Tensor, count: int, allowed: constrained.Allowed | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the likeliest tokens, best first, without padding.

    The log-probabilities are normalised over all logits, padding included. Only the returned
    values are normalised: beside the choice, only the sum of the norm passes over [R, V].

    Args:
      logits: [R, V].
      count: how many; at most V - 1 are there, or U with `allowed`.
      allowed: those to choose from; None for all.

    Returns:
      log-probabilities float32 [R, count] and tokens int32 [R, count]; -inf where fewer tokens
      are allowed.
    """
    logits = tf.cast(logits, tf.float32)
    if allowed is not None:
        chosen = allowed.logits(logits)
        top, places = tf.math.top_k(chosen, min(count, allowed.tokens.shape[0]))
        # Read last, logits are overwritten by the norm's differences, not copied for them.
        with tf.control_dependencies([chosen]):
            norm = log_norm(logits)
        return tf.minimum(top - norm, 0.0), tf.gather(allowed.tokens, places)
    if count == 1:  # argmax takes a quarter of the time of top_k
        ids = tf.argmax(logits[:, PAD + 1 :], 1, tf.int32)[:, tf.newaxis] + PAD + 1
        top = tf.gather(logits, ids, batch_dims=1)
        return tf.minimum(top - log_norm(logits), 0.0), ids
    if (size := logits.shape[1]) is not None:
        count = min(count, size - 1)
    top, ids = top_k(logits, count + 1)
    # If padding is among them, the tokens after it move up by one.
    behind = tf.cumsum(tf.cast(ids == PAD, tf.int32), axis=1)[:, :count]
    places = tf.range(count) + behind
    top, ids = (tf.gather(t, places, batch_dims=1) for t in (top, ids))
    return tf.minimum(top - log_norm(logits), 0.0), ids


def top_k(values: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes `tf.math.top_k` on [R, V], in a third of the time for large V.

    The k largest values of a row lie in the k blocks with the largest maxima. The blocks are
    taken in the order of the row, so ties keep their order.

    Returns:
      values [R, k], the largest first, and their places int32 [R, k].
    """
    size = values.shape[1] or 0
    width = -(-size // _BLOCKS)
    if k > min(width, _BLOCKS):  # or the size is not known
        return tf.math.top_k(values, k)
    if fill := width * _BLOCKS - size:
        values = tf.pad(values, [[0, 0], [0, fill]], constant_values=LOWEST)
    blocks = tf.reshape(values, [-1, _BLOCKS, width])
    _, best = tf.math.top_k(tf.reduce_max(blocks, 2), k)
    best = tf.sort(best, axis=1)
    few = tf.reshape(tf.gather(blocks, best, batch_dims=1), [-1, k * width])
    top, places = tf.math.top_k(few, k)
    return top, tf.gather(best, places // width, batch_dims=1) * width + places % width


def log_norm(logits: tf.Tensor) -> tf.Tensor:
    """Returns the log-sum-exp of logits [R, V]: float32 [R, 1]."""
    return tf.reduce_logsumexp(logits, axis=1, keepdims=True)


def count_tokens(ids: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B], the number of tokens of each row of [B, S], without padding."""
    return tf.reduce_sum(tf.cast(ids != PAD, tf.int32), axis=1)


def written(ids: tf.Tensor, step: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B, N, T], `ids` with `tokens` [B, N] at position `step`."""
    return tf.where(tf.range(tf.shape(ids)[2]) == step, tokens[:, :, None], ids)


def by_row(nest: Any, count: int) -> Any:
    """Groups the hypotheses of each input: [R, ...] to [R / count, count, ...]."""

    def fold(tensor: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(tensor)
        folded = tf.reshape(tensor, tf.concat([[shape[0] // count, count], shape[1:]], 0))
        return tf.ensure_shape(folded, [None, count, *tensor.shape[1:]])

    return tf.nest.map_structure(fold, nest)


def flat(nest: Any) -> Any:
    """Inverts `by_row`: [B, N, ...] to [R, ...]."""

    def unfold(tensor: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(tensor)
        unfolded = tf.reshape(tensor, tf.concat([[shape[0] * shape[1]], shape[2:]], 0))
        return tf.ensure_shape(unfolded, [None, *tensor.shape[2:]])

    return tf.nest.map_structure(unfold, nest)
