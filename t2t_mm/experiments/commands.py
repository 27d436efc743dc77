"""The commands of runs: flags of mm-trainer and mm-eval, as a user would give them."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping

from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import plan
from t2t_mm.reports.run_report import training_log
from t2t_mm.runs import run_folder
from t2t_mm.settings import training


@dataclasses.dataclass(frozen=True)
class Common:
    """What all runs of an experiment have in common.

    Attributes:
      gin_files: of the trainings.
      gin_params: of them, before the statements of a variation.
      data_dir: of generated data.
      manual_dir: of corpora, which specialists may read.
      usr_dirs: of plugins.
      trainings: their settings as configured, by variation.
      split: that is measured; empty for that of evaluation.
      checkpoint: that is measured.
    """

    gin_files: tuple[str, ...]
    gin_params: tuple[str, ...]
    data_dir: pathlib.Path
    manual_dir: pathlib.Path
    usr_dirs: tuple[str, ...]
    trainings: Mapping[str, training.TrainSettings]
    split: str = ""
    checkpoint: str = "latest"

    def settings_of(self, run: plan.PlannedRun) -> training.TrainSettings:
        """Returns the settings of a run; a search has one set for tuned runs and trials."""
        return self.trainings.get(run.variation, next(iter(self.trainings.values())))


def trainer_flags(
    folder: folder_lib.ExperimentFolder,
    run: plan.PlannedRun,
    common: Common,
    train_steps: int | None,
) -> list[str]:
    """Returns the flags of mm-trainer for a run."""
    flags = [f"--problems={','.join(run.problems)}", f"--data_dir={common.data_dir}"]
    flags += [f"--output_dir={folder.run(run)}"]
    flags += [f"--gin_file={name}" for name in common.gin_files]
    statements = (*common.gin_params, *run.statements, *_of_fewer(run, common))
    flags += [f"--gin_param={text}" for text in statements]
    flags += [f"--seed={run.seed}"]
    if not run.is_joint:
        flags += ["--schedule=uniform"]  # that of the mixture may name the other problems
    if train_steps is not None:
        flags += [f"--train_steps={train_steps}"]
    if (left := _seconds_left(folder, run, common)) is not None:
        flags += [f"--train_seconds={left}"]
    return [*flags, *_plugins(common), "--json"]


def _of_fewer(run: plan.PlannedRun, common: Common) -> list[str]:
    """Returns statements in place of those that only a run of all problems can have."""
    settings = common.settings_of(run)
    statements = []
    most = len(run.problems) if run.is_joint else 1
    if settings.problems_per_step > most:
        statements.append(f"TrainSettings.problems_per_step = {most}")
    if settings.best_metric and settings.best_metric.partition("/")[0] not in run.problems:
        statements.append("TrainSettings.best_metric = ''")
    return statements


def _seconds_left(
    folder: folder_lib.ExperimentFolder, run: plan.PlannedRun, common: Common
) -> int | None:
    """Returns what is left of a time limit to a run that goes on: the trainer's is of each call."""
    log = run_folder.RunFolder(folder.run(run)).metrics_path
    limit = common.settings_of(run).train_seconds
    if not (limit and log.is_file()):
        return None
    return max(1, round(limit - training_log.TrainingLog.read(log).active_s))


def planned_steps(run: plan.PlannedRun, common: Common) -> int | None:
    """Returns the step that a run is to reach, where it is not the configured one.

    That of a run which depends on others is not known before these are done.
    """
    return 2 * common.settings_of(run).train_steps if run.group == "pairs" else None


def eval_flags(
    folder: folder_lib.ExperimentFolder, run: plan.PlannedRun, common: Common
) -> list[str]:
    """Returns the flags of mm-eval for a run."""
    flags = [f"--output_dir={folder.run(run)}", f"--data_dir={common.data_dir}"]
    if common.split:
        flags.append(f"--split={common.split}")
    if common.checkpoint != "latest":
        flags.append(f"--checkpoint={common.checkpoint}")
    return [*flags, *_plugins(common), "--json"]


def _plugins(common: Common) -> list[str]:
    return [f"--usr_dir={name}" for name in common.usr_dirs]
