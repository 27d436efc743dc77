"""The pre-norm Transformer (Vaswani et al. 2017; Xiong et al. 2020, arXiv 2002.04745).

The baseline of the MultiModel, with the same modality nets and interface; only the body
differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from t2t_mm.data import task as tasks
from t2t_mm.layers import attention, base, history, linear, normalization, timing
from t2t_mm.models import base as models
from t2t_mm.models import body
from t2t_mm.settings import models as settings


class Transformer(models.Model):
    """Encoder and decoder of self-attention and feed-forward layers.

    Args:
      config: sizes.
      tasks: the tasks to serve.
    """

    config_class = settings.TransformerConfig

    def __init__(
        self,
        config: settings.TransformerConfig,
        tasks: Sequence[tasks.Task],
        *,
        name: str = "transformer",
    ) -> None:
        super().__init__(config, tasks, TransformerBody(config, name="body"), name=name)


class TransformerBody(body.Body):
    """Encoder and decoder; a timing signal is added to the input of each."""

    def __init__(self, config: settings.TransformerConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.width, self.dropout_rate = config.width, config.dropout
        self.encoder = Encoder(config, name="encoder")
        self.decoder = Decoder(config, name="decoder")

    def parts(self) -> list[base.Layer]:
        """Returns the parts in order, for the table of sizes."""
        return [self.encoder, self.decoder]

    def encode(
        self, x: tf.Tensor, mask: tf.Tensor | None, rng: base.Rng | None
    ) -> tuple[tf.Tensor, body.Stats]:
        return self.encoder(self._timed(x, rng), mask, rng), []

    def decode(
        self,
        shifted: tf.Tensor,
        encoded: tf.Tensor,
        mask: tf.Tensor | None,
        rng: base.Rng | None,
        target_mask: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, body.Stats]:
        del target_mask  # padding follows the targets, so causal attention never sees it
        return self.decoder(self._timed(shifted, rng), encoded, mask, rng), []

    def read_source(self, encoded: tf.Tensor, mask: tf.Tensor | None) -> Any:
        del mask
        return self.decoder.read_source(encoded)

    def start(self, batch: int | tf.Tensor, longest: int | tf.Tensor) -> Any:
        del longest
        return self.decoder.start(batch)

    def step(
        self, x: tf.Tensor, place: history.Place, state: Any, source: Any, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, Any]:
        x += tf.cast(timing.signal(1, self.width, start=place.position)[0], x.dtype)
        return self.decoder.step(x, place, state, source, mask)

    def _timed(self, x: tf.Tensor, rng: base.Rng | None) -> tf.Tensor:
        x += tf.cast(timing.signal(tf.shape(x)[1], self.width), x.dtype)
        return base.dropout(x, self.dropout_rate, rng)


class FeedForward(base.Layer):
    """Layer norm and two linear maps with a ReLU between them.

    Args:
      config: uses `width` (D) and `filter_width` (F).
    """

    def __init__(self, config: settings.TransformerConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.norm = normalization.LayerNorm(config.width, name="norm")
        self.inner = linear.Linear(config.width, config.filter_width, name="inner")
        self.outer = linear.Linear(config.filter_width, config.width, name="outer")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `[..., D]` to `[..., D]`."""
        return self.outer(tf.nn.relu(self.inner(self.norm(x))))


