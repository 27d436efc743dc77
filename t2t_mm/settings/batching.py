"""The sizes of batches."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from t2t_mm import config, errors
from t2t_mm.config import ranges

_COUNT = ranges.numbers(1)


@config.register
@dataclasses.dataclass(frozen=True)
class Batching:
    """Sizes of batches and of the shuffle buffer.

    Args:
      batch_tokens: padded positions of the longer side (all inputs, or the targets) in a
        batch, for problems with a text or a sound on either side. A token of text is a
        position, 80 ms of a spectrum (512 samples of a waveform) are one, and a picture has
        ceil(size / 16)^2: 196 of 224 pixels.
      batch_examples: examples in a batch, for problems without text and sound: pictures to
        classes.
      batch_seconds: padded seconds of sound in a batch at most, which limit the memory of
        the audio net.
      eval_times: factor of the batch size in evaluation and decoding, which store nothing
        for gradients. Larger batches decode more sentences a second.
      max_length: tokens of a text at most, end token included, unless its declaration
        (`Language.max_length`) sets another limit.
      too_long: how training treats a longer text: "cut" truncates it, without an end token;
        "drop" leaves out the example. Evaluation and decoding always truncate.
      length_multiple: texts and sounds are padded to the longest of their batch, rounded up to
        a multiple of this, so that there are few shapes.
      shuffle_buffer: records in the shuffle buffer.
    """

    batch_tokens: Annotated[int, _COUNT] = 1024
    batch_examples: Annotated[int, _COUNT] = 32
    batch_seconds: Annotated[int, _COUNT] = 120
    eval_times: Annotated[int, _COUNT] = 2
    max_length: Annotated[int, ranges.numbers(2)] = 256  # a token and the end token
    too_long: Literal["cut", "drop"] = "cut"
    length_multiple: Annotated[int, _COUNT] = 4
    shuffle_buffer: Annotated[int, _COUNT] = 10_000

    def __post_init__(self) -> None:
        ranges.check(self)
        if self.too_long not in ("cut", "drop"):
            raise errors.ConfigError(
                "Batching.too_long is out of range",
                received=repr(self.too_long),
                expected="'cut' or 'drop'",
            )
        if self.max_length > self.batch_tokens:
            raise errors.ConfigError(
                "One example of Batching.max_length does not fit into a batch",
                received=f"max_length {self.max_length}, batch_tokens {self.batch_tokens}",
                expected="max_length of batch_tokens at most",
            )
