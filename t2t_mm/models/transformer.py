"""The Transformer (Vaswani et al. 2017), as the baseline beside the MultiModel.

It has the same modality nets and interface; only the body differs. Layer norm comes
before each part (Xiong et al. 2020, arXiv 2002.04745) and once at each end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from t2t_mm.data import task as tasks
from t2t_mm.layers import attention, base, linear, normalization, timing
from t2t_mm.models import base as models
from t2t_mm.models import config as configs


class Transformer(models.Model):
    """Encoder and decoder of self-attention and feed-forward layers.

    Args:
      config: sizes.
      tasks: what the model is for.
    """

    config_class = configs.TransformerConfig

    def __init__(
        self,
        config: configs.TransformerConfig,
        tasks: Sequence[tasks.Task],
        *,
        name: str = "transformer",
    ) -> None:
        super().__init__(config, tasks, TransformerBody(config, name="body"), name=name)


class TransformerBody(models.Body):
    """Stacks of layers; timing is added to what enters each stack."""

    def __init__(self, config: configs.TransformerConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.width, self.rate = config.width, config.dropout
        self.encoder = Stack(config, config.encoder_layers, decoder=False, name="encoder")
        self.decoder = Stack(config, config.decoder_layers, decoder=True, name="decoder")

    def parts(self) -> list[base.Layer]:
        """Returns the parts in order, for the table of sizes."""
        return [self.encoder, self.decoder]

    def encode(
        self, x: tf.Tensor, mask: tf.Tensor | None, rng: base.Rng | None
    ) -> tuple[tf.Tensor, models.Stats]:
        return self.encoder(self._timed(x, rng), mask=mask, rng=rng), []

    def decode(
        self,
        shifted: tf.Tensor,
        encoded: tf.Tensor,
        mask: tf.Tensor | None,
        rng: base.Rng | None,
        target_mask: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, models.Stats]:
        del target_mask  # what follows the last target is seen by nothing that counts
        x = self._timed(shifted, rng)
        return self.decoder(x, source=encoded, source_mask=mask, rng=rng), []

    def start(self, encoded: tf.Tensor, length: int | tf.Tensor) -> Any:
        return tuple(layer.start(encoded, length) for layer in self.decoder.layers)

    def step(
        self, x: tf.Tensor, position: tf.Tensor, state: Any, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, Any]:
        x += tf.cast(timing.signal(1, self.width, start=position)[0], x.dtype)
        after = []
        for layer, before in zip(self.decoder.layers, state, strict=True):
            x, new = layer.step(x, position, before, mask)
            after.append(new)
        return self.decoder.norm(x), tuple(after)

    def _timed(self, x: tf.Tensor, rng: base.Rng | None) -> tf.Tensor:
        x += tf.cast(timing.signal(tf.shape(x)[1], self.width), x.dtype)
        return base.dropout(x, self.rate, rng)


class Stack(base.Layer):
    """Layers of one kind with a layer norm at the end."""

    def __init__(
        self,
        config: configs.TransformerConfig,
        count: int,
        *,
        decoder: bool,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.layers = [
            TransformerLayer(config, decoder=decoder, name=f"layer_{i}") for i in range(count)
        ]
        self.norm = normalization.LayerNorm(config.width, name="norm")

    def call(
        self,
        x: tf.Tensor,
        mask: tf.Tensor | None = None,
        source: tf.Tensor | None = None,
        source_mask: tf.Tensor | None = None,
        rng: base.Rng | None = None,
    ) -> tf.Tensor:
        """Maps `[B, T, D]` to `[B, T, D]`."""
        for layer in self.layers:
            x = layer(x, mask, source, source_mask, rng)
        return self.norm(x)


class TransformerLayer(base.Layer):
    """Self-attention, in a decoder attention to the source, and feed-forward."""

    def __init__(
        self, config: configs.TransformerConfig, *, decoder: bool, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        width, self.rate = config.width, config.dropout
        self.self_norm = normalization.LayerNorm(width, name="self_norm")
        self.self_attention = attention.SelfAttention(
            width, config.heads, causal=decoder, name="self_attention"
        )
        self.source_attention = None
        if decoder:
            self.source_norm = normalization.LayerNorm(width, name="source_norm")
            self.source_attention = attention.SourceAttention(
                width, config.heads, name="source_attention"
            )
        self.filter_norm = normalization.LayerNorm(width, name="filter_norm")
        self.filter_in = linear.Linear(width, config.filter_width, name="filter_in")
        self.filter_out = linear.Linear(config.filter_width, width, name="filter_out")

    def call(
        self,
        x: tf.Tensor,
        mask: tf.Tensor | None = None,
        source: tf.Tensor | None = None,
        source_mask: tf.Tensor | None = None,
        rng: base.Rng | None = None,
    ) -> tf.Tensor:
        """Maps `[B, T, D]` to `[B, T, D]`."""
        x += base.dropout(self.self_attention(self.self_norm(x), mask), self.rate, rng)
        if self.source_attention is not None:
            cache = self.source_attention.read(source)
            y = self.source_attention(self.source_norm(x), cache, source_mask)
            x += base.dropout(y, self.rate, rng)
        return x + base.dropout(self._filter(x), self.rate, rng)

    def start(self, source: tf.Tensor, length: int | tf.Tensor) -> tuple:
        """Returns the state before the first position; the source is read once."""
        cache = self.self_attention.start(tf.shape(source)[0], length)
        return cache, self.source_attention.read(source)

    def step(
        self, x: tf.Tensor, position: tf.Tensor, state: tuple, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, tuple]:
        """Computes one position of a decoder layer, `[B, D]` to `[B, D]`."""
        cache, source = state
        y, cache = self.self_attention.step(self.self_norm(x), position, cache)
        x += y
        x += self.source_attention(self.source_norm(x)[:, None], source, mask)[:, 0]
        return x + self._filter(x), (cache, source)

    def _filter(self, x: tf.Tensor) -> tf.Tensor:
        return self.filter_out(tf.nn.relu(self.filter_in(self.filter_norm(x))))
