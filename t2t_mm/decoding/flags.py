"""The decoding flags, the same for every command that decodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from t2t_mm import cli
from t2t_mm.decoding import settings as settings_lib


def define(command: cli.Command) -> Callable[[], dict[str, Any]]:
    """Defines the decoding flags of a command.

    Returns:
      A function that gives, once flags are parsed, those that were given, as fields of
      `DecodeSettings`; others are left to the run's configuration. It raises
      ConfigError for values that are out of range or cannot be carried out.
    """
    holders = {
        "beam_size": command.integer("beam_size", None, "hypotheses kept; 1 is greedy"),
        "alpha": command.number("alpha", None, "strength of a beam's length penalty"),
        "temperature": command.number("temperature", None, "of sampling; 0 takes the likeliest"),
        "top_k": command.integer("top_k", None, "sample from so many likeliest pieces; 0 is all"),
        "top_p": command.number("top_p", None, "sample from this share of probability"),
        "n_best": command.integer("n_best", None, "outputs given for an input"),
        "max_length": command.integer("max_length", None, "pieces of an output at most"),
        "seed": command.integer("seed", None, "of sampling"),
    }

    def given() -> dict[str, Any]:
        values = {name: holder.value for name, holder in holders.items()}
        values = {name: value for name, value in values.items() if value is not None}
        settings_lib.DecodeSettings(**values).check_greedy()
        return values

    return given
