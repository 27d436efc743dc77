"""Settings of experiments: which runs are compared, and with what. For `mm-experiment`.

A gin file of an experiment is one of `mm-trainer` too: sizes, rates and the budget of a run
(`TrainSettings.train_steps`, `train_seconds`) are the trainer's, and the problems are those of
`MixtureSettings.problems`.
"""

from __future__ import annotations

import dataclasses
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
