"""The plan of an experiment: its runs, in their order, and which of them are compared."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from t2t_mm import errors
from t2t_mm.settings import experiments as settings_lib

TRIAL = "trial"
"""The group of the runs of a search."""

SPECIALIST = "specialist"
"""The group of the runs of other programs."""


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """A run of an experiment.

    Attributes:
      name: of its folder, together with the seed.
      seed: of the training.
      variation: its name.
      group: that it belongs to.
      problems: that are trained together.
      statements: gin statements of the variation.
      after: names of runs of this seed that must be done before.
    """

    name: str
    seed: int
    variation: str
    group: str
    problems: tuple[str, ...]
    statements: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name and seed, as in the paths of its files."""
        return f"{self.name}/{self.seed}"

    @property
    def is_joint(self) -> bool:
        """Whether its problems share the run as the configuration says, as in trials too."""
        return self.group in ("joint", TRIAL)


def plan(settings: settings_lib.ExperimentSettings, problems: Sequence[str]) -> list[PlannedRun]:
    """Returns the runs, all of the first seed before those of the next.

    Args:
      settings: of the experiment.
      problems: their names.

    Raises:
      ConfigError: one problem cannot be trained both jointly and alone, nor in pairs.
    """
    if len(problems) < 2 and (len(settings.groups) > 1 or "pairs" in settings.groups):
        raise errors.ConfigError(
            f"The experiment compares problems in company ({', '.join(settings.groups)})",
            received=", ".join(problems),
            expected="two problems or more in MixtureSettings.problems",
        )
    runs = []
    for seed in settings.seeds:
        for variation, *statements in settings.variations:
            for group in settings.groups:
                runs += [
                    _run(settings, variation, tuple(statements), group, own, seed)
                    for own in _sets(group, problems)
                ]
    return runs


def arm(run: PlannedRun, problem: str) -> str:
    """Returns what the results of a problem in runs like this one are called in tables."""
    if run.group != "pairs":
        return run.name if run.group == "joint" else run.name.removesuffix(f".{problem}")
    (other,) = (name for name in run.problems if name != problem)
    return f"{run.name.removesuffix('.'.join((run.group, *run.problems)))}with_{other}"


def comparisons(runs: Sequence[PlannedRun]) -> dict[str, list[tuple[str, str]]]:
    """Returns, by problem, which arms are compared with which.

    Joint runs and pairs are compared with the runs of a problem alone, all of these with its
    specialists, and variations with the first one of their group.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    if not runs:
        return found
    first = runs[0].variation
    for problem in dict.fromkeys(name for run in runs for name in run.problems):
        own = {arm(run, problem): run for run in runs if problem in run.problems}
        pairs = []
        for (name, run), (other, base) in itertools.product(own.items(), own.items()):
            if run.variation == base.variation:
                is_pair = (run.group in ("joint", "pairs") and base.group.startswith("alone")) or (
                    run.group != SPECIALIST and base.group == SPECIALIST
                )
            else:
                is_pair = base.variation == first and run.group == base.group
                if run.group == "pairs":
                    is_pair = is_pair and run.problems == base.problems
            if is_pair:
                pairs.append((name, other))
        found[problem] = pairs
    return found


def company(runs: Sequence[PlannedRun], problem: str) -> dict[tuple[str, str], str]:
    """Returns which comparisons of a problem show what it gains by company, with the company.

    Returns:
      the other problem of a pair, by the arms of the pair and of the problem alone, both of the
      first variation; of several groups of runs alone, the first one stands for all.
    """
    own = [run for run in runs if problem in run.problems and run.variation == runs[0].variation]
    alone = next((run for run in own if run.group.startswith("alone")), None)
    if alone is None:
        return {}
    return {
        (arm(run, problem), arm(alone, problem)): other
        for run in own
        if run.group == "pairs"
        for other in run.problems
        if other != problem
    }


def _sets(group: str, problems: Sequence[str]) -> list[tuple[str, ...]]:
    if group == "joint":
        return [tuple(problems)]
    if group == "pairs":
        return list(itertools.combinations(problems, 2))
    return [(problem,) for problem in problems]


def _run(
    settings: settings_lib.ExperimentSettings,
    variation: str,
    statements: tuple[str, ...],
    group: str,
    problems: tuple[str, ...],
    seed: int,
) -> PlannedRun:
    def name(group: str, problems: tuple[str, ...]) -> str:
        parts = [variation] if len(settings.variations) > 1 else []
        if len(settings.groups) > 1 or group != "joint" or not parts:
            parts.append(group)
        return ".".join([*parts, *(problems if group != "joint" else ())])

    after: tuple[str, ...] = ()
    if group in ("alone_for_steps", "alone_for_time"):
        after = (name("joint", ()),)
    if group == "alone_for_time":
        after = (*after, name("alone_for_steps", problems))
    return PlannedRun(name(group, problems), seed, variation, group, problems, statements, after)
