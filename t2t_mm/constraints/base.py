"""The interface of a constraint: a state machine over tokens, in the graph.

Searches (`t2t_mm.decoding`) hold one state for each hypothesis, reorder states with the
hypotheses of a beam, and choose among allowed tokens alone. Axes: `B` inputs of a batch, `R`
hypotheses, `U` tokens of the constraint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm import errors, vocabulary


class Constraint:
    """The base class of constraints. A problem returns one from `Problem.constraint`.

    A state is a nest of tensors, `[R, ...]` each; any axis but the first has a fixed size.
    In a state that allowed tokens lead to, some token is allowed, so that there are no dead
    ends; in any other state (behind the end token, or after a prefix that the constraint
    does not know) there may be none, and then a search takes the end token.

    Attributes:
      tokens: int32 `[U]`, ascending: all tokens that outputs may hold, the end token among
        them, padding not. Fewer tokens make a search faster.
    """

    tokens: np.ndarray

    def initial(self, texts: Mapping[str, tf.Tensor], rows: tf.Tensor) -> Any:
        """Returns the state before the first token, `[B, ...]`.

        Args:
          texts: string `[B]` by name, those inputs that are texts, as they were given; of a
            task without inputs the `prefix`.
          rows: B, a scalar.
        """
        raise NotImplementedError(f"{type(self).__name__}.initial")

    def allowed(self, state: Any, room: tf.Tensor) -> tf.Tensor:
        """Returns which of `tokens` may come next, bool `[R, U]`.

        Args:
          state: `[R, ...]`.
          room: int32 `[R]`, how many tokens may still be written, end token included. As long
            as it suffices, an output is to end within it.
        """
        raise NotImplementedError(f"{type(self).__name__}.allowed")

    def advance(self, state: Any, tokens: tf.Tensor) -> Any:
        """Returns the state after one more token, `[R, ...]`.

        Args:
          state: `[R, ...]`.
          tokens: int32 `[R]`, any of the vocabulary: hypotheses that have ended go on with
            padding, and those that a beam will drop with tokens that are not allowed.
        """
        raise NotImplementedError(f"{type(self).__name__}.advance")


def check(constraint: Any, name: str) -> Constraint:
    """Returns a constraint, checked.

    Args:
      constraint: what `Problem.constraint` returned.
      name: of the problem.

    Raises:
      PluginError: when it is no constraint, or its tokens are not as declared.
    """
    if not isinstance(constraint, Constraint):
        raise errors.PluginError(
            f"What {name!r} returns from constraint is no constraint",
            received=errors.shortened(repr(constraint), 120),
            expected="an instance of t2t_mm.constraints.base.Constraint, or None",
        )
    tokens = np.asarray(getattr(constraint, "tokens", ()))
    is_ascending = tokens.ndim == 1 and bool(np.all(np.diff(tokens) > 0))
    if not is_ascending or vocabulary.EOS_ID not in tokens or vocabulary.PAD_ID in tokens:
        raise errors.PluginError(
            f"The tokens of the constraint of {name!r} are not as they have to be",
            received=errors.shortened(np.array2string(tokens, threshold=10), 120),
            expected=f"ascending ids, {vocabulary.EOS_ID} (end) among them and "
            f"{vocabulary.PAD_ID} (padding) not",
        )
    return constraint
