"""`t2t_mm.experiment`: many runs by one file, their tables and one report."""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from t2t_mm import errors, plugins
from t2t_mm.experiments import (
    array,
    commands,
    examples,
    page,
    plan,
    processes,
    queue,
    specialists,
    tables,
    tuning,
)
from t2t_mm.experiments import checked as checked_lib
from t2t_mm.experiments import outcome as outcome_lib
from t2t_mm.experiments import results as results_lib
from t2t_mm.process import extras

_EXECUTORS = ("local", "slurm")


def experiment(
    name: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    seeds: Sequence[int] | None = None,
    jobs: int = 1,
    executor: Literal["local", "slurm"] = "local",
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    usr_dirs: Sequence[str] = (),
    dry_run: bool = False,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Carries out the runs of an experiment that are not done yet, and writes its tables.

    Example:
        t2t_mm.experiment("joint_vs_alone", data_dir="data", output_dir="company", seeds=[0, 1])

    Args:
      name: a gin file, or the name of one under `gin/experiments/`.
      data_dir: of the generated data; by default T2T_MM_DATA_DIR, or `data`.
      output_dir: of the experiment; by default T2T_MM_OUTPUT_DIR, or `runs/NAME`.
      seeds: instead of those of the file.
      jobs: runs at a time, among which the processors are divided.
      executor: "slurm" for an array of Slurm's jobs, see `SlurmSettings`.
      gin_files: paths, or names under `gin/`, which override the experiment's file.
      gin_params: single bindings on top.
      usr_dirs: folders of plugins, for the commands of the runs.
      dry_run: return the plan; carry out nothing.
      say: is told in a line what begins and ends.

    Returns:
      `runs` (for each `name`, `seed`, `problems`, `status`, `step`, `results` by problem and
      metric; `why` of one that ended badly, and its `log`), `tables` (paths by name), `report`.

    Raises:
      ConfigError: the experiment cannot be carried out as it is asked for.
      DataError: data that was not generated.
      KeyboardInterrupt: after Ctrl-C, with the state of all trainings saved.
    """
    if executor not in _EXECUTORS:
        raise errors.ConfigError(
            f"There is no executor {executor!r}",
            expected=f"one of {', '.join(_EXECUTORS)}",
            hint=errors.did_you_mean(str(executor), _EXECUTORS),
        )
    if jobs < 1:
        raise errors.ConfigError(
            "An experiment has one job or more", received=f"jobs={jobs}", expected="runs at a time"
        )
    plugins.load_all(list(usr_dirs) or None)
    extras.require("jinja2", "vl_convert", extra="report", what="The report of an experiment")
    if executor == "slurm":
        extras.require("submitit", extra="experiments", what="--executor=slurm")
    checked = checked_lib.check(
        os.fspath(name),
        data_dir=data_dir,
        output_dir=output_dir,
        seeds=seeds,
        gin_files=gin_files,
        gin_params=gin_params,
        usr_dirs=usr_dirs,
    )
    return carry_out(checked, jobs=jobs, executor=executor, dry_run=dry_run, say=say)


def carry_out(
    checked: checked_lib.Checked,
    *,
    jobs: int = 1,
    executor: str = "local",
    dry_run: bool = False,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Carries out an experiment that was checked, as `experiment` does."""
    tell = _Progress(checked, say or _say_nothing)
    if dry_run:
        planned = answer(checked, {}, "")
        for run, told in zip(checked.runs, planned["runs"], strict=True):
            told["command"] = _planned_command(checked, run)
        if checked.tune.trials and say is not None:
            say(f"{checked.tune.trials} trials come before the tuned runs, like the first of these")
        return planned
    folder = checked.folder
    with folder.lock():
        folder.begin(checked.name, checked.problems, checked.values, _command())
        execute, is_tuned = _Executor(checked, jobs, executor, tell), True
        if checked.tune.trials:
            checked, is_tuned = _tuned(checked, execute, say or _say_nothing)
        if is_tuned:
            execute(checked.runs, {})
        written, report = write(checked)
    return answer(checked, written, report)


def write(checked: checked_lib.Checked) -> tuple[dict[str, str], str]:
    """Writes tables and report of what is done; returns the paths of tables, and of the report."""
    results = results_lib.Results(checked.folder, checked.runs)
    kept = examples.Examples(checked.folder, checked.common.split)
    made = dict(tables.every(results, kept))
    if checked.art.published:
        made["published"] = tables.published(results, checked.art.published)
    if checked.tune.trials:
        made["trials"] = tuning.table(checked.folder, checked.tune)
    written = {name: table.write(checked.folder.tables) for name, table in made.items()}
    return written, page.write(checked, results, made, kept.notes)


class _Executor:
    """Carries out runs that are not done yet: here, or as jobs."""

    def __init__(
        self,
        checked: checked_lib.Checked,
        jobs: int,
        executor: str,
        tell: Callable[[outcome_lib.Outcome], None],
    ) -> None:
        self._checked = checked
        self._executor = executor
        self._tell = tell
        self.jobs = checked.slurm.most_at_once if executor == "slurm" else jobs

    def __call__(self, runs: Sequence[plan.PlannedRun], watches: Mapping[str, queue.Watch]) -> None:
        folder, common, tell = self._checked.folder, self._checked.common, self._tell
        if self._executor == "slurm":
            slurm = self._checked.slurm
            array.carry_out(folder, runs, common, slurm, tell=tell, watches=watches)
        else:
            queue.carry_out(folder, runs, common, jobs=self.jobs, tell=tell, watches=watches)


def _tuned(
    checked: checked_lib.Checked, execute: _Executor, say: Callable[[str], None]
) -> tuple[checked_lib.Checked, bool]:
    """Searches, and returns the experiment with what was found in its tuned runs.

    Returns:
      it, and whether the search came to its end: without the untuned run there is none.
    """
    base = checked.runs[0]
    execute([base], {})
    if not checked.folder.outcome(base).is_over:
        return checked, False
    try:
        found = tuning.search(
            checked.folder, checked.tune, base, at_once=min(execute.jobs, 16), carry_out=execute
        )
    except errors.UserError:
        write(checked)  # says what became of the trials
        raise
    say(f"the best of {checked.tune.trials} trials: {'; '.join(found)}")
    runs = tuning.planned(checked.settings, checked.tune, checked.problems, found)
    tuning.set_aside(checked.folder, runs)
    runs += specialists.planned(checked.art, runs)
    return dataclasses.replace(checked, runs=runs), True


def answer(checked: checked_lib.Checked, written: dict[str, str], report: str) -> dict[str, Any]:
    """Returns what `experiment` does."""
    runs = []
    for run in checked.runs:
        outcome = checked.folder.outcome(run)
        told = {
            "name": run.name,
            "seed": run.seed,
            "problems": list(run.problems),
            "status": outcome.status,
            "step": outcome.step,
            "results": outcome.results,
        }
        if outcome.why:
            told |= {"why": outcome.why, "log": str(checked.folder.log(run))}
        runs.append(told)
    return {"runs": runs, "tables": written, "report": report}


def _say_nothing(_: str) -> None:
    pass


class _Progress:
    """Tells of outcomes, with how many runs there are."""

    def __init__(self, checked: checked_lib.Checked, say: Callable[[str], None]) -> None:
        self._say = say
        self._checked = checked
        self._count = sum(checked.folder.outcome(run).is_over for run in checked.runs)
        if self._count:
            say(f"{self._count} of {len(checked.runs)} runs are done already")

    def __call__(self, outcome: outcome_lib.Outcome) -> None:
        line = ""
        if outcome.group != tuning.GROUP:
            self._count += 1
            line = f"{self._count} of {len(self._checked.runs)}: "
        line += f"{outcome.name}, seed {outcome.seed}: {outcome.status}"
        if outcome.status == "done":
            line += f", step {outcome.step:,}, {outcome.seconds:,.0f} s"
        if outcome.why:
            line += f": {outcome.why}"
        if outcome.status == "failed":
            line += f" ({self._checked.folder.path / outcome.log})"
        self._say(line)


def ended_badly(checked_answer: dict[str, Any]) -> list[str]:
    """Returns the runs of an answer that are not done, with how each ended."""
    return [
        f"{run['name']}, seed {run['seed']}: {run['status']}"
        for run in checked_answer["runs"]
        if run["status"] not in outcome_lib.OVER
    ]


def _planned_command(checked: checked_lib.Checked, run: plan.PlannedRun) -> list[str]:
    """Returns the command of a run as it would be typed, as far as it is known before."""
    if run.group == specialists.GROUP:
        return shlex.split(run.statements[-1])
    steps = commands.planned_steps(run, checked.common)
    flags = commands.trainer_flags(checked.folder, run, checked.common, steps)
    return list(processes.typed(processes.ours("trainer", *flags)))


def _command() -> list[str]:
    return [sys.argv[0].rpartition("/")[2], *sys.argv[1:]]
