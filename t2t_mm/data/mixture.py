"""Mixture: which problems are trained together, and which of them each step trains.

The problems are those that a command names, or else those of a gin file
(`MixtureSettings.problems`): data generation and training can share a list.

The draw depends on seed and step alone. Every worker makes it for itself and gets
the same answer, and a resumed run goes on with the draws that it would have had.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from t2t_mm import config, errors, registry
from t2t_mm.data import schedules
from t2t_mm.data import task as task_lib


@config.register
@dataclasses.dataclass(frozen=True)
class MixtureSettings:
    """Which problems are meant where none is named.

    Args:
      problems: names or globs, as `--problems` takes them.
    """

    problems: tuple[str, ...] = ()


def problem_names(asked: str | Sequence[str] | None) -> list[str]:
    """Returns the problems that are meant: those asked for, else those configured.

    The configuration then holds them by name, whatever globs they were given as.

    Args:
      asked: a name or glob, or several; none of them for what the configuration says.

    Raises:
      ConfigError: for no name at all, an unknown one, or a glob that matches nothing.
    """
    given = (asked,) if isinstance(asked, str) else tuple(asked or ())
    patterns = given or config.build(MixtureSettings).problems
    if not patterns:
        raise errors.ConfigError(
            "No problem is named",
            expected="--problems=NAMES, or a --gin_file that sets MixtureSettings.problems",
            hint="For example: --gin_file=mixtures/paper_8. mm-list shows the names",
        )
    names = registry.problems.match(list(patterns))
    config.build(MixtureSettings, problems=tuple(names))
    return names


class Row(NamedTuple):
    """A line of the table of rates: rate is the share of steps, 0 to 1."""

    problem: str
    examples: int
    rate: float


class Mixture:
    """Several problems and the schedule by which steps are shared out among them.

    Args:
      names: of the problems.
      sizes: training examples of each.
      schedule: a schedule, or the string for one (`"temperature:2.0"`).
      seed: of the draws.

    Raises:
      ConfigError: when there are no problems, one is named twice, or the schedule
        does not fit them (looked at in every one of its parts, not only at step 0).
    """

    def __init__(
        self,
        names: Sequence[str],
        sizes: Sequence[int],
        schedule: schedules.Schedule | str,
        *,
        seed: int,
    ) -> None:
        self.names = tuple(names)
        self.sizes = tuple(int(size) for size in sizes)
        self.schedule = schedules.parse(schedule) if isinstance(schedule, str) else schedule
        self.seed = seed
        if not self.names or len(set(self.names)) != len(self.names):
            raise errors.ConfigError(
                "A mixture is made of different problems",
                received=", ".join(self.names) or "none",
                expected="one problem or more, each once",
            )
        if len(self.sizes) != len(self.names) or min(self.sizes) < 1:
            raise errors.ConfigError(
                "Every problem of a mixture needs training examples",
                received=f"sizes {self.sizes} for {', '.join(self.names)}",
            )
        for step in self.schedule.knots():
            self.probs(step)

    @classmethod
    def of_tasks(
        cls, tasks: Sequence[task_lib.Task], schedule: schedules.Schedule | str, *, seed: int
    ) -> Mixture:
        """Returns the mixture of `tasks`, with the sizes that their manifests tell."""
        sizes = [task.manifest().examples(task.splits[0]) for task in tasks]
        return cls([task.name for task in tasks], sizes, schedule, seed=seed)

    def probs(self, step: int) -> np.ndarray:
        """Returns the rate of each problem at `step`: float64 `[P]` that sums to one.

        Raises:
          ConfigError: when the schedule gives something else.
        """
        rates = np.asarray(self.schedule(step, self.sizes, self.names), np.float64)
        good = rates.shape == (len(self.names),) and np.all(rates >= 0)
        if not (good and abs(rates.sum() - 1.0) < 1e-6):
            raise errors.ConfigError(
                f"The schedule {type(self.schedule).__name__} does not give rates at step {step}",
                received=rates.tolist(),
                expected=f"{len(self.names)} numbers of 0 or more that sum to 1",
            )
        return rates

    def pick(self, step: int) -> int:
        """Returns the index of the problem that `step` trains, drawn by (seed, step)."""
        key = np.array([self.seed % 2**64, step % 2**64], np.uint64)
        draw = np.random.Generator(np.random.Philox(key=key)).random()
        ends = np.cumsum(self.probs(step))
        # Rounding can leave the last end a hair below 1, and a draw beyond it.
        place = int(np.searchsorted(ends / ends[-1], draw, side="right"))
        return min(place, len(self.names) - 1)

    def table(self, step: int = 0) -> list[Row]:
        """Returns a row for each problem, for the log."""
        rates = self.probs(step)
        return [
            Row(name, size, float(rate))
            for name, size, rate in zip(self.names, self.sizes, rates, strict=True)
        ]
