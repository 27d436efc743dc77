"""Schedules: the shares of a mixture's problems at each step.

A schedule is written as `name` or `name:arguments`:

    proportional                    each example equally often, whatever its problem
    temperature:2.0                 examples to the power 1/2: small problems more often
    temperature:2.0,cap=100000      ... and no problem counts as more than 100,000 examples
    uniform                         all problems in equally many steps
    constant:0.7,0.3                these shares of steps, in the order of the problems
    constant:wmt_ende=0.7,imagenet=0.3
    linear:0=0.9,0.1;10000=0.5,0.5  weights at breakpoints, linear between them
    step:0=1,0;5000=0.5,0.5         weights that hold from each breakpoint on
    adaptive:2.0                    as temperature, and more of problems whose loss has risen

What the string leaves out comes from gin (`Temperature.temperature = 5.0`). Weights
need not sum to one.

Batches of different problems hold different numbers of examples: 32 pictures, or 12 long
texts. `proportional`, `temperature` and `adaptive` give shares of examples, as T5 and seqio do,
which the mixture converts to shares of steps; all others give shares of steps.
(`temperature:1e9` takes equally many examples of every problem, `uniform` equally many steps.)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from t2t_mm import config, errors, registry
from t2t_mm.config import ranges
from t2t_mm.mixture import old_schedules, progress

Weights = tuple[float, ...] | Mapping[str, float]
"""One for each problem, in the order of the problems or by their names."""


class Schedule:
    """The base of all schedules: frozen dataclasses without state.

    One that looks at the progress of the problems has `looks_every` and `adapted` besides; the
    mixture keeps their losses for it, and checkpoints keep these.
    """

    shares_of: ClassVar[Literal["steps", "examples"]] = "steps"
    """Are the shares fractions of steps or of examples?

    The mixture divides shares of examples by the examples in a batch of each problem.
    """

    def __call__(self, step: int, sizes: Sequence[int], names: Sequence[str] = ()) -> np.ndarray:
        """Returns the share of each problem at `step`: float64 `[P]` that sums to one.

        They are fractions of steps or examples, as `shares_of` says.

        Args:
          step: counted from 0.
          sizes: training examples of each problem.
          names: of the problems; needed for weights by name.

        Raises:
          ConfigError: when weights do not fit the problems.
        """
        raise NotImplementedError(f"{type(self).__name__}.__call__")

    def breakpoints(self) -> tuple[int, ...]:
        """Returns the breakpoints: the steps at which the schedule is checked."""
        return (0,)

    def looks_every(self) -> int:
        """Returns after how many steps the schedule looks at losses again; 0 for never."""
        return 0

    def adapted(
        self,
        step: int,
        sizes: Sequence[int],
        names: Sequence[str],
        losses: Sequence[progress.Loss | None],
    ) -> np.ndarray:
        """Returns the shares of a schedule that looks at losses; otherwise as `__call__`.

        That itself, with nothing known yet, serves for checks and tables.

        Args:
          step: counted from 0.
          sizes: training examples of each problem.
          names: of the problems.
          losses: of each problem, as they were at the last step that `looks_every` divides; None
            for one that has had too few steps. The same on every worker.
        """
        return self(step, sizes, names)

    @classmethod
    def from_arguments(cls, text: str) -> dict[str, Any]:
        """Parses the arguments, the text after the colon, into fields.

        They are numbers in the order of the fields, or `field=number`, separated by commas.
        """
        fields = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        values: dict[str, Any] = {}
        for place, part in enumerate(text.split(",")):
            name, equals, number = part.rpartition("=")
            name = name.strip() if equals else ""
            if not equals and place < len(fields):
                name = fields[place]
            if name not in fields or name in values:
                raise errors.ConfigError(
                    f"The schedule does not take {part.strip()!r}",
                    received=repr(text),
                    expected=", ".join(f"{field}=NUMBER" for field in fields) or "nothing after :",
                    hint=errors.did_you_mean(name, fields),
                )
            values[name] = _number(number, text)
        return values


@config.register
@dataclasses.dataclass(frozen=True)
class Proportional(Schedule):
    """Rates of examples proportional to size: every example is seen equally often."""

    shares_of = "examples"

    def __call__(self, step: int, sizes: Sequence[int], names: Sequence[str] = ()) -> np.ndarray:
        return _normalised(np.asarray(sizes, np.float64))


@config.register
@dataclasses.dataclass(frozen=True)
class Temperature(Schedule):
    """Rates of examples by size to the power of 1/temperature (Raffel et al. 2020, 3.5.2).

    Args:
      temperature: 1 is proportional; towards infinity, equally many examples of each.
      cap: the size of a larger problem counts as this; 0 for no cap.
    """

    shares_of = "examples"

    temperature: Annotated[float, ranges.numbers(1e-3)] = 2.0
    cap: Annotated[float, ranges.numbers(0)] = 0.0

    def __post_init__(self) -> None:
        ranges.check(self)

    def __call__(self, step: int, sizes: Sequence[int], names: Sequence[str] = ()) -> np.ndarray:
        counted = np.asarray(sizes, np.float64)
        if self.cap:
            counted = np.minimum(counted, self.cap)
        # Relative to the largest, so that low temperatures do not overflow.
        return _normalised((counted / counted.max()) ** (1.0 / self.temperature))


@config.register
@dataclasses.dataclass(frozen=True)
class Uniform(Schedule):
    """Equal shares of steps for all problems."""

    def __call__(self, step: int, sizes: Sequence[int], names: Sequence[str] = ()) -> np.ndarray:
        return np.full(len(sizes), 1.0 / len(sizes))


@config.register
@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """Constant shares of steps.

    Args:
      weights: one for each problem, in their order or by their names; need not sum to 1.
    """

    weights: Weights = ()

    def __post_init__(self) -> None:
        _check(self.weights, "constant:0.7,0.3")

    def __call__(self, step: int, sizes: Sequence[int], names: Sequence[str] = ()) -> np.ndarray:
        return _shares(self.weights, sizes, names)

    @classmethod
    def from_arguments(cls, text: str) -> dict[str, Any]:
        return {"weights": _weights(text)}


class _Points(Schedule):
    """The base of schedules with breakpoints: `points` are `(step, weights)`."""

    points: tuple[tuple[int, Weights], ...]

    def __post_init__(self) -> None:
        example = f"{type(self).__name__.lower()}:0=0.9,0.1;10000=0.5,0.5"
        if not self.points:
            raise errors.ConfigError("The schedule has no points", expected=f"as in {example}")
        steps = [step for step, _ in self.points]
        if steps[0] < 0 or sorted(set(steps)) != steps:
            raise errors.ConfigError(
                "The steps of a schedule do not grow",
                received=", ".join(map(str, steps)),
                expected="steps of 0 or more, each larger than the one before",
            )
        for _, weights in self.points:
            _check(weights, example)

    def breakpoints(self) -> tuple[int, ...]:
        return tuple(step for step, _ in self.points)

    @classmethod
    def from_arguments(cls, text: str) -> dict[str, Any]:
        points = []
        for part in text.split(";"):
            step, equals, weights = part.partition("=")
            if not equals or not step.strip().isdecimal():
                raise errors.ConfigError(
                    f"A point of the schedule does not begin with its step: {part.strip()!r}",
                    received=repr(text),
                    expected="STEP=WEIGHTS;STEP=WEIGHTS, as in 0=0.9,0.1;10000=0.5,0.5",
                )
            points.append((int(step), _weights(weights)))
        return {"points": tuple(points)}


@config.register
@dataclasses.dataclass(frozen=True)
class Linear(_Points):
    """Piecewise linear shares of steps, constant before the first and after the last point.

    Args:
      points: `(step, weights)`, in ascending order of steps.
    """

    points: tuple[tuple[int, Weights], ...] = ()

    def __call__(self, step: int, sizes: Sequence[int], names: Sequence[str] = ()) -> np.ndarray:
        shares = np.stack([_shares(weights, sizes, names) for _, weights in self.points])
        return _normalised(
            np.array([np.interp(step, self.breakpoints(), column) for column in shares.T])
        )


@config.register
@dataclasses.dataclass(frozen=True)
class Step(_Points):
    """Piecewise constant shares of steps; before the first point those of the first.

    Args:
      points: `(step, weights)`, in ascending order of steps.
    """

    points: tuple[tuple[int, Weights], ...] = ()

    def __call__(self, step: int, sizes: Sequence[int], names: Sequence[str] = ()) -> np.ndarray:
        place = int(np.searchsorted(self.breakpoints(), step, side="right")) - 1
        return _shares(self.points[max(place, 0)][1], sizes, names)


def parse(text: str) -> Schedule:
    """Returns the schedule that `name` or `name:arguments` describes.

    Raises:
      ConfigError: for an unknown name or arguments that the schedule does not take.
    """
    name, colon, arguments = text.strip().partition(":")
    name = name.strip()
    if name not in registry.schedules and (hint := old_schedules.hint(name)):
        raise errors.ConfigError(
            f"Unknown schedule {name!r}",
            expected=f"one of {', '.join(registry.schedules.names())}",
            hint=hint,
        )
    cls = registry.schedules.get(name)
    return config.build(cls, **(cls.from_arguments(arguments) if colon else {}))


def _weights(text: str) -> Weights:
    """Reads `0.7,0.3` or `a=0.7,b=0.3`."""
    parts = [part.rpartition("=") for part in text.split(",")]
    if not any(equals for _, equals, _ in parts):
        return tuple(_number(number, text) for _, _, number in parts)
    names = [name.strip() for name, _, _ in parts]
    if not all(names) or len(set(names)) != len(names):
        raise errors.ConfigError(
            "Weights are either all named, each name once, or none is",
            received=repr(text),
            expected="0.7,0.3 or NAME=0.7,NAME=0.3",
        )
    return {name: _number(number, text) for name, (_, _, number) in zip(names, parts, strict=True)}


def _number(part: str, text: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise errors.ConfigError(
            f"The schedule has {part.strip()!r} where a number belongs", received=repr(text)
        ) from None


def _check(weights: Weights, example: str) -> None:
    """Raises unless there are weights, finite, not negative, and not all zero."""
    values = list(weights.values() if isinstance(weights, Mapping) else weights)
    bad = not values or any(not math.isfinite(v) or v < 0 for v in values)
    if bad or not any(values):
        raise errors.ConfigError(
            "The weights of the schedule cannot be used",
            received=", ".join(f"{v:g}" for v in values) or "none",
            expected=f"numbers of 0 or more, not all 0, as in {example}",
        )


def _shares(weights: Weights, sizes: Sequence[int], names: Sequence[str]) -> np.ndarray:
    """Returns the weights in the order of the problems, summing to one."""
    if isinstance(weights, Mapping):
        for name in weights:
            if name not in names:
                raise errors.ConfigError(
                    f"The schedule has a weight for {name!r}, which is not trained",
                    expected=f"one of {', '.join(names)}",
                    hint=errors.did_you_mean(name, names),
                )
        missing = [name for name in names if name not in weights]
        if missing:
            raise errors.ConfigError(
                f"The schedule has no weight for {missing[0]!r}", hint="Give it one, or 0"
            )
        weights = tuple(weights[name] for name in names)
    if len(weights) != len(sizes):
        raise errors.ConfigError(
            "The schedule's weights do not fit the problems",
            received=f"{len(weights)} weights ({', '.join(f'{w:g}' for w in weights)})",
            expected=f"{len(sizes)}, one for each of {', '.join(names) or 'the problems'}",
        )
    return _normalised(np.asarray(weights, np.float64))


def _normalised(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum()
