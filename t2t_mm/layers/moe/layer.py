"""The mixture-of-experts layer: gate, experts and balancing losses."""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.layers import base, recording
from t2t_mm.layers.moe import dispatch, losses, router


class MoeStats(NamedTuple):
    """Load and importance of the experts in a batch, without padded positions.

    Attributes:
      importance_loss: float32 scalar, CV^2 of `importance`, unweighted.
      load_loss: float32 scalar, CV^2 of the smooth load (without noise, of the count),
        unweighted.
      load: float32 [E], number of tokens of each expert; they sum to N * K.
      importance: float32 [E], summed gates of each expert; they sum to N.
    """

    importance_loss: tf.Tensor
    load_loss: tf.Tensor
    load: tf.Tensor
    importance: tf.Tensor


class MixtureOfExperts(base.Layer):
    """Sparsely-gated mixture of experts (Shazeer et al. 2017, arXiv 1701.06538).

    An expert is `ReLU(x w_in) w_out`, without biases. A noisy gate chooses K of the
    E experts for each token; the output is the sum of their outputs, weighted by the
    gate. No token is dropped, whatever the load.

    Example:
      layer = MixtureOfExperts(256, experts=60, selected=4, filter_width=1024)
      y, stats = layer(x, mask=mask, training=True, seed=seed)
      loss += 0.01 * (stats.importance_loss + stats.load_loss)

    Args:
      width: D.
      experts: E, the number of experts.
      selected: K, the number of experts for each token.
      filter_width: F, the width of an expert's hidden layer.
      in_blocks: whether experts are multiplied by batched products (see `blocks`); None, where
        there is a GPU.

    Raises:
      ConfigError: when K is not in 1 to E, or F is not positive.
    """

    def __init__(
        self,
        width: int,
        *,
        experts: int,
        selected: int,
        filter_width: int,
        in_blocks: bool | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not 1 <= selected <= experts:
            raise errors.ConfigError(
                "A mixture of experts cannot select so many",
                received=f"selected={selected}, experts={experts}",
                expected="1 <= selected <= experts",
            )
        if filter_width < 1:
            raise errors.ConfigError(
                "The experts of a mixture need a hidden layer",
                received=f"filter_width={filter_width}",
                expected="at least 1",
            )
        self.width, self.experts, self.selected = width, experts, selected
        self.in_blocks = in_blocks
        # Zero gates, as in the paper: at first the noise alone chooses, so the load
        # of all experts is equal.
        self.gate_kernel = self._gate_weight("gate_kernel")
        self.noise_kernel = self._gate_weight("noise_kernel")
        # Glorot for a single expert: Keras's initialiser would take E for a receptive
        # field and make the weights smaller by a factor of sqrt(E).
        limit = math.sqrt(6.0 / (width + filter_width))
        uniform = keras.initializers.RandomUniform
        self.w_in = self.weight("w_in", (experts, width, filter_width), uniform(-limit, limit))
        self.w_out = self.weight("w_out", (experts, filter_width, width), uniform(-limit, limit))

    def _gate_weight(self, name: str) -> keras.Variable:
        """Adds a variable of zeros [D, E] that stays float32 under every dtype policy."""
        return self.add_weight(
            name=name,
            shape=(self.width, self.experts),
            initializer="zeros",
            dtype="float32",
            autocast=False,
        )

    def call(
        self,
        x: tf.Tensor,
        mask: tf.Tensor | None = None,
        training: bool = False,
        seed: tf.Tensor | None = None,
        noise: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, MoeStats]:
        """Sends each token through its experts.

        Args:
          x: [N, D] or [B, T, D].
          mask: [N] or [B, T], zero (false) at padded positions: these are neither routed
            nor counted, and their output is zero.
          training: whether the gate is noisy.
          seed: int32 [2], of the noise; needed in training unless `noise` is given.
          noise: float32 [N, E] (N = B * T) standard normal, instead of `seed`.

        Returns:
          The output, shaped as `x`, and the `MoeStats` of the batch.
        """
        shape = tf.shape(x)
        rows = tf.reshape(x, [-1, self.width])
        kept = None
        if mask is not None:
            kept = tf.where(tf.reshape(mask, [-1]))
            rows = tf.gather_nd(rows, kept)
        routing = router.route(
            rows,
            tf.convert_to_tensor(self.gate_kernel),
            tf.convert_to_tensor(self.noise_kernel),
            selected=self.selected,
            noise=self._noise(tf.shape(rows)[0], kept, training, seed, noise),
        )
        moved = dispatch.plan(routing.experts, self.experts, in_blocks=self.in_blocks)
        y = dispatch.run_experts(
            dispatch.scatter(rows, moved), moved, self.read(self.w_in), self.read(self.w_out)
        )
        y = dispatch.combine(y, routing.gates, moved)
        if kept is not None:
            whole = [tf.reduce_prod(shape[:-1]), self.width]
            y = tf.scatter_nd(kept, y, tf.cast(whole, kept.dtype))
        y = tf.ensure_shape(tf.reshape(y, shape), x.shape)
        recorded = recording.current()
        if recorded is not None:
            recorded.gates.append(self._gates(routing, kept, shape))
        return y, _stats(routing, in_blocks=moved.in_blocks)

    def _gates(
        self, routing: router.Routing, kept: tf.Tensor | None, shape: tf.Tensor
    ) -> tf.Tensor:
        """Returns the gates of all experts, float32 `[..., E]`; zero at padded positions.

        Args:
          routing: of the N rows that were routed.
          kept: int64 [N, 1], their places among all rows; None where all were.
          shape: of the layer's input.
        """
        chosen = tf.one_hot(routing.experts, self.experts)  # [N, K, E]
        gates = tf.reduce_sum(chosen * routing.gates[:, :, None], axis=1)
        if kept is not None:
            whole = [tf.reduce_prod(shape[:-1]), self.experts]
            gates = tf.scatter_nd(kept, gates, tf.cast(whole, kept.dtype))
        return tf.reshape(gates, tf.concat([shape[:-1], [self.experts]], 0))

    def _noise(
        self,
        count: tf.Tensor,
        kept: tf.Tensor | None,
        training: bool,
        seed: tf.Tensor | None,
        noise: tf.Tensor | None,
    ) -> tf.Tensor | None:
        """Returns the noise [N, E] of the `count` tokens, or None outside training."""
        if not training:
            return None
        if noise is not None:
            return noise if kept is None else tf.gather_nd(noise, kept)
        if seed is None:
            raise ValueError("MixtureOfExperts draws noise in training: give `seed` or `noise`.")
        return tf.random.stateless_normal([count, self.experts], seed=seed)


def _stats(routing: router.Routing, *, in_blocks: bool) -> MoeStats:
    importance = losses.importance(routing, in_columns=in_blocks)
    return MoeStats(
        importance_loss=losses.squared_variation(importance),
        load_loss=losses.squared_variation(losses.smooth_load(routing)),
        load=losses.counted_load(routing),
        importance=importance,
    )
