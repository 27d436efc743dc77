"""Greedy decoding: the likeliest piece at every step, in one compiled loop.

It knows the model by three functions only (`encode`, `start_state`, `decode_step`),
the same that other searches use. Everything here runs in the graph.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from t2t_mm.data import vocabulary
from t2t_mm.decoding import settings as settings_lib

_PAD, _EOS = vocabulary.PAD_ID, vocabulary.EOS_ID


class Decodable(Protocol):
    """What decoding asks of a model. `state` and `memory` are nests, batch axis first."""

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
      ids: int32 [B, T], the end token where one was written, padding after it.
      scores: float32 [B], sum of the log-probabilities of the pieces, end token included;
        those of a prefix count nothing.
      lengths: int32 [B], pieces of prefix and of what follows it, end token included.
    """

    ids: tf.Tensor
    scores: tf.Tensor
    lengths: tf.Tensor


def length_limits(
    inputs: dict[str, tf.Tensor],
    text_inputs: list[str],
    settings: settings_lib.DecodeSettings,
    max_length: int,
) -> tf.Tensor:
    """Returns int32 [B], how many pieces each row may write at most.

    Args:
      inputs: a batch of features by name; those of text are int32 [B, S], 0 is padding.
      text_inputs: names of the inputs that are text.
      settings: see `DecodeSettings` for the rule.
      max_length: of the target modality; a limit beside that of `settings`.
    """
    batch = tf.shape(next(iter(inputs.values())))[0]
    limit = tf.fill([batch], min(settings.max_length, max_length))
    if text_inputs:
        source = tf.add_n([_count(inputs[name]) for name in text_inputs])
        allowed = settings.length_factor * tf.cast(source, tf.float32) + settings.length_constant
        limit = tf.minimum(limit, tf.cast(allowed, tf.int32))
    return limit


def greedy(
    model: Decodable,
    task_name: str,
    inputs: dict[str, tf.Tensor],
    limits: tf.Tensor,
    prefix: tf.Tensor | None = None,
    command: tf.Tensor | None = None,
) -> Hypotheses:
    """Writes each row piece by piece, until every row has ended or met its limit.

    Padding is never chosen, whatever its logit (the score of a piece is its
    log-probability under the logits as they are, also where that of padding is -inf).

    Args:
      model: gives the incremental state.
      task_name: the problem to carry out.
      inputs: a batch of features by name, [B, ...].
      limits: int32 [B], pieces at most, at least 1.
      prefix: int32 [B, P], pieces that a row begins with, whatever the model thinks of
        them; padded with 0.
      command: row of the command, a scalar; the problem's own if left out.
    """
    memory = model.encode(task_name, inputs)
    longest = tf.reduce_max(limits)
    state = model.start_state(task_name, memory, longest)
    shapes = tf.nest.map_structure(lambda tensor: tensor.shape, state)
    batch = tf.shape(limits)[0]
    if prefix is not None:
        prefix = tf.pad(prefix, [[0, 0], [0, 1]])  # its last column is behind every end
    written = tf.TensorArray(
        tf.int32, size=longest, element_shape=limits.shape, clear_after_read=False
    )

    def unfinished(step: tf.Tensor, ended: tf.Tensor, *_: Any) -> tf.Tensor:
        return (step < longest) & ~tf.reduce_all(ended)

    def write(
        step: tf.Tensor,
        ended: tf.Tensor,
        ids: tf.Tensor,
        scores: tf.Tensor,
        lengths: tf.Tensor,
        written: tf.TensorArray,
        state: Any,
    ) -> tuple[Any, ...]:
        logits, state = model.decode_step(task_name, ids, step, memory, state, command)  # [B, V]
        # A loop may not change the static shape of what it carries.
        state = tf.nest.map_structure(tf.ensure_shape, state, shapes)
        log_probs = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        ids = _likeliest(log_probs)
        is_own = ~ended
        if prefix is not None:
            begun = prefix[:, tf.minimum(step, tf.shape(prefix)[1] - 1)]
            is_own &= begun == _PAD
            ids = tf.where(begun == _PAD, ids, begun)
        scores += tf.where(is_own, tf.gather(log_probs, ids, batch_dims=1), 0.0)
        lengths += tf.cast(~ended, tf.int32)
        ids = tf.where(ended, _PAD, ids)
        written = written.write(step, ids)
        ended = ended | (ids == _EOS) | (step + 1 >= limits)
        return step + 1, ended, ids, scores, lengths, written, state

    start = (
        tf.constant(0),
        tf.zeros_like(limits, tf.bool),
        tf.zeros_like(limits),  # of no effect: the first step reads the command instead
        tf.zeros_like(limits, tf.float32),
        tf.zeros_like(limits),
        written,
        state,
    )
    steps, _, _, scores, lengths, written, _ = tf.while_loop(unfinished, write, start)
    ids = tf.transpose(written.gather(tf.range(steps)))  # [B, T]
    return Hypotheses(tf.reshape(ids, [batch, steps]), scores, lengths)


def _likeliest(log_probs: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B], the argmax over all pieces but padding; [B, V] is given."""
    hidden = tf.one_hot(_PAD, tf.shape(log_probs)[-1], on_value=True, off_value=False)
    lowest = tf.constant(float("-inf"), tf.float32)
    return tf.argmax(tf.where(hidden, lowest, log_probs), axis=-1, output_type=tf.int32)


def _count(ids: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B], the pieces of each row of [B, S] that are no padding."""
    return tf.reduce_sum(tf.cast(ids != _PAD, tf.int32), axis=1)
