"""The study of a search: Optuna's, kept in a journal, which trials report to."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from t2t_mm.experiments import curves
from t2t_mm.process import extras
from t2t_mm.runs import run_folder

_NAME = "trials"


@dataclasses.dataclass(frozen=True)
class Watch:
    """Reports the evaluations of a trial to its study, which says when it is not worth more.

    Attributes:
      journal: of the study.
      number: of the trial.
      base: the evaluations of the untuned run.
      metric: of the objective.
      prune_after: trials that must have ended before.
    """

    journal: pathlib.Path
    number: int
    base: curves.Curve
    metric: str
    prune_after: int

    def __call__(self, folder: pathlib.Path) -> bool:
        """Returns whether the run in a folder is to be ended."""
        problems = list(next(iter(self.base.values())))
        curve = curves.read(run_folder.RunFolder(folder), problems)
        study = opened(self.journal, self.prune_after, seed=0)
        trial = optuna().trial.Trial(study, study.get_trials(deepcopy=False)[self.number]._trial_id)
        known = study.get_trials(deepcopy=False)[self.number].intermediate_values
        is_poor = False
        for step in sorted(curve.keys() & self.base.keys()):
            value = curves.gain(curve[step], self.base[step], self.metric)
            if value is not None and step not in known:
                trial.report(value, step)
                is_poor = bool(self.prune_after) and trial.should_prune()
        return is_poor


def optuna() -> Any:
    """Returns Optuna, which tells of warnings only.

    Raises:
      ConfigError: it is not installed.
    """
    found = extras.load("optuna", extra="experiments", what="Tuning")
    found.logging.set_verbosity(found.logging.WARNING)
    return found


def opened(journal: pathlib.Path, prune_after: int, *, seed: int) -> Any:
    """Returns the study that a journal holds, or a new one.

    Args:
      journal: a file.
      prune_after: trials that must have ended before others are pruned.
      seed: of its draws.
    """
    module = optuna()
    backend = module.storages.journal.JournalFileBackend(str(journal))
    return module.create_study(
        study_name=_NAME,
        storage=module.storages.JournalStorage(backend),
        sampler=module.samplers.TPESampler(seed=seed),
        pruner=module.pruners.MedianPruner(n_startup_trials=max(1, prune_after)),
        direction="maximize",
        load_if_exists=True,
    )
