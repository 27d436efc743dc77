"""The sizes of the models, as frozen dataclasses that gin binds.

The defaults are the size `small`, which two processor cores train in half an hour.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from t2t_mm import config
from t2t_mm.config import ranges

_COUNT = ranges.numbers(1)
_FRACTION = ranges.numbers(0, 1, below=True)
_WIDTH = ranges.rule("an even number of at least 8", lambda width: width >= 8 and width % 2 == 0)
_HEADS = ranges.Range(
    "a divisor of width", lambda heads, sizes: heads >= 1 and sizes.width % heads == 0
)
_SELECTED = ranges.Range(
    "between 1 and the number of experts",
    lambda selected, sizes: 1 <= selected <= (sizes.experts or selected),
)


def _widths(count: int, words: str) -> ranges.Range:
    """Returns the range of a tuple of `count` widths."""
    return ranges.rule(words, lambda widths: len(widths) == count and min(widths) >= 1)


_ENTRY_WIDTHS = _widths(4, "four widths, those of Xception's entry flow before the body's")
_AUDIO_WIDTHS = _widths(8, "eight widths, those of the audio net before its last block")
_EXIT_WIDTHS = _widths(2, "two widths")

BEFORE = {"entry": "xception", "exit": "xception", "follow_words": False}
"""What models were before they had these settings: a run that does not name them was trained so."""


@dataclasses.dataclass(frozen=True)
class _NetSizes:
    """What the modality nets of every model need.

    Args:
      width: D, channels of the body.
      label_smoothing: share of the target's probability spread over the vocabulary.
      tie_embeddings: the language net's output uses its input embedding.
      entry: of the image net. "xception", the paper's, of separable convolutions; "residual",
        of ordinary ones, which a processor multiplies faster and small corpora learn better.
      entry_widths: of the image net before its last block of width D.
      audio_widths: of the audio net's blocks before its last one of width D.
      exit: of the categorical net. "xception", the paper's flow of separable convolutions;
        "mean", of all positions alone, which small corpora learn better.
      exit_widths: of the last two steps of Xception's exit flow.
      class_through_decoder: a class is read from one decoder step, not the encoder.
      follow_words: the decoder is given the next word of an input, where a problem declares that
        its outputs follow them (`Language.words_of`).
    """

    width: Annotated[int, _WIDTH] = 256
    label_smoothing: Annotated[float, _FRACTION] = 0.1
    tie_embeddings: bool = True
    entry: Literal["xception", "residual"] = "residual"
    entry_widths: Annotated[tuple[int, ...], _ENTRY_WIDTHS] = (32, 32, 64, 128)
    audio_widths: Annotated[tuple[int, ...], _AUDIO_WIDTHS] = (2, 4, 8, 16, 32, 32, 32, 32)
    exit: Literal["xception", "mean"] = "mean"
    exit_widths: Annotated[tuple[int, ...], _EXIT_WIDTHS] = (384, 512)
    class_through_decoder: bool = False
    follow_words: bool = True

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class MultiModelConfig(_NetSizes):
    """The MultiModel of Kaiser et al. 2017.

    Args:
      heads: of dot-product attention.
      encoder_blocks: conv blocks of the encoder; the experts sit in the middle.
      mixer_blocks: conv blocks of the I/O mixer.
      decoder_blocks: conv and attention blocks of the decoder; experts in the middle.
      experts: E, in each of the two mixture-of-experts layers; 0 leaves them out.
      selected: K, experts chosen for each token.
      expert_filter: F, hidden width of an expert.
      gate_loss: weight of the importance and load losses.
      attention: whether mixer and decoder attend to the source; if not, the mixer reads its mean.
      dropout: on the outputs of attention, experts and the classification head, in training.
      block_dropout: at the end of every conv block, as in the paper (whose rate is 0.4). It
        drops from the whole signal, not from a residual branch: six blocks at 0.1 keep half.
    """

    heads: Annotated[int, _HEADS] = 8
    encoder_blocks: Annotated[int, _COUNT] = 6
    mixer_blocks: Annotated[int, _COUNT] = 2
    decoder_blocks: Annotated[int, _COUNT] = 4
    experts: Annotated[int, ranges.numbers(0)] = 16
    selected: Annotated[int, _SELECTED] = 4
    expert_filter: Annotated[int, _COUNT] = 256
    gate_loss: Annotated[float, ranges.numbers(0)] = 0.01
    attention: bool = True
    dropout: Annotated[float, _FRACTION] = 0.1
    block_dropout: Annotated[float, _FRACTION] = 0.0


@config.register
@dataclasses.dataclass(frozen=True)
class TransformerConfig(_NetSizes):
    """The pre-norm Transformer of Vaswani et al. 2017, as a baseline.

    Args:
      filter_width: F, hidden width of the feed-forward layers.
      heads: of dot-product attention.
      encoder_layers: of bidirectional self-attention and feed-forward.
      decoder_layers: of causal self-attention, source attention and feed-forward.
      dropout: on the embeddings and on the output of every sublayer, in training.
    """

    filter_width: Annotated[int, _COUNT] = 1024
    heads: Annotated[int, _HEADS] = 4
    encoder_layers: Annotated[int, _COUNT] = 3
    decoder_layers: Annotated[int, _COUNT] = 3
    dropout: Annotated[float, _FRACTION] = 0.1
