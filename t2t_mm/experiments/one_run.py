"""One run of an experiment: trained by mm-trainer, measured by mm-eval."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import pathlib
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.experiments import commands, curves, plan, processes, specialists
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import outcome as outcome_lib
from t2t_mm.process import signals
from t2t_mm.reports.run_report import training_log
from t2t_mm.runs import run_folder, starts

_LONGEST_WHY = 400
_PAUSE_S = 0.5


def carry_out(
    folder: folder_lib.ExperimentFolder,
    run: plan.PlannedRun,
    common: commands.Common,
    running: processes.Processes,
    watch: Callable[[pathlib.Path], bool] | None = None,
) -> outcome_lib.Outcome:
    """Trains a run, or goes on with it, measures it, and keeps what became of it.

    What goes wrong with the run is in its outcome: the others are to go on.

    Args:
      folder: of the experiment.
      run: whose runs of before are done.
      common: to all runs.
      running: the processes of the experiment.
      watch: of a trial, which is trained only: says of a run folder whether to end the training.

    Returns:
      the outcome, as it is kept.
    """
    if run.group == specialists.GROUP:
        data, manual = common.data_dir, common.manual_dir
        return specialists.carry_out(folder, run, running, data_dir=data, manual_dir=manual)
    outcome = folder.outcome(run)
    log = str(folder.log(run).relative_to(folder.path))
    steps = outcome.train_steps or _train_steps(folder, run, common)
    outcome = outcome_lib.Outcome.of(run).replace(
        status="running", train_steps=steps, log=log, is_trained=outcome.is_trained
    )
    folder.save(run, outcome)
    trainer = processes.ours("trainer", *commands.trainer_flags(folder, run, common, steps))
    evaluation = processes.ours("eval", *commands.eval_flags(folder, run, common))
    words = [trainer] if watch is not None else [trainer, evaluation]
    outcome = outcome.replace(commands=tuple(map(processes.typed, words)))
    try:
        if watch is None:
            outcome = _carried_out(folder, run, outcome, trainer, evaluation, running)
        else:
            outcome = _tried(folder, run, outcome, trainer, running, watch)
    except processes.StoppedError:
        outcome = outcome.replace(status="interrupted", why="the experiment was interrupted")
    folder.save(run, outcome)
    return outcome


def _train_steps(
    folder: folder_lib.ExperimentFolder, run: plan.PlannedRun, common: commands.Common
) -> int | None:
    """Returns the step that a run is to reach, where its configuration does not say it.

    Alone for as many steps as jointly: those that the joint run has given the problem. Alone for
    as much time: as many as fit at the pace of that run, so that the rate has reached its end.
    """
    if not run.after:
        return commands.planned_steps(run, common)
    before = [
        folder.outcome(dataclasses.replace(run, name=name, group="", after=()))
        for name in run.after
    ]
    (problem,) = run.problems
    own_steps = round(before[0].steps.get(problem, 0))
    if run.group == "alone_for_steps":
        return max(1, own_steps)
    taken, seconds = before[1].steps.get(problem, 0), before[1].seconds
    pace = taken / seconds if seconds else 0.0
    return max(1, round(pace * before[0].seconds))


def _carried_out(
    folder: folder_lib.ExperimentFolder,
    run: plan.PlannedRun,
    outcome: outcome_lib.Outcome,
    trainer: Sequence[str],
    evaluation: Sequence[str],
    running: processes.Processes,
) -> outcome_lib.Outcome:
    path, log = folder.run(run), folder.log(run)
    _wait_for_orphan(path, running)
    if outcome.is_trained and path.is_dir():  # a limit of time would begin anew
        outcome = _of_training(path, outcome)
    else:
        trained = running.run(trainer, log)
        outcome = _of_training(path, outcome).replace(is_trained=not trained.code)
        if trained.code:
            return _failed(outcome, "mm-trainer", trained)
        folder.save(run, outcome)
    measured = running.run(evaluation, log)
    if measured.code:
        return _failed(outcome, "mm-eval", measured)
    try:
        answer = json.loads(measured.stdout)
        results = {problem: _numbers(own) for problem, own in answer["results"].items()}
        notes, step = answer["notes"], int(answer["step"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return outcome.replace(status="failed", why="mm-eval gave no answer that can be read")
    return outcome.replace(status="done", why="", step=step, results=results, notes=notes)


def _tried(
    folder: folder_lib.ExperimentFolder,
    run: plan.PlannedRun,
    outcome: outcome_lib.Outcome,
    trainer: Sequence[str],
    running: processes.Processes,
    watch: Callable[[pathlib.Path], bool],
) -> outcome_lib.Outcome:
    """Trains a trial; its last evaluation is its result."""
    path = folder.run(run)
    _wait_for_orphan(path, running)
    trained = running.run(trainer, folder.log(run), is_enough=functools.partial(watch, path))
    outcome = _of_training(path, outcome)
    curve = curves.read(run_folder.RunFolder(path), run.problems)
    if curve:
        outcome = outcome.replace(results=curve[max(curve)])
    if trained.is_cut:
        return outcome.replace(status="pruned")
    if trained.code:
        return _failed(outcome, "mm-trainer", trained)
    watch(path)
    return outcome.replace(status="done")


def _wait_for_orphan(path: pathlib.Path, running: processes.Processes) -> None:
    """Waits for a training that has outlived an experiment which was killed."""
    while path.is_dir() and not running.is_over:
        try:
            with run_folder.RunFolder(path).lock():
                return
        except errors.LockedError:
            time.sleep(_PAUSE_S)
        except errors.DataError:
            return  # of a folder that cannot be written to the training tells itself


def _of_training(path: pathlib.Path, outcome: outcome_lib.Outcome) -> outcome_lib.Outcome:
    """Adds what the run folder tells of the training."""
    folder = run_folder.RunFolder(path)
    log = training_log.TrainingLog.read(folder.metrics_path)
    totals = {problem: own for problem, own in log.totals.items() if problem in outcome.problems}
    began = starts.read(folder.starts_path)
    return outcome.replace(
        step=log.last_step,
        seconds=round(log.active_s, 3),
        steps={problem: own.steps for problem, own in totals.items()},
        examples={problem: own.examples for problem, own in totals.items()},
        machine=_machine(began[-1].get("machine") if began else None),
    )


def _machine(told: Any) -> str:
    if not isinstance(told, dict):
        return platform.platform()
    cores = told.get("cores")
    plural = "" if cores == 1 else "s"
    return f"{told.get('system', platform.platform())}, {cores} core{plural}"


def _failed(
    outcome: outcome_lib.Outcome, command: str, ended: processes.Ended
) -> outcome_lib.Outcome:
    if ended.code == signals.EXIT_CODE:
        return outcome.replace(status="interrupted", why=ended.said or f"{command} was interrupted")
    if ended.code < 0:
        why = f"{command} was ended by signal {-ended.code}"
    else:
        why = ended.said or f"{command} ended with code {ended.code}"
    return outcome.replace(status="failed", why=errors.shortened(why, _LONGEST_WHY))


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: math.nan if value is None else float(value)
        for name, value in values.items()
        if value is None or isinstance(value, int | float)
    }
