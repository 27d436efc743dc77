"""The settings of decoding. Without TensorFlow, since commands check flags with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any

from t2t_mm import config, errors
from t2t_mm.config import ranges, value_types

LARGEST_SEED = 2**63 - 1
LEAST_TEMPERATURE = 0.001
"""With a lower one, logits divided by it may overflow float32."""

_LIMITS = ("max_length", "length_factor", "length_constant")
_COUNT = ranges.numbers(1)
_NOT_NEGATIVE = ranges.numbers(0)
_TEMPERATURE = ranges.numbers(
    LEAST_TEMPERATURE,
    also=0,
    words=f"0, or {LEAST_TEMPERATURE} or more; 0 takes the likeliest",
)

USUAL_LENGTH = 256
"""Tokens of an output at most, if neither settings nor targets have a limit."""


@config.register
@dataclasses.dataclass(frozen=True)
class DecodeSettings:
    """The search and its limits; the defaults are greedy decoding.

    There are three searches: greedy (the default), beam search (`beam_size` above 1) and
    sampling (`temperature` above 0). A setting without effect on the chosen search is an
    error. For a class there is no search: the outputs are the `n_best` likeliest classes.

    An output ends with the end token, or after
    `min(max_length, length_factor * source + length_constant)` tokens, where `source`
    is the number of tokens of the row's own inputs (end tokens included). So no output
    depends on others of its batch. If an input is not text (a picture, say), only
    `max_length` applies.

    Args:
      beam_size: hypotheses kept; 1 is greedy.
      alpha: exponent of the length penalty of beam search; 0 for none.
      temperature: of sampling, 0.001 or more; 0 takes the likeliest token.
      top_k: sample from the k likeliest tokens only; 0 for no such limit.
      top_p: nucleus sampling, from the likeliest tokens with this total probability.
      n_best: outputs for each input: the best of a beam, or so many samples.
      max_length: tokens at most, end token included; at most as many as the problem's
        targets may have, which is also the default.
      length_factor: tokens of output allowed for each token of source text.
      length_constant: tokens of output allowed in addition.
      seed: of sampling.
      constrained: write only what is well formed, where the problem says what is
        (`Problem.constraint`).
    """

    beam_size: Annotated[int, _COUNT] = 1
    alpha: Annotated[float, _NOT_NEGATIVE] = 0.0
    temperature: Annotated[float, _TEMPERATURE] = 0.0
    top_k: Annotated[int, _NOT_NEGATIVE] = 0
    top_p: Annotated[float, ranges.numbers(0, 1, above=True)] = 1.0
    n_best: Annotated[int, _COUNT] = 1
    max_length: Annotated[int | None, _COUNT] = None
    length_factor: Annotated[float, ranges.numbers(0, 1_000)] = 2.5
    # Parse trees have some 2.1 symbols for each token of their sentence.
    length_constant: Annotated[int, ranges.numbers(1, 1_000_000)] = 20
    seed: Annotated[int, ranges.numbers(0, LARGEST_SEED)] = 0
    constrained: bool = True

    def __post_init__(self) -> None:
        check_ranges(dataclasses.asdict(self))
        for is_wrong, what, names, hint in (
            (
                self.samples and self.beam_size > 1,
                "Beam search does not sample",
                ("beam_size", "temperature"),
                "Leave one of them out",
            ),
            (
                self.top_k > 0 and not self.samples,
                "Nothing is sampled that --top_k could limit",
                ("top_k", "temperature"),
                "Give --temperature=1 too, or leave --top_k out",
            ),
            (
                self.top_p < 1 and not self.samples,
                "Nothing is sampled that --top_p could limit",
                ("top_p", "temperature"),
                "Give --temperature=1 too, or leave --top_p out",
            ),
            (
                self.alpha > 0 and self.beam_size == 1,
                "There is no beam whose hypotheses --alpha could rank",
                ("alpha", "beam_size"),
                "Give --beam_size=4 too, or leave --alpha out",
            ),
        ):
            if is_wrong:
                received = ", ".join(f"--{name}={getattr(self, name)}" for name in names)
                raise errors.ConfigError(what, received=received, hint=hint)

    @property
    def samples(self) -> bool:
        """Whether the search samples."""
        return self.temperature > 0

    def longest(self, declared: int | None = None, usual: int = USUAL_LENGTH) -> int:
        """Returns the tokens of an output at most: the smaller of `max_length` and `declared`.

        Args:
          declared: the limit of the targets; None without one.
          usual: the limit if there is neither.
        """
        limits = [limit for limit in (self.max_length, declared) if limit is not None]
        return min(limits, default=usual)

    def within(self, targets: Any, usual: int) -> DecodeSettings:
        """Returns the settings with `max_length` set by the limit of targets.

        Args:
          targets: the modality.
          usual: the limit of targets that declare none.
        """
        longest = self.longest(getattr(targets, "max_length", None), usual)
        return dataclasses.replace(self, max_length=longest)

    def check(self, task: Any) -> None:
        """Raises ConfigError if the search of a task cannot return `n_best` outputs.

        Args:
          task: the problem; for a class, any `n_best` is possible.
        """
        if task.targets.autoregressive and self.n_best > self.beam_size and not self.samples:
            raise errors.ConfigError(
                "More outputs are wanted than the search keeps",
                received=f"--n_best={self.n_best}, --beam_size={self.beam_size}",
                hint=f"Give --beam_size={self.n_best}, or --temperature=1 to sample",
            )

    def describe(self) -> dict[str, Any]:
        """Returns what decides the outputs, as JSON values: the way to search and its limits."""
        names = ["beam_size"]
        if self.samples:
            names = ["temperature", "top_k", "top_p", "seed"]
        elif self.beam_size > 1:
            names.append("alpha")
        values = {name: getattr(self, name) for name in (*names, "n_best", *_LIMITS)}
        if not self.constrained:
            values["constrained"] = False
        return {name: value for name, value in values.items() if value is not None}

    @property
    def label(self) -> str:
        """The search in a few words, for names of files: "beam_4_alpha_0.6".

        Two settings have the same label only if they give the same outputs.
        """
        if self.samples:
            parts = [f"temperature_{_short(self.temperature)}"]
            parts += [f"top_k_{self.top_k}"] if self.top_k else []
            parts += [f"top_p_{_short(self.top_p)}"] if self.top_p < 1 else []
            parts.append(f"seed_{self.seed}")
        elif self.beam_size > 1:
            parts = [f"beam_{self.beam_size}", f"alpha_{_short(self.alpha)}"]
        else:
            parts = ["greedy"]
        for name in ("n_best", *_LIMITS):
            value, usual = getattr(self, name), _DEFAULTS[name]
            parts += [f"{name}_{_short(value)}"] if value != usual else []
        parts += [] if self.constrained else ["unconstrained"]
        return "_".join(parts)

    def override(self, given: Mapping[str, Any]) -> DecodeSettings:
        """Returns the settings with `given` on top.

        If these choose another search, settings of the old search are reset.

        Args:
          given: fields and their values.

        Raises:
          ConfigError: for unknown names, and for values of a wrong type, out of range, or
            that contradict each other.
        """
        types = value_types.field_types(DecodeSettings)
        for name in given:
            if name not in types:
                raise errors.ConfigError(
                    f"There is no decoding setting {name!r}",
                    expected=f"one of {', '.join(types)}",
                    hint=errors.did_you_mean(name, types),
                )
        given = {name: value_types.convert(name, v, types[name]) for name, v in given.items()}
        values = {**dataclasses.asdict(self), **given}

        def give_way(*names: str) -> None:
            values.update({name: _DEFAULTS[name] for name in names if name not in given})

        check_ranges(values)
        if values["temperature"] > 0 and values["beam_size"] > 1:
            give_way("beam_size" if given.get("temperature") else "temperature")
        if values["temperature"] == 0:
            give_way("top_k", "top_p")
            if values["n_best"] > values["beam_size"]:
                give_way("n_best")
        if values["beam_size"] == 1:
            give_way("alpha")
        return DecodeSettings(**values)


def check_ranges(values: Mapping[str, Any]) -> None:
    """Raises ConfigError for the first value, by name of its field, that is out of range."""
    for name, allowed in ranges.of(DecodeSettings).items():
        value = values.get(name)
        if value is not None and not allowed.holds(value, None):
            raise errors.ConfigError(
                f"The decoding setting {name} is out of range",
                received=f"--{name}={value}",
                expected=allowed.words,
            )


def _short(value: float) -> str:
    return f"{value:.12g}"


_DEFAULTS = dataclasses.asdict(DecodeSettings())
