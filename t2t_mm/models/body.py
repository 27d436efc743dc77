"""The body of a model: an encoder and an autoregressive decoder, the same for all modalities."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm.layers import base, history
from t2t_mm.layers.moe import layer as moe
from t2t_mm.modality import representation

Stats = list[moe.MoeStats]


class Memory(NamedTuple):
    """The encoded inputs of a batch, shared by all hypotheses in decoding.

    Attributes:
      encoded: `[B, S, D]`.
      mask: float32 `[B, S]`, 1 for real positions.
      source: nest of tensors, batch first, from `Body.read_source`: keys and values, say.
      words: `following.Words`, batch first; () of outputs that follow no words.
    """

    encoded: tf.Tensor
    mask: tf.Tensor
    source: Any
    words: Any = ()


class Body(base.Layer):
    """The part between the nets: an encoder and an autoregressive decoder."""

    def parts(self) -> list[base.Layer]:
        """Returns the parts in order, for the table of sizes."""
        raise NotImplementedError

    def place(self, part: representation.Representation) -> representation.Representation:
        """Adds position encodings to one input; nothing, if `encode` does that."""
        return part

    def encode(
        self, x: tf.Tensor, mask: tf.Tensor | None, rng: base.Rng | None
    ) -> tuple[tf.Tensor, Stats]:
        """Maps `[B, S, D]` to `[B, S, D]`."""
        raise NotImplementedError

    def decode(
        self,
        shifted: tf.Tensor,
        encoded: tf.Tensor,
        mask: tf.Tensor | None,
        rng: base.Rng | None,
        target_mask: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, Stats]:
        """Maps the outputs, shifted right by one, `[B, T, D]`, to hidden `[B, T, D]`."""
        raise NotImplementedError

    def read_source(self, encoded: tf.Tensor, mask: tf.Tensor | None) -> Any:
        """Returns what each decoding step reads of the encoded inputs: a nest, batch first.

        It is computed once for each input, and shared by its hypotheses.
        """
        raise NotImplementedError

    def start(self, batch: int | tf.Tensor, longest: int | tf.Tensor) -> Any:
        """Returns the initial state of `batch` hypotheses of at most `longest` positions.

        It is a nest of tensors, batch first, and of caches (`t2t_mm.layers.history`), which
        beam search reorders without a gather. A tensor's axis along time may grow with each
        step.
        """
        raise NotImplementedError

    def step(
        self, x: tf.Tensor, place: history.Place, state: Any, source: Any, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, Any]:
        """As `decode`, for one position: `[R, D]` to `[R, D]`, and the state after it.

        Args:
          x: the embedding of the previous output token.
          place: its position, with the ancestry of the hypotheses, for all caches of the
            state.
          state: of R hypotheses, from `start` or the previous step.
          source: of B inputs, from `read_source`; R / B consecutive hypotheses share one.
          mask: `[B, S]`.
        """
        raise NotImplementedError
