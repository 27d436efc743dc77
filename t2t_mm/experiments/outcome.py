"""What became of a run, kept in `outcomes/NAME/SEED.json`."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from typing import Any

from t2t_mm import errors
from t2t_mm.experiments import plan
from t2t_mm.files import atomic
from t2t_mm.schemas import experiment as schemas
from t2t_mm.schemas import json_files

OVER = ("done", "pruned")
"""Statuses of runs that are not carried out again."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
      name, seed, variation, group, problems: as planned.
      status: how it ended, or where it is.
      why: it ended badly, in one line.
      train_steps: the step that it is to reach, where the experiment decides it.
      is_trained: whether its training has come to an end, so that it is to be measured only.
      step: that was measured.
      seconds: spent in steps of training, without evaluations.
      steps: of training, by problem.
      examples: that were seen, by problem.
      results: by problem and metric.
      notes: needed to compare the results, by problem and metric.
      commands: that were given, as typed.
      log: of these commands, within the experiment's folder.
      machine: that it was trained on.
    """

    name: str
    seed: int
    variation: str
    group: str
    problems: tuple[str, ...]
    status: schemas.Status = "planned"
    why: str = ""
    train_steps: int | None = None
    is_trained: bool = False
    step: int = 0
    seconds: float = 0.0
    steps: dict[str, float] = dataclasses.field(default_factory=dict)
    examples: dict[str, float] = dataclasses.field(default_factory=dict)
    results: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    commands: tuple[tuple[str, ...], ...] = ()
    log: str = ""
    machine: str = ""

    @classmethod
    def of(cls, run: plan.PlannedRun) -> Outcome:
        """Returns that of a run which has not begun."""
        return cls(run.name, run.seed, run.variation, run.group, run.problems)

    @property
    def is_over(self) -> bool:
        """Whether it need not be carried out again."""
        return self.status in OVER

    def replace(self, **fields: Any) -> Outcome:
        """Returns a copy with other values of some fields."""
        return dataclasses.replace(self, **fields)

    def value(self, problem: str, metric: str) -> float | None:
        """Returns a result; None where there is none that is a number."""
        found = self.results.get(problem, {}).get(metric)
        return found if found is not None and math.isfinite(found) else None

    def save(self, path: pathlib.Path) -> None:
        """Writes it, atomically.

        Raises:
          DataError: the file cannot be written.
        """
        fields = dataclasses.asdict(self)
        fields["results"] = {
            problem: {name: v if math.isfinite(v) else None for name, v in own.items()}
            for problem, own in self.results.items()
        }
        fields["seconds"] = self.seconds if math.isfinite(self.seconds) else 0.0
        for name in ("steps", "examples"):
            fields[name] = {p: n for p, n in fields[name].items() if math.isfinite(n)}
        atomic.write_json(path, fields)


def load(path: pathlib.Path) -> Outcome | None:
    """Reads what is known of a run; None where nothing is.

    Raises:
      DataError: the file is damaged.
    """
    if not path.is_file():
        return None
    found: dict[str, Any] = dict(
        json_files.read(
            path,
            schemas.Outcome,
            error=errors.DataError,
            hint="Remove it: the run is then measured again",
        )
    )
    results = {
        problem: {name: math.nan if v is None else v for name, v in own.items()}
        for problem, own in found["results"].items()
    }
    fields = {field.name for field in dataclasses.fields(Outcome)}
    held = {name: value for name, value in found.items() if name in fields}
    held["commands"] = tuple(tuple(words) for words in found["commands"])
    held["problems"] = tuple(found["problems"])
    return Outcome(**held | {"results": results})
