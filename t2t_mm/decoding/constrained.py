"""Constrained decoding: the constraint of a problem, as searches use it.

A search keeps the constraint's state beside the model's and chooses among allowed tokens alone.
Scores stay those of the model: log-probabilities over all tokens, not over the allowed ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm import problem, registry, vocabulary
from t2t_mm.constraints import base
from t2t_mm.data import task as task_lib
from t2t_mm.modality.language import declaration as language
from t2t_mm.modality.language import features as texts_lib
from t2t_mm.settings import decoding

LOWEST = float("-inf")


class Constrained(NamedTuple):
    """The constraint of a search, and the texts that it begins from.

    Attributes:
      constraint: of the problem.
      texts: string [B] by name; see `base.Constraint.initial`.
    """

    constraint: base.Constraint
    texts: Mapping[str, tf.Tensor]


class Allowed(NamedTuple):
    """The tokens that may come next.

    Attributes:
      mask: bool [R, U], at least one of each row.
      tokens: int32 [U], their ids, ascending.
    """

    mask: tf.Tensor
    tokens: tf.Tensor

    def logits(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns those of `tokens`, of the logits [R, V]: float32 [R, U], -inf if not allowed."""
        chosen = tf.cast(tf.gather(logits, self.tokens, axis=1), tf.float32)
        return tf.where(self.mask, chosen, LOWEST)


def of(task: task_lib.Task, settings: decoding.DecodeSettings) -> base.Constraint | None:
    """Returns the constraint of a task, or None.

    It is the registered problem's. A run whose problem is not registered here, since its plugin
    is not loaded, has none but its closed set of answers.

    Raises:
      PluginError: for what is no constraint.
    """
    if not settings.constrained:
        return None
    if task.name in registry.problems:
        made = registry.problems.get(task.name)().constraint(task)
    else:
        made = problem.Problem().constraint(task)
    return None if made is None else base.check(made, task.name)


def text_inputs(task: task_lib.Task) -> list[str]:
    """Returns the names of the inputs that are texts, the prefix of a text among them."""
    given = task.given().items()
    return [name for name, declared in given if isinstance(declared, language.Language)]


def texts_of(task: task_lib.Task, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns the texts that a batch's features are of, string [B] by name, as far as they go."""
    found = {}
    for name in text_inputs(task):
        declared: Any = task.given()[name]
        made = texts_lib.tokenizer(task.vocabularies[declared.vocab])
        ids = inputs[name]
        lengths = tf.fill([tf.shape(ids)[0]], tf.shape(ids)[1])
        found[name] = texts_lib.texts(made, ids, lengths)
    return found


def initial(constrained: Constrained | None, rows: tf.Tensor) -> Any:
    """Returns the state before the first token, `[B, ...]`; () without a constraint."""
    if constrained is None:
        return ()
    return constrained.constraint.initial(constrained.texts, rows)


def allowed(constrained: Constrained | None, state: Any, room: tf.Tensor) -> Allowed | None:
    """Returns what may come next; None without a constraint.

    Args:
      constrained: the constraint.
      state: `[R, ...]`.
      room: int32 `[R]`, how many tokens may still be written.
    """
    if constrained is None:
        return None
    tokens = tf.constant(constrained.constraint.tokens, tf.int32)
    mask = constrained.constraint.allowed(state, room)
    is_stuck = ~tf.reduce_any(mask, axis=1, keepdims=True)
    return Allowed(mask | (is_stuck & (tokens == vocabulary.EOS_ID)), tokens)


def advance(constrained: Constrained | None, state: Any, tokens: tf.Tensor) -> Any:
    """Returns the state after one more token of each hypothesis, int32 `[R]`."""
    return () if constrained is None else constrained.constraint.advance(state, tokens)
