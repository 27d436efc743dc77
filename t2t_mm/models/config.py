"""The sizes of the models, as frozen dataclasses that gin binds.

The defaults are the size `small`: what two processor cores train in half an hour.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from t2t_mm import config, errors


def _check(sizes: Any, **rules: bool) -> None:
    """Raises `ConfigError` for the first broken rule: of all models, then of this one.

    Args:
      sizes: of a model.
      rules: whether a field of this model's own holds, by its name.
    """
    shared = {
        "width": sizes.width >= 8 and sizes.width % 2 == 0,
        "heads": sizes.heads >= 1 and sizes.width % sizes.heads == 0,
        "dropout": 0 <= sizes.dropout < 1,
        "label_smoothing": 0 <= sizes.label_smoothing < 1,
        "entry_widths": len(sizes.entry_widths) == 4,
        "audio_widths": len(sizes.audio_widths) == 8 and min(sizes.audio_widths) >= 1,
        "exit_widths": len(sizes.exit_widths) == 2,
    }
    for name, holds in {**shared, **rules}.items():
        if not holds:
            raise errors.ConfigError(
                f"{type(sizes).__name__}.{name} is out of range",
                received=getattr(sizes, name),
                expected=_EXPECTED.get(name, "a whole number of at least 1"),
            )


_EXPECTED = {
    "heads": "a divisor of width",
    "width": "an even number of at least 8",
    "selected": "between 1 and the number of experts",
    "expert_layer": "the number of a decoder layer, from 0",
    "dropout": "a fraction below 1",
    "block_dropout": "a fraction below 1",
    "label_smoothing": "a fraction below 1",
    "entry_widths": "four widths, those of Xception's entry flow before the body's",
    "exit_widths": "two widths",
    "audio_widths": "eight widths, those of the audio net before its last block",
}


@config.register
@dataclasses.dataclass(frozen=True)
class MultiModelConfig:
    """The MultiModel of Kaiser et al. 2017.

    Args:
      width: D, channels of the body.
      heads: of dot-product attention.
      encoder_blocks: conv blocks of the encoder; the experts sit in the middle.
      mixer_blocks: conv blocks of the I/O mixer.
      decoder_blocks: conv and attention blocks of the decoder; experts in the middle.
      experts: E, in each of the two mixture-of-experts layers; 0 leaves them out.
      selected: K, experts chosen for each position.
      expert_filter: F, hidden width of an expert.
      gate_loss: weight of the importance and load losses.
      attention: without it the decoder sees the source through the mixer alone.
      dropout: on what attention, experts and the class's net add, in training.
      block_dropout: at the end of every conv block, where the paper has it (its rate
        is 0.4). It thins out all that went before: six blocks at 0.1 leave half.
      label_smoothing: share of the target's probability spread over the vocabulary.
      tie_embeddings: the language net's output uses its input embedding.
      entry_widths: of the image net before its last block of width D.
      audio_widths: of the audio net's blocks before its last one of width D.
      exit_widths: of the categorical net's last two steps.
      class_through_decoder: a class is read from one decoder step, not the encoder.
    """

    width: int = 256
    heads: int = 8
    encoder_blocks: int = 6
    mixer_blocks: int = 2
    decoder_blocks: int = 4
    experts: int = 16
    selected: int = 4
    expert_filter: int = 256
    gate_loss: float = 0.01
    attention: bool = True
    dropout: float = 0.1
    block_dropout: float = 0.0
    label_smoothing: float = 0.1
    tie_embeddings: bool = True
    entry_widths: tuple[int, ...] = (16, 32, 64, 128)
    audio_widths: tuple[int, ...] = (2, 4, 8, 16, 32, 32, 32, 32)
    exit_widths: tuple[int, ...] = (384, 512)
    class_through_decoder: bool = False

    def __post_init__(self) -> None:
        _check(
            self,
            encoder_blocks=self.encoder_blocks >= 1,
            mixer_blocks=self.mixer_blocks >= 1,
            decoder_blocks=self.decoder_blocks >= 1,
            selected=self.selected >= 1 and (not self.experts or self.selected <= self.experts),
            expert_filter=self.expert_filter >= 1,
            block_dropout=0 <= self.block_dropout < 1,
        )


@config.register
@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """The Transformer of Vaswani et al. 2017, normalised before each part: the baseline.

    Args:
      width: D, channels of the body.
      filter_width: F, hidden width of the feed-forward parts.
      heads: of dot-product attention.
      encoder_layers: self-attention and feed-forward, without mask on time.
      decoder_layers: causal self-attention, source attention and feed-forward.
      dropout: on the sum of embeddings and on every part's output, in training.
      label_smoothing: share of the target's probability spread over the vocabulary.
      tie_embeddings: the language net's output uses its input embedding.
      entry_widths: of the image net before its last block of width D.
      audio_widths: of the audio net's blocks before its last one of width D.
      exit_widths: of the categorical net's last two steps.
      class_through_decoder: a class is read from one decoder step, not the encoder.
    """

    width: int = 256
    filter_width: int = 1024
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 3
    dropout: float = 0.1
    label_smoothing: float = 0.1
    tie_embeddings: bool = True
    entry_widths: tuple[int, ...] = (16, 32, 64, 128)
    audio_widths: tuple[int, ...] = (2, 4, 8, 16, 32, 32, 32, 32)
    exit_widths: tuple[int, ...] = (384, 512)
    class_through_decoder: bool = False

    def __post_init__(self) -> None:
        _check(
            self,
            filter_width=self.filter_width >= 1,
            encoder_layers=self.encoder_layers >= 1,
            decoder_layers=self.decoder_layers >= 1,
        )


@config.register
@dataclasses.dataclass(frozen=True)
class MultiModelT2TConfig:
    """The MultiModel in Tensor2Tensor's later shape; the defaults are its `multimodel_tiny`.

    Args:
      width: D, channels of the body.
      filter_width: F, of the encoder's first two convolutions and experts, and of the
        decoder's feed-forward parts.
      heads: of dot-product attention.
      encoder_layers: each with four convolutions and a mixture of experts.
      decoder_layers: each with two attentions and a feed-forward part.
      expert_layer: which of the latter, from 0, has experts for its feed-forward part.
      experts: E, in each mixture.
      selected: K, experts chosen for each position.
      expert_filter: hidden width of an expert of the decoder.
      gate_loss: weight of the importance and load losses.
      dropout: on the output of every part, in training.
      label_smoothing: share of the target's probability spread over the vocabulary.
      tie_embeddings: the language net's output uses its input embedding.
      entry_widths: of the image net before its last block of width D.
      audio_widths: of the audio net's blocks before its last one of width D.
      exit_widths: of the categorical net's last two steps.
      class_through_decoder: a class is read from one decoder step, not the encoder.
    """

    width: int = 128
    filter_width: int = 512
    heads: int = 8
    encoder_layers: int = 2
    decoder_layers: int = 2
    expert_layer: int = 0
    experts: int = 30
    selected: int = 2
    expert_filter: int = 2048
    gate_loss: float = 0.01
    dropout: float = 0.1
    label_smoothing: float = 0.1
    tie_embeddings: bool = False
    entry_widths: tuple[int, ...] = (16, 32, 64, 128)
    audio_widths: tuple[int, ...] = (2, 4, 8, 16, 32, 32, 32, 32)
    exit_widths: tuple[int, ...] = (384, 512)
    class_through_decoder: bool = False

    def __post_init__(self) -> None:
        _check(
            self,
            filter_width=self.filter_width >= 1,
            encoder_layers=self.encoder_layers >= 1,
            decoder_layers=self.decoder_layers >= 1,
            expert_layer=0 <= self.expert_layer < self.decoder_layers,
            selected=1 <= self.selected <= self.experts,
            expert_filter=self.expert_filter >= 1,
        )
