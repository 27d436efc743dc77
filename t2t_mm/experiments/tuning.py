"""Tuning: Optuna's search for one set of hyperparameters for all problems together."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.experiments import curves, plan, tables
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import outcome as outcome_lib
from t2t_mm.experiments import study as study_lib
from t2t_mm.files import atomic
from t2t_mm.runs import run_folder
from t2t_mm.settings import experiments as settings_lib

GROUP = plan.TRIAL
_TABLE = "trials"
_RUN = "run"
"""The attribute of a trial that names its run."""

CarryOut = Callable[[Sequence[plan.PlannedRun], Mapping[str, study_lib.Watch]], None]


def planned(
    settings: settings_lib.ExperimentSettings,
    tune: settings_lib.TuneSettings,
    problems: Sequence[str],
    tuned: Sequence[str] = (),
) -> list[plan.PlannedRun]:
    """Returns the runs that compare tuned and untuned hyperparameters.

    Args:
      settings: of the experiment.
      tune: of the search.
      problems: all of them; those of the search share runs, and the others do.
      tuned: gin statements that the search has found.

    Raises:
      ConfigError: the experiment does not fit a search.
    """
    unknown = [name for name in tune.tuned_on if name not in problems]
    if unknown or not tune.tuned_on or not tune.space:
        raise errors.ConfigError(
            "The search needs problems of the experiment, and parameters",
            received=f"tuned_on = {tune.tuned_on}, {len(tune.space)} parameters in space",
            expected=f"TuneSettings.tuned_on with some of {', '.join(problems)}",
            hint=errors.did_you_mean(unknown[0], problems) if unknown else None,
        )
    if settings.groups != ("joint",) or len(settings.variations) > 1:
        raise errors.ConfigError(
            "A search has variations of its own, tuned and untuned, of joint runs",
            received=f"groups = {settings.groups}, {len(settings.variations)} variations",
            expected="those that are the default",
        )
    own = dataclasses.replace(settings, variations=(("untuned",), ("tuned", *tuned)))
    others = [name for name in problems if name not in tune.tuned_on]
    runs = []
    for name, each in (("seen", list(tune.tuned_on)), ("unseen", others)):
        if each:
            found = plan.plan(own, each)
            runs += [dataclasses.replace(run, name=f"{run.name}.{name}") for run in found]
    return sorted(runs, key=lambda run: settings.seeds.index(run.seed))


def search(
    folder: folder_lib.ExperimentFolder,
    tune: settings_lib.TuneSettings,
    base: plan.PlannedRun,
    *,
    at_once: int,
    carry_out: CarryOut,
) -> list[str]:
    """Tries sets of hyperparameters, goes on with a search, and returns the best as statements.

    Args:
      folder: of the experiment.
      tune: of the search.
      base: the untuned run, which is done.
      at_once: trials that are carried out together.
      carry_out: carries out runs, each with its watch.

    Raises:
      ConfigError: Optuna is not installed, the untuned run has no evaluations or none of the
        metric, or no trial came to its end.
    """
    optuna = study_lib.optuna()
    curve = curves.read(run_folder.RunFolder(folder.run(base)), base.problems)
    if not curve:
        raise errors.ConfigError(
            f"The untuned run {base.key} has no evaluations to compare trials with",
            hint="Give another --output_dir; TrainSettings.eval_every says when it is evaluated",
        )
    last = curve[max(curve)]
    if curves.gain(last, last, tune.metric) is None:
        raise errors.ConfigError(
            f"The untuned run {base.key} has no {tune.metric} of every problem to compare trials "
            "with, or one of 0",
            received="; ".join(f"{name}: {', '.join(own)}" for name, own in last.items()),
            hint="TuneSettings.metric names the objective",
        )
    journal = folder.path.resolve() / "tune" / "journal.log"  # jobs may be elsewhere
    journal.parent.mkdir(parents=True, exist_ok=True)
    begun = len(study_lib.opened(journal, tune.prune_after, seed=0).get_trials(deepcopy=False))
    study = study_lib.opened(
        journal, tune.prune_after, seed=base.seed + begun
    )  # no draw comes twice
    _begin_again(study, optuna)
    most = begun + 2 * tune.trials  # where every other one fails, it is not worth more
    while (left := tune.trials - len(_finished(study, optuna))) > 0 and len(study.trials) < most:
        runs, watches, trials = [], {}, {}
        for _ in range(min(left, at_once)):
            trial = study.ask()
            run = _run(trial, tune, base)
            trial.set_user_attr(_RUN, run.name)
            runs.append(run)
            trials[run.key] = trial
            watches[run.key] = study_lib.Watch(
                journal, trial.number, curve, tune.metric, tune.prune_after
            )
        carry_out(runs, watches)
        for run in runs:
            _tell(study, optuna, trials[run.key], folder, run, curve, tune.metric)
        _check_some(study, optuna)
    if not study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)):
        raise errors.ConfigError(
            "No trial has come to its end", hint="tables/trials.csv says what became of each"
        )
    best = study.best_trial
    found = statements(best.params, tune)
    head = f"# The best of {len(study.trials)} trials: {best.user_attrs[_RUN]}, a mean gain of "
    lines = [f"{head}{best.value:+.4f} in {tune.metric}", *found, ""]
    atomic.write_text(folder.path / "tuned.gin", "\n".join(lines))
    return found


def statements(parameters: Mapping[str, Any], tune: settings_lib.TuneSettings) -> list[str]:
    """Returns bindings of parameters: numbers out of a range with four digits, within the range.

    Args:
      parameters: values by name.
      tune: of the search; a value that its space names ("choice") is bound as it stands there.
    """
    ranges = {own[0]: own[2:] for own in tune.space if own[1] in ("linear", "log")}
    found = []
    for name, value in parameters.items():
        if name in ranges:
            low, high = map(float, ranges[name])
            value = min(max(float(f"{value:.4g}"), low), high)
        found.append(f"{name} = {value!r}")
    return found


def set_aside(folder: folder_lib.ExperimentFolder, runs: Sequence[plan.PlannedRun]) -> None:
    """Gives tuned runs with hyperparameters that are no longer the best ones another name."""
    for run in runs:
        commands = folder.outcome(run).commands
        wanted = {f"--gin_param={text}" for text in run.statements}
        if run.variation == "tuned" and commands and not wanted <= set(commands[0]):
            folder.set_aside(run)


def table(folder: folder_lib.ExperimentFolder, tune: settings_lib.TuneSettings) -> tables.Table:
    """Returns the trials of a search, in their order."""
    names = [str(own[0]) for own in tune.space]
    rows: list[tables.Row] = []
    journal = folder.path / "tune" / "journal.log"
    if journal.is_file():
        for trial in study_lib.opened(journal, tune.prune_after, seed=0).get_trials(deepcopy=False):
            row: tables.Row = {"trial": trial.number, "status": trial.state.name.lower()}
            row |= {"run": trial.user_attrs.get(_RUN, ""), "gain": trial.value}
            row["step"] = trial.last_step
            rows.append(row | {name: trial.params.get(name) for name in names})
    return tables.Table(_TABLE, ("trial", "run", "status", "gain", "step", *names), rows)


def _finished(study: Any, optuna: Any) -> list[Any]:
    states = optuna.trial.TrialState
    return list(study.get_trials(deepcopy=False, states=(states.COMPLETE, states.PRUNED)))


def _begin_again(study: Any, optuna: Any) -> None:
    """Puts trials of a search that was interrupted in front, each with the run that it began."""
    states = optuna.trial.TrialState
    for trial in study.get_trials(deepcopy=False, states=(states.RUNNING,)):
        study.tell(trial.number, state=states.FAIL)
        if trial.params and _RUN in trial.user_attrs:
            study.enqueue_trial(trial.params, user_attrs={_RUN: trial.user_attrs[_RUN]})


def _check_some(study: Any, optuna: Any) -> None:
    """Raises where one trial after another fails: the cause is none of hyperparameters."""
    failed = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.FAIL,))
    if len(failed) >= 5 and not _finished(study, optuna):
        raise errors.ConfigError(
            f"The first {len(failed)} trials have all failed",
            hint=f"Their logs say why: logs/{failed[-1].user_attrs.get(_RUN, GROUP)}",
        )


def _run(trial: Any, tune: settings_lib.TuneSettings, base: plan.PlannedRun) -> plan.PlannedRun:
    for name, scale, *values in tune.space:
        if scale == "choice":
            trial.suggest_categorical(name, values)
        elif scale == "whole":
            trial.suggest_int(name, *map(int, values))
        else:
            trial.suggest_float(name, *map(float, values), log=scale == "log")
    name = trial.user_attrs.get(_RUN) or f"{GROUP}_{trial.number:03d}"
    own = (*base.statements, *statements(trial.params, tune))
    return dataclasses.replace(base, name=name, variation=name, group=GROUP, statements=own)


def _tell(
    study: Any,
    optuna: Any,
    trial: Any,
    folder: folder_lib.ExperimentFolder,
    run: plan.PlannedRun,
    base: curves.Curve,
    metric: str,
) -> None:
    states = optuna.trial.TrialState
    found: outcome_lib.Outcome = folder.outcome(run)
    value = curves.gain(found.results, base[max(base)], metric)
    if found.status == "pruned":
        study.tell(trial, state=states.PRUNED)
    elif found.status != "done" or value is None or not math.isfinite(value):
        study.tell(trial, state=states.FAIL)
    else:
        study.tell(trial, value)
