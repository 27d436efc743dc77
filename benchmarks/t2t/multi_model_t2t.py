"""The MultiModel in the shape that Tensor2Tensor gave it from version 1.0.11 on.

It is not the paper's (that is `multi_model`), and is here so that the two libraries can be
compared on equal work: the same layers, widths and experts, a network of our own parts. It is
a plugin: `--usr_dir=benchmarks/t2t`, with the sizes of the `.gin` files beside it.

    encoder layer   LN(x + Experts(x) + Convolutions(x))
                    Convolutions: ConvSteps 3x1 to F, 3x1 to F, 15x1 to D, 15x1 dilated by 4 to D
    decoder layer   y = SelfAttention(x); z = Attention(y, encoded); h = LN(x + y + z)
                    LN(h + FeedForward(h)), in one of the layers LN(h + Experts(h))

There is no mixer. Timing is added to what enters encoder and decoder, dropout falls on every
branch. Left out of it: dropout on attention's weights, and the experts' biases.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

import tensorflow as tf

import t2t_mm
from t2t_mm import config as configuration
from t2t_mm.config import ranges
from t2t_mm.data import task as tasks
from t2t_mm.layers import attention, base, conv_block, history, linear, normalization, timing
from t2t_mm.layers.moe import layer as moe
from t2t_mm.models import base as models
from t2t_mm.models import body
from t2t_mm.settings import models as settings

SHORT, LONG, DILATION = 3, 15, 4

_COUNT = ranges.numbers(1)


@configuration.register
@dataclasses.dataclass(frozen=True)
class MultiModelT2TConfig(settings.TransformerConfig):
    """The Transformer's sizes, and those of experts.

    `filter_width` is that of the encoder's first two convolutions and experts, and of the
    decoder's feed-forward parts.

    Args:
      expert_layer: which layer of the decoder, from 0, has experts for its feed-forward part.
      experts: E, in each mixture.
      selected: K, experts chosen for each position.
      expert_filter: hidden width of an expert of the decoder.
      gate_loss: weight of the importance and load losses.
    """

    expert_layer: Annotated[
        int,
        ranges.Range(
            "the number of a decoder layer, from 0",
            lambda layer, sizes: 0 <= layer < sizes.decoder_layers,
        ),
    ] = 0
    experts: Annotated[int, _COUNT] = 30
    selected: Annotated[
        int,
        ranges.Range(
            "between 1 and the number of experts",
            lambda selected, sizes: 1 <= selected <= sizes.experts,
        ),
    ] = 2
    expert_filter: Annotated[int, _COUNT] = 2048
    gate_loss: Annotated[float, ranges.numbers(0)] = 0.01


@t2t_mm.register_model("multi_model_t2t")
class MultiModelT2T(models.Model):
    """One model for tasks of several domains.

    Args:
      config: sizes.
      tasks: what the model is for.
    """

    config_class = MultiModelT2TConfig

    def __init__(
        self,
        config: MultiModelT2TConfig,
        tasks: Sequence[tasks.Task],
        *,
        name: str = "multi_model_t2t",
    ) -> None:
        super().__init__(config, tasks, T2TBody(config, name="body"), name=name)


class T2TBody(body.Body):
    """Encoder and decoder."""

    def __init__(self, config: MultiModelT2TConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.width, self.dropout_rate = config.width, config.dropout
        self.encoder = [
            EncoderLayer(config, name=f"encoder_{i}") for i in range(config.encoder_layers)
        ]
        self.decoder = [
            DecoderLayer(config, experts=i == config.expert_layer, name=f"decoder_{i}")
            for i in range(config.decoder_layers)
        ]

    def parts(self) -> list[base.Layer]:
        """Returns the parts in order, for the table of sizes."""
        return [*self.encoder, *self.decoder]

    def encode(
        self, x: tf.Tensor, mask: tf.Tensor | None, rng: base.Rng | None
    ) -> tuple[tf.Tensor, body.Stats]:
        x += tf.cast(timing.signal(tf.shape(x)[1], self.width), x.dtype)
        stats: body.Stats = []
        for block in self.encoder:
            x, stat = block(x, mask, rng)
            stats.append(stat)
        return x, stats

    def decode(
        self,
        shifted: tf.Tensor,
        encoded: tf.Tensor,
        mask: tf.Tensor | None,
        rng: base.Rng | None,
        target_mask: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, body.Stats]:
        x = shifted + tf.cast(timing.signal(tf.shape(shifted)[1], self.width), shifted.dtype)
        x = base.dropout(x, self.dropout_rate, rng)
        stats: body.Stats = []
        for block in self.decoder:
            x, more = block(x, encoded, mask, rng, target_mask)
            stats += more
        return x, stats

    def read_source(self, encoded: tf.Tensor, mask: tf.Tensor | None) -> Any:
        del mask
        return tuple(block.source_attention.read_source(encoded) for block in self.decoder)

    def start(self, batch: int | tf.Tensor, longest: int | tf.Tensor) -> Any:
        del longest
        return tuple(block.self_attention.start(batch) for block in self.decoder)

    def step(
        self, x: tf.Tensor, place: history.Place, state: Any, source: Any, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, Any]:
        x += tf.cast(timing.signal(1, self.width, start=place.position)[0], x.dtype)
        after = []
        for block, before, read in zip(self.decoder, state, source, strict=True):
            x, new = block.step(x, place, before, read, mask)
            after.append(new)
        return x, tuple(after)


class EncoderLayer(base.Layer):
    """Four ConvSteps beside a mixture of experts, both added to what came in."""

    def __init__(self, config: MultiModelT2TConfig, *, name: str | None = None) -> None:
        super().__init__(name=name)
        width, filter_width, self.dropout_rate = config.width, config.filter_width, config.dropout
        shapes = (
            ("short_1", width, filter_width, SHORT, 1),
            ("short_2", filter_width, filter_width, SHORT, 1),
            ("long_1", filter_width, width, LONG, 1),
            ("long_2", width, width, LONG, DILATION),
        )
        self.steps = [
            conv_block.ConvStep(before, after, kernel=kernel, dilation=dilation, name=step)
            for step, before, after, kernel, dilation in shapes
        ]
        self.experts = _mixture(config, filter_width)
        self.norm = normalization.LayerNorm(width, name="norm")

    def call(
        self, x: tf.Tensor, mask: tf.Tensor | None = None, rng: base.Rng | None = None
    ) -> tuple[tf.Tensor, moe.MoeStats]:
        """Maps `[B, S, D]` to `[B, S, D]`; positions where `mask` is 0 take no part."""
        first, second, third, fourth = self.steps
        h = base.dropout(second(first(x, mask), mask), self.dropout_rate, rng)
        h = fourth(third(h, mask), mask)
        y, stats = _route(self.experts, x, mask, rng)
        h, y = base.dropout(h, self.dropout_rate, rng), base.dropout(y, self.dropout_rate, rng)
        return self.norm(x + y + h), stats


class DecoderLayer(base.Layer):
    """Self-attention, attention to the source by what it gave, feed-forward or experts."""

    def __init__(
        self, config: MultiModelT2TConfig, *, experts: bool, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        width, self.dropout_rate = config.width, config.dropout
        self.self_attention = attention.SelfAttention(
            width, config.heads, causal=True, name="self_attention"
        )
        self.source_attention = attention.SourceAttention(
            width, config.heads, name="source_attention"
        )
        self.attention_norm = normalization.LayerNorm(width, name="attention_norm")
        self.experts = _mixture(config, config.expert_filter) if experts else None
        if not experts:
            self.inner = linear.Linear(width, config.filter_width, name="inner")
            self.outer = linear.Linear(config.filter_width, width, name="outer")
        self.norm = normalization.LayerNorm(width, name="norm")

    def call(
        self,
        x: tf.Tensor,
        source: tf.Tensor,
        mask: tf.Tensor | None = None,
        rng: base.Rng | None = None,
        target_mask: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, body.Stats]:
        """Maps `[B, T, D]` and a source `[B, S, D]` with mask `[B, S]` to `[B, T, D]`."""
        y = self.self_attention(x)
        z = self.source_attention(y, self.source_attention.read_source(source), mask)
        y, z = base.dropout(y, self.dropout_rate, rng), base.dropout(z, self.dropout_rate, rng)
        h = self.attention_norm(x + y + z)
        y, stats = self._think(h, target_mask, rng)
        return self.norm(h + base.dropout(y, self.dropout_rate, rng)), stats

    def step(
        self,
        x: tf.Tensor,
        place: history.Place,
        cache: history.Cache,
        source: attention.KeysAndValues,
        mask: tf.Tensor | None,
    ) -> tuple[tf.Tensor, history.Cache]:
        """Computes one position, `[R, D]` to `[R, D]`, and the cache after it."""
        y, cache = self.self_attention.step(x, place, cache)
        z = self.source_attention.step(y, source, mask)
        h = self.attention_norm(x + y + z)
        return self.norm(h + self._think(h, None, None)[0]), cache

    def _think(
        self, h: tf.Tensor, mask: tf.Tensor | None, rng: base.Rng | None
    ) -> tuple[tf.Tensor, body.Stats]:
        """Runs the experts, or the feed-forward part: `[..., D]` to `[..., D]`."""
        if self.experts is None:
            return self.outer(base.dropout(tf.nn.relu(self.inner(h)), self.dropout_rate, rng)), []
        y, stats = _route(self.experts, h, mask, rng)
        return y, [stats]


def _mixture(config: MultiModelT2TConfig, filter_width: int) -> moe.MixtureOfExperts:
    return moe.MixtureOfExperts(
        width=config.width,
        experts=config.experts,
        selected=config.selected,
        filter_width=filter_width,
        name="experts",
    )


def _route(
    experts: moe.MixtureOfExperts, x: tf.Tensor, mask: tf.Tensor | None, rng: base.Rng | None
) -> tuple[tf.Tensor, moe.MoeStats]:
    seed = None if rng is None else rng.next()
    real = None if mask is None else mask > 0
    return experts(x, mask=real, training=rng is not None, seed=seed)
