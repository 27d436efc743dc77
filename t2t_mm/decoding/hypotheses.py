"""What every search has: a model to ask, hypotheses to give, limits to keep.

A search knows the model by three functions only (`encode`, `start_state`, `decode_step`).
Axes: `B` inputs of a batch, `N` hypotheses that each is given, `M` beams, `R` hypotheses of
a batch flattened (B x N or B x M), `T` pieces, `V` vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from t2t_mm import vocabulary
from t2t_mm.settings import decoding

PAD, EOS = vocabulary.PAD_ID, vocabulary.EOS_ID
LOWEST = float("-inf")

_BLOCKS = 128
"""Into which a row is divided where its largest values are looked for."""


class Decodable(Protocol):
    """What decoding asks of a model.

    `memory` belongs to the inputs and `state` to what is written; both are nests of
    tensors, batch axis first; the state may hold histories too. The state of
    an input may be repeated for several hypotheses, reordered and left out. The memory is
    not repeated: of R hypotheses on B inputs, R / B that follow one another read the same
    row of it. An axis of the state may grow with every step, but for the first and the last.
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
    """What a search found.

    Attributes:
      ids: int32 [B, N, T], the end token where one was written, padding after it.
      scores: float32 [B, N], sum of the log-probabilities of the pieces under the model as
        it is (whatever they were drawn from), end token included; those of a prefix
        count nothing. -inf where there is no such hypothesis: of a small vocabulary
        and a low limit there may be fewer than N.
      penalised_scores: float32 [B, N], what beam search orders them by: the scores over
        their length penalty; in other searches the scores themselves.
      lengths: int32 [B, N], pieces of prefix and of what follows it, end token included.
    """

    ids: tf.Tensor
    scores: tf.Tensor
    penalised_scores: tf.Tensor
    lengths: tf.Tensor


class Asked(NamedTuple):
    """What is asked of a search, beside its settings.

    Attributes:
      task_name: the problem to carry out.
      inputs: a batch of features by name, [B, ...].
      limits: int32 [B], pieces of each row at most, at least 1.
      prefix: int32 [B, P], pieces that a row begins with, whatever the model thinks of
        them; padded with 0. None is no such beginning.
      command: row of the command, a scalar; None is the problem's own.
    """

    task_name: str
    inputs: dict[str, tf.Tensor]
    limits: tf.Tensor
    prefix: tf.Tensor | None = None
    command: tf.Tensor | None = None

    def padded_prefix(self) -> tf.Tensor:
        """Returns int32 [B, P + 1]: its last column is behind every end."""
        if self.prefix is None:
            return tf.zeros([tf.shape(self.limits)[0], 1], tf.int32)
        return tf.pad(self.prefix, [[0, 0], [0, 1]])


def length_limits(
    inputs: dict[str, tf.Tensor],
    text_inputs: list[str],
    settings: decoding.DecodeSettings,
    max_length: int | None,
) -> tf.Tensor:
    """Returns int32 [B], how many pieces each row may write at most.

    Args:
      inputs: a batch of features by name; those of text are int32 [B, S], 0 is padding.
      text_inputs: names of the inputs that are text.
      settings: see `DecodeSettings` for the rule.
      max_length: of the target modality; a limit beside that of `settings`. None for none.
    """
    batch = tf.shape(next(iter(inputs.values())))[0]
    limit = tf.fill([batch], settings.longest(max_length))
    if text_inputs:
        source = tf.add_n([count_pieces(inputs[name]) for name in text_inputs])
        allowed = settings.length_factor * tf.cast(source, tf.float32) + settings.length_constant
        limit = tf.minimum(limit, tf.cast(allowed, tf.int32))
    return limit


def forced(prefix: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B], the piece that each row has to write; 0 where it is free to choose.

    Args:
      prefix: of `Asked.padded_prefix`.
      step: scalar.
    """
    return prefix[:, tf.minimum(step, tf.shape(prefix)[1] - 1)]


def likeliest(logits: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the likeliest pieces, best first, padding left out.

    A piece's score is its log-probability under the logits as they are, also where that
    of padding is -inf. Only what is returned is normalised: nothing but the sum in its
    norm passes over [R, V] again.

    Args:
      logits: [R, V].
      count: how many; at most V - 1 are there.

    Returns:
      log-probabilities float32 [R, count] and pieces int32 [R, count].
    """
    logits = tf.cast(logits, tf.float32)
    if count == 1:  # a maximum takes a quarter of the time of a sorted choice
        ids = tf.argmax(logits[:, PAD + 1 :], 1, tf.int32)[:, tf.newaxis] + PAD + 1
        top = tf.gather(logits, ids, batch_dims=1)
        return tf.minimum(top - log_norm(logits), 0.0), ids
    if (size := logits.shape[1]) is not None:
        count = min(count, size - 1)
    top, ids = top_k(logits, count + 1)
    # Behind padding, should it be among them, every piece moves up by one.
    behind = tf.cumsum(tf.cast(ids == PAD, tf.int32), axis=1)[:, :count]
    places = tf.range(count) + behind
    top, ids = (tf.gather(t, places, batch_dims=1) for t in (top, ids))
    return tf.minimum(top - log_norm(logits), 0.0), ids


def top_k(values: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Does as `tf.math.top_k` on [R, V], in a third of the time where V is large.

    The k largest of a row lie in the k blocks of it with the largest maxima. Taken in the
    order of the row, blocks leave the first of equals the first.

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
    """Returns float32 [R, 1], what to take from logits [R, V] to have log-probabilities."""
    return tf.reduce_logsumexp(logits, axis=1, keepdims=True)


def count_pieces(ids: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B], the pieces of each row of [B, S] that are no padding."""
    return tf.reduce_sum(tf.cast(ids != PAD, tf.int32), axis=1)


def written(ids: tf.Tensor, step: tf.Tensor, pieces: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B, N, T], `ids` with `pieces` [B, N] at place `step`."""
    return tf.where(tf.range(tf.shape(ids)[2]) == step, pieces[:, :, None], ids)


def by_row(nest: Any, count: int) -> Any:
    """Puts the hypotheses of each input together: [R, ...] to [R / count, count, ...]."""

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
