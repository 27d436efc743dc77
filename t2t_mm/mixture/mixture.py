"""Mixture: several problems, one or more of which are sampled for each training step.

The problems are those that a command names, or else those of a gin file
(`MixtureSettings.problems`), so data generation and training can share a list.

A schedule may give shares of examples instead of steps. These are divided by the mean number
of examples in a problem's batches, which `data/sample.py` estimates.

The draw depends only on the seed, the step and these numbers, which come from data and
configuration, and for some schedules on losses (`progress`). So every worker draws the same
problem without communication, and a resumed run continues with the same draws.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np

from t2t_mm import config, errors, registry
from t2t_mm.config import ranges
from t2t_mm.mixture import progress, schedules


def _are_weights(weights: Mapping[str, float]) -> bool:
    return all(1e-6 <= weight <= 1e6 for weight in weights.values())


@config.register
@dataclasses.dataclass(frozen=True)
class MixtureSettings:
    """The problems of a command that names none, and the weights of their losses.

    Args:
      problems: names or globs, as in `--problems`.
      loss_weights: by problem, as in {'wsj_parsing': 2.0}; 1 for those left out. A weight
        multiplies the gradient of the problem's loss, before clipping; logs and evaluations
        show the loss itself. Names of problems that a run does not train have no effect.
    """

    problems: tuple[str, ...] = ()
    loss_weights: Annotated[
        Mapping[str, float], ranges.rule("numbers from 1e-6 to 1e6", _are_weights)
    ] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        ranges.check(self)


def problem_names(asked: str | Sequence[str] | None) -> list[str]:
    """Returns the names of the problems asked for, else of those configured.

    The configuration then holds these names, with globs expanded.

    Args:
      asked: a name or glob, or several; None or empty for the configured ones.

    Raises:
      ConfigError: without any name, or for an unknown one or a glob without a match.
    """
    requested = (asked,) if isinstance(asked, str) else tuple(asked or ())
    patterns = requested or config.build(MixtureSettings).problems
    if not patterns:
        raise errors.ConfigError(
            "No problem is named",
            expected="--problems=NAMES, or a --gin_file that sets MixtureSettings.problems",
            hint="For example: --gin_file=mixtures/paper_8. mm-list shows the names",
        )
    names = registry.problems.match(list(patterns))
    config.build(MixtureSettings, problems=tuple(names))
    return names


def loss_weights(names: Sequence[str]) -> dict[str, float]:
    """Returns the configured weight of the loss of each problem that is trained.

    Args:
      names: of the problems that are trained.

    Raises:
      ConfigError: a weight is of a problem that is neither trained nor known.
    """
    # The problems too: what is built last is what the run's configuration keeps.
    weights = config.build(MixtureSettings, problems=tuple(names)).loss_weights
    known = [*names, *registry.problems.names()]
    for name in weights:
        if name not in known:
            raise errors.ConfigError(
                f"MixtureSettings.loss_weights has a weight for {name!r}, which is no problem",
                expected=f"of those that are trained: {', '.join(names)}",
                hint=errors.did_you_mean(name, known),
            )
    return {name: weights.get(name, 1.0) for name in names}


_LOOKED_AT = 1000
"""A schedule's mean shares over a run are computed from so many of its steps."""


class MixtureRow(NamedTuple):
    """A line of the table of a mixture.

    Attributes:
      problem: its name.
      examples: training examples.
      examples_a_step: the mean.
      first_share: of the steps at the first step, 0 to 1; over the problems they sum to as many
        as a step trains.
      share: fraction of all steps of the run.
      epochs: how often the run sees each example.
    """

    problem: str
    examples: int
    examples_a_step: float
    first_share: float
    share: float
    epochs: float


