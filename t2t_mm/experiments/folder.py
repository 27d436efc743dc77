"""The folder of an experiment: what it is of, its runs, and what became of them.

experiment.json       name, problems, and the configuration of each variation
runs/NAME/SEED/       ordinary run folders
outcomes/NAME/SEED.json, logs/NAME/SEED.log
tables/*.csv, report.html
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.experiments import outcome as outcome_lib
from t2t_mm.experiments import plan
from t2t_mm.files import atomic, mirrors, paths
from t2t_mm.schemas import experiment as schemas
from t2t_mm.schemas import json_files

FORMAT = 1
_FILE = "experiment.json"
_NOT_COMPARED = (
    "ArtSettings.",
    "ExperimentSettings.groups",
    "ExperimentSettings.seeds",
    "ExperimentSettings.variations",
    "SlurmSettings.",
    "TuneSettings.trials",
)
"""Settings that may change between calls: further seeds, variations and trials are added. The
split and the checkpoint may not: runs that are done are not measured again."""

Values = Mapping[str, Mapping[str, str]]


class ExperimentFolder:
    """The folder, which need not exist."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = paths.expanded(path)
        mirrors.fetch(self.path)
        self.tables = self.path / "tables"
        self.report_path = self.path / "report.html"

    def run(self, run: plan.PlannedRun) -> pathlib.Path:
        """Returns the run folder of a run."""
        return self.path / "runs" / run.name / str(run.seed)

    def log(self, run: plan.PlannedRun) -> pathlib.Path:
        """Returns the file of what the commands of a run said."""
        return self.path / "logs" / run.name / f"{run.seed}.log"

    def outcome_path(self, run: plan.PlannedRun) -> pathlib.Path:
        """Returns the file of what became of a run."""
        return self.path / "outcomes" / run.name / f"{run.seed}.json"

    def outcome(self, run: plan.PlannedRun) -> outcome_lib.Outcome:
        """Returns what became of a run, which need not have begun.

        Raises:
          DataError: the file of it is damaged.
        """
        return outcome_lib.load(self.outcome_path(run)) or outcome_lib.Outcome.of(run)

    def save(self, run: plan.PlannedRun, found: outcome_lib.Outcome) -> None:
        """Keeps what became of a run."""
        found.save(self.outcome_path(run))

    def set_aside(self, run: plan.PlannedRun) -> pathlib.Path:
        """Gives a run that is not the planned one any more another name; returns its folder."""
        number = 1
        while (aside := self._beside(run, number)).exists():
            number += 1
        with atomic.writing(aside):
            aside.parent.mkdir(parents=True, exist_ok=True)
            if self.run(run).exists():
                self.run(run).rename(aside)
            self.outcome_path(run).unlink(missing_ok=True)
        return aside

    def _beside(self, run: plan.PlannedRun, number: int) -> pathlib.Path:
        return self.path / "runs" / f"{run.name}.before_{number}" / str(run.seed)

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Holds the experiment for this process.

        Raises:
          LockedError: another process holds it.
          DataError: its file cannot be written.
        """
        return atomic.lock(self.path / ".lock", f"the experiment in {self.path}")

    def check(self, name: str, problems: Sequence[str], variations: Values) -> None:
        """Raises unless this experiment can live here.

        Args:
          name: of the experiment.
          problems: of it.
          variations: values as text, by variation and `CLASS.FIELD`.

        Raises:
          ConfigError: the folder holds another one, or something else.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise errors.ConfigError(f"The output folder {self.path} is a file")
        held = self.held()
        if held is None:
            names = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
            if names:
                raise errors.ConfigError(
                    f"The output folder {self.path} holds files that are no experiment's",
                    received=errors.first_few(names),
                    expected="an empty or new folder, or that of an experiment to go on with",
                )
            return
        differs = _difference(held, name, problems, variations)
        if differs:
            raise errors.ConfigError(
                f"The output folder {self.path} holds another experiment: {differs}",
                hint="Give another --output_dir, or what that experiment was begun with",
            )

    def begin(
        self, name: str, problems: Sequence[str], variations: Values, command: Sequence[str]
    ) -> None:
        """Writes what the experiment is of; seeds and variations of before are kept."""
        held = self.held() or {"variations": {}}
        value: dict[str, Any] = {
            "format": FORMAT,
            "experiment": name,
            "problems": list(problems),
            "command": list(command),
            "variations": held["variations"] | {n: dict(own) for n, own in variations.items()},
        }
        atomic.write_json(self.path / _FILE, value)

    def held(self) -> dict[str, Any] | None:
        """Returns what the experiment in the folder is of; None where there is none.

        Raises:
          ConfigError: the file is damaged.
        """
        path = self.path / _FILE
        if not path.is_file():
            return None
        hint = "Give another --output_dir"
        found = json_files.read(path, schemas.Experiment, error=errors.ConfigError, hint=hint)
        return dict(found)


def _difference(
    held: Mapping[str, Any], name: str, problems: Sequence[str], variations: Values
) -> str:
    """Returns the first thing that differs, in words; empty without any."""
    if held["experiment"] != name:
        return f"{held['experiment']}, not {name}"
    if held["problems"] != list(problems):
        return f"of {', '.join(held['problems'])}, not {', '.join(problems)}"
    for variation, values in variations.items():
        old = held["variations"].get(variation, values)
        for key in sorted(old.keys() & values.keys()):  # others are of another version's code
            if old[key] != values[key] and not key.startswith(_NOT_COMPARED):
                return f"{key} of {variation} is {old[key]} there, and {values[key]} here"
    return ""
