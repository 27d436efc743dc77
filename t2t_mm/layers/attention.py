"""Multi-head dot-product attention, and the attention block of the MultiModel.

The block (Kaiser et al. 2017, section 2.1): the target plus a timing signal goes
through two causal ConvSteps (5x1, dilations 1 and 4, as in the authors' first code;
the paper gives none), then through causal self-attention, whose output gives the
queries. Two pointwise convolutions of the source give the keys and values.
"""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.layers import base, conv_block, history, linear, normalization, recording, timing

KERNEL, DILATIONS = 5, (1, 4)

KeysAndValues = tuple[tf.Tensor, tf.Tensor]
"""Keys and values of a source, `[B, H, S, D / H]` each."""


class SelfAttention(base.Layer):
    """Multi-head self-attention; one matrix product makes queries, keys and values.

    Args:
      width: D.
      heads: H, a divisor of D.
      causal: whether a position sees only itself and earlier ones.
    """

    def __init__(self, width: int, heads: int, *, causal: bool, name: str | None = None) -> None:
        super().__init__(name=name)
        self.width, self.heads, self.causal = width, heads, causal
        self.projections = linear.Linear(width, 3 * width, bias=False, name="projections")
        self.output_projection = linear.Linear(width, width, name="output")

    def call(self, x: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Maps `[B, T, D]` to `[B, T, D]`; padded positions, `mask` `[B, T]` 0, are not seen."""
        queries, keys, values = split_heads(self.projections(x), self.heads, parts=3)
        bias = None
        if self.causal:
            length = tf.shape(x)[1]
            future = 1.0 - tf.linalg.band_part(tf.ones([length, length]), -1, 0)
            bias = (future * history.HIDDEN)[None, None]  # [1, 1, T, T]
        elif mask is not None:
            bias = mask_bias(mask)
        return self.output_projection(attend_heads(queries, keys, values, bias))

    def start(self, batch: int | tf.Tensor) -> history.Cache:
        """Returns the empty key/value cache of `batch` inputs."""
        return history.cache(batch, self.heads, self.width // self.heads, self.compute_dtype)

    def step(
        self, x: tf.Tensor, place: history.Place, cache: history.Cache
    ) -> tuple[tf.Tensor, history.Cache]:
        """Computes one position of causal self-attention.

        The cache grows by one position a step. So a step costs as much as has been
        written so far, by all hypotheses of an input, not as much as the longest output.

        Args:
          x: the next input, `[R, D]`.
          place: its position.
          cache: keys and values of the earlier positions.

        Returns:
          The output `[R, D]` and the cache with this position added.
        """
        projections = tf.reshape(self.projections(x), [-1, place.beams, 3 * self.width])
        queries, keys, values = split_heads(projections, self.heads, parts=3)
        cache = cache.write(keys, values)
        y = attend_heads(queries, *cache.read(), place.bias)  # [B, M, D]
        return self.output_projection(tf.reshape(y, [-1, self.width])), cache


class SourceAttention(base.Layer):
    """Multi-head cross-attention, from a target to a source.

    Args:
      width: D.
      heads: H, a divisor of D.
    """

    def __init__(self, width: int, heads: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.heads = heads
        self.query = linear.Linear(width, width, bias=False, name="query")
        self.keys_values = linear.Linear(width, 2 * width, bias=False, name="keys_values")
        self.output_projection = linear.Linear(width, width, name="output")

    def read_source(self, source: tf.Tensor) -> KeysAndValues:
        """Returns the keys and values of a source `[B, S, D]`."""
        keys, values = split_heads(self.keys_values(source), self.heads, parts=2)
        return keys, values

    def call(self, x: tf.Tensor, read: KeysAndValues, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Maps a target `[B, T, D]` to `[B, T, D]`; `mask` `[B, S]` is the source's."""
        keys, values = read
        bias = None if mask is None else mask_bias(mask)
        (queries,) = split_heads(self.query(x), self.heads)
        weights = attention_weights(queries, keys, bias)
        recorded = recording.current()
        if recorded is not None:
            recorded.attention.append(weights)
        return self.output_projection(weighted_values(weights, values, x.shape[-1]))

    def step(self, x: tf.Tensor, read: KeysAndValues, mask: tf.Tensor | None) -> tf.Tensor:
        """Maps one position of R rows, `[R, D]` to `[R, D]`.

        R is a multiple of B: the R / B hypotheses of an input lie in consecutive rows and
        share its source without a copy (they take the axis T).
        """
        batch, width = tf.shape(read[0])[0], x.shape[-1]
        together = tf.reshape(x, [batch, tf.shape(x)[0] // batch, width])
        return tf.reshape(self(together, read, mask), [-1, width])


class AttentionBlock(base.Layer):
    """Timing, two causal ConvSteps, causal self-attention, attention to the source.

    Self-attention has a residual connection around it and a layer norm after it. The
    attention to the source has a residual connection too (the paper gives neither).

    Args:
      width: D.
      heads: H, a divisor of D.
    """

    def __init__(self, width: int, heads: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.width = width
        self.steps = [
            conv_block.ConvStep(
                width, width, kernel=KERNEL, dilation=d, causal=True, name=f"conv_{d}"
            )
            for d in DILATIONS
        ]
        self.self_attention = SelfAttention(width, heads, causal=True, name="self_attention")
        self.norm = normalization.LayerNorm(width, name="norm")
        self.source_attention = SourceAttention(width, heads, name="source_attention")

    def call(
        self, x: tf.Tensor, source: tf.Tensor, source_mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Maps a target `[B, T, D]` and a source `[B, S, D]` to `[B, T, D]`."""
        h = x + tf.cast(timing.signal(tf.shape(x)[1], self.width), x.dtype)
        for step in self.steps:
            h = step(h)
        h = self.norm(h + self.self_attention(h))
        return h + self.source_attention(h, self.source_attention.read_source(source), source_mask)

    def read_source(self, source: tf.Tensor) -> KeysAndValues:
        """Returns the keys and values of a source `[B, S, D]`, the same at every step."""
        return self.source_attention.read_source(source)

    def start(self, batch: int | tf.Tensor, longest: int | tf.Tensor) -> tuple:
        """Returns the initial state of `batch` hypotheses of at most `longest` positions."""
        convolutions = tuple(step.start(batch, longest) for step in self.steps)
        return convolutions, self.self_attention.start(batch)

    def step(
        self,
        x: tf.Tensor,
        place: history.Place,
        state: tuple,
        source: KeysAndValues,
        source_mask: tf.Tensor | None,
    ) -> tuple[tf.Tensor, tuple]:
        """Computes one position, `[R, D]` to `[R, D]`, and the state after it.

        Args:
          x: the next input.
          place: its position.
          state: from `start` or the previous step.
          source: from `read_source`, of B rows; R / B rows of `x` read the same one.
          source_mask: `[B, S]`.
        """
        convolutions, cache = state
        h = x + tf.cast(timing.signal(1, self.width, start=place.position)[0], x.dtype)
        after = []
        for step, before in zip(self.steps, convolutions, strict=True):
            h, new = step.step(h, place, before)
            after.append(new)
        attended, cache = self.self_attention.step(h, place, cache)
        h = self.norm(h + attended)
        return h + self.source_attention.step(h, source, source_mask), (tuple(after), cache)


def mask_bias(mask: tf.Tensor) -> tf.Tensor:
    """Returns the bias for attention logits that hides keys where `mask` `[B, S]` is 0."""
    return ((1.0 - tf.cast(mask, tf.float32)) * history.HIDDEN)[:, None, None, :]


def split_heads(x: tf.Tensor, heads: int, *, parts: int = 1) -> list[tf.Tensor]:
    """Splits a joint projection into its parts (queries, keys, values) and into heads.

    One transposition serves all parts, and unstacking its first axis copies nothing.

    Args:
      x: `[B, L, parts * D]`.
      heads: H; each sees D / H channels.
      parts: how many.

    Returns:
      one `[B, H, L, D / H]` for each part.
    """
    depth = x.shape[-1] // (parts * heads)
    apart = tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1], parts, heads, depth])
    return tf.unstack(tf.transpose(apart, [2, 0, 3, 1, 4]))


def attend_heads(
    queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, bias: tf.Tensor | None
) -> tf.Tensor:
    """Dot-product attention (Vaswani et al. 2017, equation 1) of all heads at once.

    Args:
      queries: `[B, H, T, D / H]`.
      keys: `[B, H, S, D / H]`.
      values: `[B, H, S, D / H]`.
      bias: added to the logits, broadcast to `[B, H, T, S]`; None adds nothing.

    Returns:
      `[B, T, D]`, the heads concatenated.
    """
    width = queries.shape[1] * queries.shape[-1]
    return weighted_values(attention_weights(queries, keys, bias), values, width)


def attention_weights(queries: tf.Tensor, keys: tf.Tensor, bias: tf.Tensor | None) -> tf.Tensor:
    """Returns the weights `[B, H, T, S]` of `attend_heads`; a row sums to 1."""
    scaled = queries * tf.cast(queries.shape[-1] ** -0.5, queries.dtype)
    logits = tf.matmul(scaled, keys, transpose_b=True)  # [B, H, T, S]
    if bias is not None:
        logits += tf.cast(bias, logits.dtype)
    return tf.nn.softmax(logits)


def weighted_values(weights: tf.Tensor, values: tf.Tensor, width: int) -> tf.Tensor:
    """Sums values `[B, H, S, D / H]` by weights `[B, H, T, S]`, and concatenates the heads.

    Returns:
      `[B, T, D]`, D being `width`.
    """
    mixed = tf.transpose(tf.matmul(weights, values), [0, 2, 1, 3])
    return tf.reshape(mixed, [tf.shape(mixed)[0], tf.shape(mixed)[1], width])
