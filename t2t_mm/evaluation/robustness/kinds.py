"""The kinds of damage that a problem's inputs can take, and how users name them. No TensorFlow."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Sequence

from t2t_mm import errors
from t2t_mm.data import task as task_lib
from t2t_mm.modality import corruption

ALL = "all"
FGSM, PGD = "fgsm", "pgd"
ATTACK = "attack"
"""The family of gradient attacks, which every input can take."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of damage to one input.

    Attributes:
      input: its name in the problem.
      kind: of the damage, such as "gaussian_noise" or "fgsm".
      family: of similar kinds, such as "noise" or "attack".
      name: by which results are kept: `kind`, or "INPUT:KIND" where there are several inputs.
      corruption: None for an attack.
    """

    input: str
    kind: str
    family: str
    name: str
    corruption: corruption.Corruption | None = None

    @property
    def is_attack(self) -> bool:
        """Whether the damage is searched for by gradients."""
        return self.corruption is None

    def matches(self, pattern: str) -> bool:
        """Returns whether a name, a family or a glob of either stands for it."""
        named = (self.name, self.kind, self.family, f"{self.input}:{self.family}")
        return pattern == ALL or any(fnmatch.fnmatchcase(each, pattern) for each in named)


def of_task(task: task_lib.Task) -> list[Kind]:
    """Returns the kinds of all inputs of a task; none for one without inputs."""
    found = []
    for name, declared in task.inputs.items():
        prefix = f"{name}:" if len(task.inputs) > 1 else ""
        found += [
            Kind(name, each.kind, each.family, f"{prefix}{each.kind}", each)
            for each in declared.corruptions()
        ]
        found += [Kind(name, kind, ATTACK, f"{prefix}{kind}") for kind in (FGSM, PGD)]
    return found


def chosen(tasks: Iterable[task_lib.Task], patterns: Sequence[str]) -> dict[str, list[Kind]]:
    """Returns the kinds that `patterns` stand for, by name of the task.

    Args:
      tasks: those to measure; one may have none of the kinds.
      patterns: names, families or globs; "all" for all.

    Raises:
      ConfigError: for a pattern that stands for no kind of any of the tasks.
    """
    by_task = {task.name: of_task(task) for task in tasks}
    every = [kind for kinds in by_task.values() for kind in kinds]
    for pattern in patterns:
        if not any(kind.matches(pattern) for kind in every):
            known = list(dict.fromkeys(n for k in every for n in (k.family, k.kind)))
            if not known:
                raise errors.ConfigError(
                    f"No problem has an input to damage: {', '.join(by_task)}",
                    expected="a problem with inputs",
                )
            raise errors.ConfigError(
                f"There is no corruption {pattern!r} of {', '.join(by_task)}",
                expected=f"{ALL}, or of {', '.join(known)}",
                hint=errors.did_you_mean(pattern, known),
            )
    return {
        name: [kind for kind in kinds if any(map(kind.matches, patterns))]
        for name, kinds in by_task.items()
    }
