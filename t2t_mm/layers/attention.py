"""Multi-head dot-product attention, and the attention block of the MultiModel.

The block (Kaiser et al. 2017, section 2.1): the target plus a timing signal goes
through two causal ConvSteps (5x1, dilations 1 and 4, as in the authors' first code;
the paper gives none), then causal self-attention; two pointwise convolutions of the
source give keys and values, which the self-attended target queries.
"""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.layers import base, conv_block, linear, normalization, timing

KERNEL, DILATIONS = 5, (1, 4)
_MASKED = -1e9

Cache = tuple[tf.Tensor, tf.Tensor]


class SelfAttention(base.Layer):
    """Multi-head attention of a sequence to itself; one product for all projections.

    Args:
      width: D.
      heads: H, a divisor of D.
      causal: whether a position sees only itself and those before.
    """

    def __init__(self, width: int, heads: int, *, causal: bool, name: str | None = None) -> None:
        super().__init__(name=name)
        self.width, self.heads, self.causal = width, heads, causal
        self.projections = linear.Linear(width, 3 * width, bias=False, name="projections")
        self.output_projection = linear.Linear(width, width, name="output")

    def call(self, x: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Maps `[B, T, D]` to `[B, T, D]`; positions where `mask` `[B, T]` is 0 are unseen."""
        queries, keys, values = tf.split(self.projections(x), 3, -1)
        bias = None
        if self.causal:
            length = tf.shape(x)[1]
            future = 1.0 - tf.linalg.band_part(tf.ones([length, length]), -1, 0)
            bias = (future * _MASKED)[None, None]  # [1, 1, T, T]
        elif mask is not None:
            bias = mask_bias(mask)
        return self.output_projection(attend(queries, keys, values, self.heads, bias))

    def start(self, batch: int | tf.Tensor, length: int | tf.Tensor) -> Cache:
        """Returns empty keys and values for `length` positions, `[B, length, D]` each."""
        empty = tf.zeros([batch, length, self.width], self.compute_dtype)
        return empty, empty

    def step(self, x: tf.Tensor, position: tf.Tensor, cache: Cache) -> tuple[tf.Tensor, Cache]:
        """Computes one position of causal self-attention.

        Args:
          x: the next input, `[B, D]`.
          position: its place, a scalar.
          cache: keys and values of the positions before, `[B, length, D]` each.

        Returns:
          The output `[B, D]` and the cache with this position written.
        """
        query, key, value = tf.split(self.projections(x), 3, -1)
        places = tf.range(tf.shape(cache[0])[1])
        here = (places == position)[None, :, None]
        keys = tf.where(here, key[:, None], cache[0])
        values = tf.where(here, value[:, None], cache[1])
        bias = (tf.cast(places > position, tf.float32) * _MASKED)[None, None, None]
        y = attend(query[:, None], keys, values, self.heads, bias)[:, 0]
        return self.output_projection(y), (keys, values)


class SourceAttention(base.Layer):
    """Multi-head attention of a target to a source.

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

    def read_source(self, source: tf.Tensor) -> Cache:
        """Returns the keys and values of a source `[B, S, D]`, `[B, S, D]` each."""
        keys, values = tf.split(self.keys_values(source), 2, -1)
        return keys, values

    def call(self, x: tf.Tensor, cache: Cache, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Maps a target `[B, T, D]` to `[B, T, D]`; `mask` `[B, S]` is the source's."""
        keys, values = cache
        bias = None if mask is None else mask_bias(mask)
        return self.output_projection(attend(self.query(x), keys, values, self.heads, bias))


class AttentionBlock(base.Layer):
    """Timing, two causal ConvSteps, causal self-attention, attention to the source.

    Self-attention has a residual connection around it and a layer norm behind; so
    has the attention to the source a residual connection (the paper gives neither).

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

    def start(self, source: tf.Tensor, length: int | tf.Tensor) -> tuple:
        """Returns the state before the first position; the source is read once."""
        batch = tf.shape(source)[0]
        return (
            tuple(step.start(batch) for step in self.steps),
            self.self_attention.start(batch, length),
            self.source_attention.read_source(source),
        )

    def step(
        self, x: tf.Tensor, position: tf.Tensor, state: tuple, source_mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, tuple]:
        """Computes one position, `[B, D]` to `[B, D]`, and the state after it."""
        convolutions, cache, source = state
        h = x + tf.cast(timing.signal(1, self.width, start=position)[0], x.dtype)
        after = []
        for step, before in zip(self.steps, convolutions, strict=True):
            h, new = step.step(h, before)
            after.append(new)
        attended, cache = self.self_attention.step(h, position, cache)
        h = self.norm(h + attended)
        h += self.source_attention(h[:, None], source, source_mask)[:, 0]
        return h, (tuple(after), cache, source)


def mask_bias(mask: tf.Tensor) -> tf.Tensor:
    """Returns what to add to logits so that keys where `mask` `[B, S]` is 0 are unseen."""
    return ((1.0 - tf.cast(mask, tf.float32)) * _MASKED)[:, None, None, :]


def attend(
    queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, heads: int, bias: tf.Tensor | None
) -> tf.Tensor:
    """Dot-product attention (Vaswani et al. 2017, equation 1), `heads` at once.

    Args:
      queries: `[B, T, D]`.
      keys: `[B, S, D]`.
      values: `[B, S, D]`.
      heads: H; each sees D / H channels.
      bias: added to the logits, broadcast to `[B, H, T, S]`; None adds nothing.

    Returns:
      `[B, T, D]`.
    """
    width = queries.shape[-1]
    depth = width // heads

    def split(x: tf.Tensor) -> tf.Tensor:  # [B, L, D] to [B, H, L, D / H]
        return tf.transpose(tf.reshape(x, [tf.shape(x)[0], -1, heads, depth]), [0, 2, 1, 3])

    scaled = split(queries) * tf.cast(depth**-0.5, queries.dtype)
    logits = tf.matmul(scaled, split(keys), transpose_b=True)  # [B, H, T, S]
    if bias is not None:
        logits += tf.cast(bias, logits.dtype)
    weights = tf.nn.softmax(logits)
    mixed = tf.transpose(tf.matmul(weights, split(values)), [0, 2, 1, 3])
    return tf.reshape(mixed, tf.concat([tf.shape(queries)[:2], [width]], 0))
