"""How outputs are searched for. Free of TensorFlow: commands check flags with it."""

from __future__ import annotations

import dataclasses

from t2t_mm import config, errors


@config.register
@dataclasses.dataclass(frozen=True)
class DecodeSettings:
    """The search and its limits; the defaults are greedy decoding.

    An output ends with the end token, or after
    `min(max_length, length_factor * source + length_constant)` pieces, where `source`
    is the number of pieces of the row's own inputs (end tokens included). The limit is
    the row's, not the batch's, so that no output depends on its neighbours. Where not
    every input is text (but a picture, say), `max_length` alone holds.

    Args:
      beam_size: hypotheses kept; 1 is greedy.
      alpha: strength of the length penalty on a beam's scores; 0 is none.
      temperature: of sampling; 0 takes the likeliest piece.
      top_k: sample from the k likeliest pieces only; 0 is no such limit.
      top_p: sample from the likeliest pieces that hold this share of probability.
      n_best: outputs given for an input.
      max_length: pieces at most, end token included.
      length_factor: pieces of output allowed for a piece of source text.
      length_constant: pieces of output allowed beyond that.
      seed: of sampling.
    """

    beam_size: int = 1
    alpha: float = 0.0
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    n_best: int = 1
    max_length: int = 256
    length_factor: float = 2.5  # parse trees have some 2.1 symbols a piece of their sentence
    length_constant: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, allowed, expected in (
            ("beam_size", self.beam_size, self.beam_size >= 1, "1 or more"),
            ("alpha", self.alpha, self.alpha >= 0, "0 or more"),
            ("temperature", self.temperature, self.temperature >= 0, "0 or more"),
            ("top_k", self.top_k, self.top_k >= 0, "0 or more"),
            ("top_p", self.top_p, 0 < self.top_p <= 1, "above 0, up to 1"),
            ("n_best", self.n_best, self.n_best >= 1, "1 or more"),
            ("max_length", self.max_length, self.max_length >= 1, "1 or more"),
            ("length_factor", self.length_factor, self.length_factor >= 0, "0 or more"),
            ("length_constant", self.length_constant, self.length_constant >= 1, "1 or more"),
        ):
            if not allowed:
                raise errors.ConfigError(
                    f"The decoding setting {name} is out of range",
                    received=f"--{name}={value}",
                    expected=expected,
                )

    def check_greedy(self) -> None:
        """Refuses what only beam search or sampling could carry out.

        Raises:
          ConfigError: for a value other than greedy decoding's.
        """
        greedy = DecodeSettings()
        for name in ("beam_size", "alpha", "temperature", "top_k", "top_p", "n_best"):
            value, expected = getattr(self, name), getattr(greedy, name)
            if value != expected:
                raise errors.ConfigError(
                    "Only greedy decoding is there so far, no beam search and no sampling",
                    received=f"--{name}={value}",
                    expected=f"--{name}={expected}",
                    hint=f"Leave --{name} out",
                )
