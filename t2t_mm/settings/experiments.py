"""Settings of experiments: which runs are compared, and with what. For `mm-experiment`.

A gin file of an experiment is one of `mm-trainer` too: sizes, rates and the budget of a run
(`TrainSettings.train_steps`, `train_seconds`) are the trainer's, and the problems are those of
`MixtureSettings.problems`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Annotated, Literal

from t2t_mm import config
from t2t_mm.config import ranges

_NAME = re.compile(r"[a-z][a-z0-9_]*")

Group = Literal["joint", "alone", "alone_for_steps", "alone_for_time", "pairs"]


def _are_named(variations: tuple[tuple[str, ...], ...]) -> bool:
    return all(own and _NAME.fullmatch(own[0]) for own in variations)


def _differ(variations: tuple[tuple[str, ...], ...]) -> bool:
    names = [own[0] for own in variations]
    return len(set(names)) == len(names)


_VARIATIONS = ranges.rule(
    "one variation or more, each a tuple of a name (small letters, digits, _), which no other "
    "variation has, and gin statements",
    lambda found: bool(found) and _are_named(found) and _differ(found),
)
_SEEDS = ranges.rule(
    "one seed or more, each once, of 0 or more",
    lambda seeds: bool(seeds) and min(seeds) >= 0 and len(set(seeds)) == len(seeds),
)
_GROUPS = ranges.rule(
    "one group or more, each once; alone_for_steps after joint, alone_for_time after both",
    lambda groups: (
        bool(groups)
        and len(set(groups)) == len(groups)
        and ("alone_for_steps" not in groups or "joint" in groups)
        and ("alone_for_time" not in groups or "alone_for_steps" in groups)
    ),
)


@config.register
@dataclasses.dataclass(frozen=True)
class ExperimentSettings:
    """The runs of an experiment: each variation of each group with each seed.

    Args:
      groups: which problems share a run. "joint": all in one. "alone": each in one of its own.
        "alone_for_steps": each alone, for as many steps as the joint run gave it.
        "alone_for_time": each alone, for as much time as the joint run took. "pairs": every two
        problems, in equally many steps, twice as many as configured.
      variations: of the configuration: a name and gin statements each, as in
        ("no_experts", "MultiModelConfig.experts = 0"); others are compared with the first.
      seeds: of the runs of each variation.
      split: that is measured; empty for each problem's split of evaluation.
      checkpoint: that is measured.
    """

    groups: Annotated[tuple[Group, ...], _GROUPS] = ("joint",)
    variations: Annotated[tuple[tuple[str, ...], ...], _VARIATIONS] = (("base",),)
    seeds: Annotated[tuple[int, ...], _SEEDS] = (0, 1, 2)
    split: str = ""
    checkpoint: Literal["latest", "best"] = "latest"

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class SlurmSettings:
    """The jobs of `mm-experiment --executor=slurm`.

    Args:
      cluster: of submitit: "slurm", or "local" for processes of this machine.
      partition: of Slurm; empty for the default one.
      minutes: that a run may take at most.
      cores: of a run.
      memory_gb: of a run.
      gpus: of a run.
      most_at_once: runs of an array that are carried out at a time.
    """

    cluster: Literal["slurm", "local"] = "slurm"
    partition: str = ""
    minutes: Annotated[int, ranges.numbers(1)] = 240
    cores: Annotated[int, ranges.numbers(1)] = 4
    memory_gb: Annotated[int, ranges.numbers(1)] = 16
    gpus: Annotated[int, ranges.numbers(0)] = 0
    most_at_once: Annotated[int, ranges.numbers(1)] = 256

    def __post_init__(self) -> None:
        ranges.check(self)


def _are_specialists(found: tuple[tuple[str, ...], ...]) -> bool:
    names = [own[1] for own in found if len(own) == 5]
    named = all(map(_NAME.fullmatch, names)) and all(all(own) for own in found)
    return named and len(names) == len(found) == len({(own[0], own[1]) for own in found})


_SPECIALISTS = ranges.rule(
    "tuples of problem, name (small letters, digits, _), metric, key and command, each problem "
    "and name once",
    _are_specialists,
)


@config.register
@dataclasses.dataclass(frozen=True)
class ArtSettings:
    """What the problems of an experiment are measured against: other programs, and publications.

    Args:
      specialists: a problem, a name, the metric that is compared, the key by which the program
        prints it, and its command each. The command is run once for each seed, after the run of
        the problem alone, with {seconds} (that this run spent in steps), {seed}, {data_dir},
        {manual_dir} and {output_dir} filled in; the last line that it prints is a JSON object, or
        a dict of Python.
      published: a problem, a metric, its value and where it was published, each.
    """

    specialists: Annotated[tuple[tuple[str, ...], ...], _SPECIALISTS] = ()
    published: tuple[tuple[str, str, float, str], ...] = ()

    def __post_init__(self) -> None:
        ranges.check(self)


def _is_dimension(own: tuple[str | float, ...]) -> bool:
    if len(own) < 3 or not (isinstance(own[0], str) and isinstance(own[1], str)):
        return False
    values = own[2:]
    if own[1] == "choice":
        return len(set(values)) == len(values) > 1
    numbers = [value for value in values if not isinstance(value, str)]
    if len(values) != 2 or len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        return False
    if numbers[0] >= numbers[1]:
        return False
    is_whole = all(float(number).is_integer() for number in numbers)
    return (
        own[1] == "linear"
        or (own[1] == "log" and numbers[0] > 0)
        or (own[1] == "whole" and is_whole)
    )


def _is_space(space: tuple[tuple[str | float, ...], ...]) -> bool:
    return all(map(_is_dimension, space)) and len({own[0] for own in space}) == len(space)


_SPACE = ranges.rule(
    'tuples such as ("OptimizerSettings.learning_rate", "log", 5e-4, 8e-3), each parameter once',
    _is_space,
)


@config.register
@dataclasses.dataclass(frozen=True)
class TuneSettings:
    """The search for one set of hyperparameters for all problems together.

    The trials and their runs have the first seed; tuned and untuned runs are compared with all.

    Args:
      trials: how many sets are tried; 0 for no tuning.
      tuned_on: problems whose runs the search sees; what it gains is measured on the others too.
      space: for each parameter the left side of its binding, a scale, and values: "linear" or
        "log" between two numbers, "whole" numbers from one to another, "choice" of those given.
      metric: whose relative gain over the untuned run, as a mean over problems, is the objective.
      prune_after: trials that are finished before others are pruned: those whose objective at an
        evaluation is below the median of earlier ones; 0 for never.
    """

    trials: Annotated[int, ranges.numbers(0)] = 0
    tuned_on: tuple[str, ...] = ()
    space: Annotated[tuple[tuple[str | float, ...], ...], _SPACE] = ()
    metric: str = "log_perplexity"
    prune_after: Annotated[int, ranges.numbers(0)] = 4

    def __post_init__(self) -> None:
        ranges.check(self)
