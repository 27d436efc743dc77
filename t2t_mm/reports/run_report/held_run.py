"""A run as a report sees it: what its folder holds, read once."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.data import task as task_lib
from t2t_mm.reports.run_report import kept_decodes, measured, training_log
from t2t_mm.runs import opened_run, starts


@dataclasses.dataclass(frozen=True)
class HeldRun:
    """What the folder of a run holds.

    Attributes:
      name: by which the report calls it: that of its folder, or more where two are called so.
      opened: problems, vocabularies, settings.
      log: of its training.
      starts: of its training, the first one first; none of runs of before they were kept.
      splits: by problem, the one whose decodes are shown; the newest where none is named.
    """

    name: str
    opened: opened_run.OpenedRun
    log: training_log.TrainingLog
    starts: list[dict[str, Any]]
    splits: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def path(self) -> pathlib.Path:
        """The run folder."""
        return self.opened.folder.path

    @functools.cached_property
    def measured(self) -> dict[str, measured.Measured]:
        """The metrics of kept decodes, by problem; problems without any are left out."""
        kept = {name: self.kept(name) for name in self.opened.tasks}
        return {
            name: measured.measure(self.opened.tasks[name], own)
            for name, own in kept.items()
            if own is not None
        }

    def kept(self, problem: str) -> kept_decodes.KeptDecodes | None:
        """Returns the newest decodes of a problem; None without any."""
        task = self.opened.tasks[problem]
        return kept_decodes.find(self.opened.folder, task, self.splits.get(problem))

    def told(self, name: str) -> Any:
        """Returns what the last start of the training told; None where it told nothing."""
        return next((s[name] for s in reversed(self.starts) if s.get(name) is not None), None)

    def examples(self, task: task_lib.Task) -> dict[str, int]:
        """Returns how many examples each split has: as its data says, or as the run does."""
        if task.has_data():
            try:
                manifest = task.manifest()
                return {split: manifest.examples(split) for split in manifest.splits}
            except errors.UserError:
                pass  # damaged: the report is of the run
        kept = self.told("examples")
        own = kept.get(task.name) if isinstance(kept, dict) else None
        return {s: n for s, n in own.items() if isinstance(n, int)} if isinstance(own, dict) else {}


def open_runs(
    folders: Sequence[str | os.PathLike[str]], *, data_dir: str | os.PathLike[str] | None = None
) -> list[HeldRun]:
    """Opens runs for a report.

    Args:
      folders: of the runs.
      data_dir: of generated data, if it is not where the trainings read it.

    Raises:
      ConfigError: there is no run in a folder, or one is given twice.
      CheckpointError: a vocabulary is not the one that a run was trained with.
    """
    opened = [opened_run.open_run(folder, data_dir=data_dir) for folder in folders]
    paths = [run.folder.path.resolve() for run in opened]
    for place, path in enumerate(paths):
        if path in paths[:place]:
            raise errors.ConfigError(
                f"The run in {path} is given twice", expected="a folder for each --output_dir"
            )
    splits = _common_splits(opened)
    return [
        HeldRun(
            name=name,
            opened=run,
            log=training_log.TrainingLog.read(run.folder.metrics_path),
            starts=starts.read(run.folder.starts_path),
            splits=splits,
        )
        for name, run in zip(names(paths), opened, strict=True)
    ]


def _common_splits(runs: Sequence[opened_run.OpenedRun]) -> dict[str, str]:
    """Returns, by problem, a split of which all runs with decodes of the problem have some.

    Of several the one that the first run has decoded last.
    """
    common: dict[str, str] = {}
    for name in {name for run in runs for name in run.tasks} if len(runs) > 1 else ():
        kept = [
            (run, found)
            for run in runs
            if name in run.tasks and (found := kept_decodes.splits(run.folder, run.tasks[name]))
        ]
        shared = set.intersection(*(found for _, found in kept)) if kept else set()
        if shared:
            first = kept[0][0]
            newest = kept_decodes.find(first.folder, first.tasks[name])
            own = newest.split if newest is not None else ""
            common[name] = own if own in shared else min(shared)
    return common


def names(paths: Sequence[pathlib.Path]) -> list[str]:
    """Returns the last parts of paths, as few as tell them apart."""
    for count in range(1, max(len(path.parts) for path in paths) + 1):
        found = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(found)) == len(found):
            return found
    return [str(path) for path in paths]