class Encoder(base.Layer):
    """Layers of self-attention and feed-forward, with residual connections."""

    def __init__(self, config: settings.TransformerConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.blocks = [
            EncoderLayer(config, name=f"layer_{i}") for i in range(config.encoder_layers)
        ]
        self.norm = normalization.LayerNorm(config.width, name="norm")

    def call(
        self, x: tf.Tensor, mask: tf.Tensor | None = None, rng: base.Rng | None = None
    ) -> tf.Tensor:
        """Maps `[B, S, D]` to `[B, S, D]`; padded positions (`mask` 0) are not seen."""
        for block in self.blocks:
            x = block(x, mask, rng)
        return self.norm(x)


class EncoderLayer(base.Layer):
    """Bidirectional self-attention, and feed-forward."""

    def __init__(self, config: settings.TransformerConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.dropout_rate = config.dropout
        self.norm = normalization.LayerNorm(config.width, name="norm")
        self.attention = attention.SelfAttention(
            config.width, config.heads, causal=False, name="attention"
        )
        self.feed_forward = FeedForward(config, name="feed_forward")

    def call(
        self, x: tf.Tensor, mask: tf.Tensor | None = None, rng: base.Rng | None = None
    ) -> tf.Tensor:
        """Maps `[B, S, D]` to `[B, S, D]`."""
        x += base.dropout(self.attention(self.norm(x), mask), self.dropout_rate, rng)
        return x + base.dropout(self.feed_forward(x), self.dropout_rate, rng)


class Decoder(base.Layer):
    """Layers of causal self-attention, attention to the source, and feed-forward."""

    def __init__(self, config: settings.TransformerConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.blocks = [
            DecoderLayer(config, name=f"layer_{i}") for i in range(config.decoder_layers)
        ]
        self.norm = normalization.LayerNorm(config.width, name="norm")

    def call(
        self,
        x: tf.Tensor,
        source: tf.Tensor,
        mask: tf.Tensor | None = None,
        rng: base.Rng | None = None,
    ) -> tf.Tensor:
        """Maps `[B, T, D]` and a source `[B, S, D]` with mask `[B, S]` to `[B, T, D]`."""
        for block in self.blocks:
            x = block(x, source, mask, rng)
        return self.norm(x)

    def read_source(self, source: tf.Tensor) -> tuple:
        """Returns what every step reads of a source `[B, S, D]`."""
        return tuple(block.source_attention.read_source(source) for block in self.blocks)

    def start(self, batch: int | tf.Tensor) -> tuple:
        """Returns the state before the first position."""
        return tuple(block.self_attention.start(batch) for block in self.blocks)

    def step(
        self,
        x: tf.Tensor,
        place: history.Place,
        state: tuple,
        source: tuple,
        mask: tf.Tensor | None,
    ) -> tuple[tf.Tensor, tuple]:
        """Computes one position, `[R, D]` to `[R, D]`, and the state after it."""
        after = []
        for block, before, read in zip(self.blocks, state, source, strict=True):
            x, new = block.step(x, place, before, read, mask)
            after.append(new)
        return self.norm(x), tuple(after)


class DecoderLayer(base.Layer):
    """Causal self-attention, attention to the source, and feed-forward."""

    def __init__(self, config: settings.TransformerConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        width, self.dropout_rate = config.width, config.dropout
        self.self_norm = normalization.LayerNorm(width, name="self_norm")
        self.self_attention = attention.SelfAttention(
            width, config.heads, causal=True, name="self_attention"
        )
        self.source_norm = normalization.LayerNorm(width, name="source_norm")
        self.source_attention = attention.SourceAttention(
            width, config.heads, name="source_attention"
        )
        self.feed_forward = FeedForward(config, name="feed_forward")

    def call(
        self,
        x: tf.Tensor,
        source: tf.Tensor,
        mask: tf.Tensor | None = None,
        rng: base.Rng | None = None,
    ) -> tf.Tensor:
        """Maps `[B, T, D]` to `[B, T, D]`."""
        x += base.dropout(self.self_attention(self.self_norm(x)), self.dropout_rate, rng)
        read = self.source_attention.read_source(source)
        y = self.source_attention(self.source_norm(x), read, mask)
        x += base.dropout(y, self.dropout_rate, rng)
        return x + base.dropout(self.feed_forward(x), self.dropout_rate, rng)

    def step(
        self,
        x: tf.Tensor,
        place: history.Place,
        cache: history.Cache,
        source: attention.KeysAndValues,
        mask: tf.Tensor | None,
    ) -> tuple[tf.Tensor, history.Cache]:
        """Computes one position, `[R, D]` to `[R, D]`, and the cache after it."""
        y, cache = self.self_attention.step(self.self_norm(x), place, cache)
        x += y
        x += self.source_attention.step(self.source_norm(x), source, mask)
        return x + self.feed_forward(x), cache
