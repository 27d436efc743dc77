"""The decoding flags, the same for every command that decodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2t_mm import cli
from t2t_mm.runs import opened_run
from t2t_mm.settings import decoding

CHECKPOINT = (
    "latest, a step, or best: by TrainSettings.best_metric of the training, by default the lowest "
    "mean log-perplexity over its problems"
)
"""What `--checkpoint` takes."""


def define(command: cli.Command) -> Callable[[], dict[str, Any]]:
    """Defines the decoding flags of a command.

    Returns:
      A function that gives, once flags are parsed, those that were given, as fields of
      `DecodeSettings`; others are left to the run's configuration (see `settings`). It
      raises ConfigError for values that are out of range.
    """
    defaults = decoding.DecodeSettings()  # shown; a run's configuration may say otherwise

    def shown(name: str) -> str:
        return f"{getattr(defaults, name)}"

    integer, number = command.integer, command.number
    holders = {
        "beam_size": integer(
            "beam_size", None, "hypotheses kept; 1 is greedy", shown=shown("beam_size")
        ),
        "alpha": number("alpha", None, "strength of a beam's length penalty", shown=shown("alpha")),
        "temperature": number(
            "temperature", None, "of sampling; 0 takes the likeliest", shown=shown("temperature")
        ),
        "top_k": integer(
            "top_k", None, "sample from so many likeliest tokens; 0 is all", shown=shown("top_k")
        ),
        "top_p": number(
            "top_p", None, "sample from this share of probability", shown=shown("top_p")
        ),
        "n_best": integer(
            "n_best",
            None,
            "outputs given for an input, of a beam or of samples",
            shown=shown("n_best"),
        ),
        "max_length": integer(
            "max_length", None, "tokens of an output at most", shown="what the targets may have"
        ),
        "seed": integer("seed", None, "of sampling", shown=shown("seed")),
        "constrained": command.boolean(
            "constrained",
            None,
            "write only what is well formed, where the problem says what is (trees); "
            "--noconstrained: anything",
            shown="on",
        ),
    }

    def given() -> dict[str, Any]:
        values = {name: holder.value for name, holder in holders.items()}
        values = {name: value for name, value in values.items() if value is not None}
        decoding.check_ranges(values)
        return values

    return given


def settings(
    run: opened_run.OpenedRun, given: Mapping[str, Any], problems: Sequence[str] = ()
) -> decoding.DecodeSettings:
    """Returns a run's decoding settings with flags on top, before its model is loaded.

    Args:
      run: the run.
      given: fields of `DecodeSettings`.
      problems: of the run, names or globs, that the settings must fit; all when left out.

    Raises:
      ConfigError: when the run has no such problem, or the settings contradict each other.
    """
    chosen = run.decode_settings.override(given)
    for task in run.matching(problems):
        chosen.check(task)
    return chosen