class Mixture:
    """Several problems, sampled by the shares of a schedule.

    Args:
      names: of the problems.
      sizes: training examples of each.
      schedule: a schedule, or the string for one (`"temperature:2.0"`).
      seed: of the draws.
      examples_a_step: mean number of examples in a batch of each problem; by default equal
        for all.
      problems_per_step: how many different problems a step trains.

    Raises:
      ConfigError: when there are no problems, one is named twice, or the schedule does not
        fit them (checked at all its breakpoints, not only at step 0).
    """

    def __init__(
        self,
        names: Sequence[str],
        sizes: Sequence[int],
        schedule: schedules.Schedule | str,
        *,
        seed: int,
        examples_a_step: Sequence[float] | None = None,
        problems_per_step: int = 1,
    ) -> None:
        self.names = tuple(names)
        self.sizes = tuple(int(size) for size in sizes)
        means = [1.0] * len(self.names) if examples_a_step is None else examples_a_step
        self.examples_a_step = tuple(float(mean) for mean in means)
        self.schedule = schedules.parse(schedule) if isinstance(schedule, str) else schedule
        self.seed = seed
        self.problems_per_step = problems_per_step
        if not self.names or len(set(self.names)) != len(self.names):
            raise errors.ConfigError(
                "A mixture is made of different problems",
                received=", ".join(self.names) or "none",
                expected="one problem or more, each once",
            )
        if not 1 <= problems_per_step <= len(self.names):
            raise errors.ConfigError(
                "A step cannot train more problems than there are",
                received=f"TrainSettings.problems_per_step = {problems_per_step}, with "
                f"{', '.join(self.names)}",
                expected=f"1 to {len(self.names)}",
            )
        if len(self.sizes) != len(self.names) or min(self.sizes) < 1:
            raise errors.ConfigError(
                "Every problem of a mixture needs training examples",
                received=f"sizes {self.sizes} for {', '.join(self.names)}",
            )
        whole = len(self.examples_a_step) == len(self.names)
        if not (whole and all(mean > 0 for mean in self.examples_a_step)):
            raise errors.ConfigError(
                "Every step of a mixture holds examples",
                received=f"{self.examples_a_step} a step for {', '.join(self.names)}",
                expected="a number above 0 for each problem",
            )
        self.progress = progress.Progress()
        for step in self.schedule.breakpoints():
            self.probs(step)

    def probs(self, step: int) -> np.ndarray:
        """Returns each problem's share of the steps at `step`: float64 `[P]` that sums to one.

        Raises:
          ConfigError: when the schedule returns no such shares.
        """
        shares = self.schedule(step, self.sizes, self.names)
        if self.schedule.looks_every():
            losses = self.progress.losses(self.names)
            shares = self.schedule.adapted(step, self.sizes, self.names, losses)
        shares = np.asarray(shares, np.float64)
        good = shares.shape == (len(self.names),) and np.all(shares >= 0)
        if not (good and abs(shares.sum() - 1.0) < 1e-6):
            raise errors.ConfigError(
                f"The schedule {type(self.schedule).__name__} does not give rates at step {step}",
                received=shares.tolist(),
                expected=f"{len(self.names)} numbers of 0 or more that sum to 1",
            )
        unit = getattr(self.schedule, "shares_of", "steps")
        if unit not in ("steps", "examples"):
            raise errors.ConfigError(
                f"The schedule {type(self.schedule).__name__} does not say what it shares out",
                received=f"shares_of = {unit!r}",
                expected="'steps' or 'examples'",
            )
        if unit == "examples":
            steps = shares / np.asarray(self.examples_a_step)
            return steps / steps.sum()
        return shares

    def looks_at(self, step: int) -> bool:
        """Returns whether the schedule looks at losses once `step` steps are done."""
        every = self.schedule.looks_every()
        return bool(every) and step % every == 0

    def rates(self, step: int) -> np.ndarray:
        """Returns the probability that `step` trains each problem: float64 `[P]`.

        Of one problem a step they are `probs`. Of k it is k times as much, but 1 at most, for no
        problem is in a step twice: what one has too much goes to the others, in proportion. They
        sum to k, or to the number of problems that have a share where that is less.
        """
        shares = self.probs(step)
        if self.problems_per_step == 1:
            return shares
        rates, free = np.zeros_like(shares), shares > 0
        left = min(self.problems_per_step, int(free.sum()))
        while left and free.any():
            wanted = left * shares / shares[free].sum()
            full = free & (wanted >= 1.0)
            if not full.any():
                rates[free] = wanted[free]
                break
            rates[full] = 1.0
            free &= ~full
            left -= int(full.sum())
        return rates

    def pick(self, step: int) -> int:
        """Returns the index of the problem that `step` trains, drawn by (seed, step)."""
        draw = self._generator(step).random()
        ends = np.cumsum(self.probs(step))
        # Rounding can leave the last end a hair below 1, and a draw beyond it.
        place = int(np.searchsorted(ends / ends[-1], draw, side="right"))
        return min(place, len(self.names) - 1)

    def picks(self, step: int) -> tuple[int, ...]:
        """Returns the indices of the problems that `step` trains, in ascending order.

        They are different ones, drawn by (seed, step), each with the probability of `rates`, by
        systematic sampling (Madow 1949) in an order that is drawn too: points at a distance of 1
        from each other, the first of which is drawn, on a line on which each problem covers as
        much as its rate.
        """
        if self.problems_per_step == 1:
            return (self.pick(step),)
        generator, rates = self._generator(step), self.rates(step)
        draw, order = generator.random(), generator.permutation(len(self.names))
        count = round(rates.sum())
        ends = np.cumsum(rates[order])
        points = (draw + np.arange(count)) * ends[-1] / count
        places = np.minimum(np.searchsorted(ends, points, side="right"), len(order) - 1)
        chosen = dict.fromkeys(int(order[place]) for place in places)
        # Rounding can put two points into one problem, and then leaves out its neighbour.
        chosen |= dict.fromkeys(int(i) for i in order if rates[i] > 0)
        return tuple(sorted(list(chosen)[:count]))

    def _generator(self, step: int) -> np.random.Generator:
        key = np.array([self.seed % 2**64, step % 2**64], np.uint64)
        return np.random.Generator(np.random.Philox(key=key))

    def table(self, train_steps: int) -> list[MixtureRow]:
        """Returns a row for each problem, for the log.

        Args:
          train_steps: of the whole run, over which shares and epochs are told.
        """
        # In the middle of equally many steps each: exact where shares are straight lines.
        parts = min(train_steps, _LOOKED_AT)
        steps = [int((part + 0.5) * train_steps / parts) for part in range(parts)]
        shares = np.mean([self.rates(step) for step in steps], axis=0)
        seen = shares * train_steps * np.asarray(self.examples_a_step)
        return [
            MixtureRow(
                name,
                self.sizes[place],
                self.examples_a_step[place],
                first_share=float(self.rates(0)[place]),
                share=float(shares[place]),
                epochs=float(seen[place]) / self.sizes[place],
            )
            for place, name in enumerate(self.names)
        ]
