"""The runs of an experiment as arrays of Slurm's jobs, by submitit."""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.experiments import commands, one_run, plan, processes, queue
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import outcome as outcome_lib
from t2t_mm.process import extras
from t2t_mm.settings import experiments as settings_lib

_PAUSE_S = 2.0


class Job:
    """One run as a job, which submitit pickles; a job that is preempted goes on in another.

    Args:
      path: of the experiment's folder, which all machines share.
      run: to be carried out.
      common: to all runs.
      watch: of a trial.
    """

    def __init__(
        self,
        path: str,
        run: plan.PlannedRun,
        common: commands.Common,
        watch: queue.Watch | None = None,
    ) -> None:
        self._path = path
        self._watch = watch
        self._run = run
        self._common = common

    def __call__(self) -> outcome_lib.Outcome:
        folder = folder_lib.ExperimentFolder(self._path)
        running = processes.Processes()
        return one_run.carry_out(folder, self._run, self._common, running, self._watch)

    def checkpoint(self) -> Any:
        """Returns what goes on with the run: the training does so from its last checkpoint."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


def carry_out(
    folder: folder_lib.ExperimentFolder,
    runs: Sequence[plan.PlannedRun],
    common: commands.Common,
    settings: settings_lib.SlurmSettings,
    *,
    tell: Callable[[outcome_lib.Outcome], None],
    watches: Mapping[str, queue.Watch] = types.MappingProxyType({}),
) -> None:
    """Submits the runs that are not done yet, those that can begin together as one array.

    Args:
      folder: of the experiment, which all machines share.
      runs: in their order; a run waits for those that it comes after.
      common: to all runs.
      settings: of the jobs.
      tell: is called with the outcome of each run that has ended, or could not begin.
      watches: of those that are trials, by their keys.

    Raises:
      ConfigError: submitit is not installed, or there is no Slurm.
      KeyboardInterrupt: a signal came; the jobs are cancelled.
    """
    submitit = extras.load("submitit", extra="experiments", what="--executor=slurm")
    executor = _executor(submitit, folder, settings)
    waiting = [run for run in runs if not folder.outcome(run).is_over]
    begun: list[tuple[plan.PlannedRun, Any]] = []
    try:
        while waiting or begun:
            able = queue.ready(folder, waiting, [run for run, _ in begun], tell)
            if able:
                jobs = [
                    Job(str(folder.path.resolve()), run, common, watches.get(run.key))
                    for run in able
                ]
                begun += zip(able, _submitted(executor, folder, able, jobs), strict=True)
                waiting = [run for run in waiting if run not in able]
            ended = [(run, job) for run, job in begun if job.done()]
            begun = [pair for pair in begun if pair not in ended]
            for run, job in ended:
                tell(_outcome(folder, run, job))
            if begun and not ended:
                time.sleep(_PAUSE_S)
    except KeyboardInterrupt as interrupt:
        for _, job in begun:
            job.cancel()
        raise KeyboardInterrupt(f"{interrupt}; the same command goes on from there") from None


def _executor(
    submitit: Any, folder: folder_lib.ExperimentFolder, settings: settings_lib.SlurmSettings
) -> Any:
    logs = folder.path / "logs" / "jobs"
    try:
        executor = submitit.AutoExecutor(folder=logs, cluster=settings.cluster)
    except RuntimeError as error:
        raise errors.ConfigError(
            "The runs cannot be submitted",
            received=error,
            expected="a machine with Slurm's commands",
            hint="--executor=local carries them out here, --jobs of them at a time",
        ) from error
    own: dict[str, Any] = {"slurm_array_parallelism": settings.most_at_once}
    if settings.partition:
        own["slurm_partition"] = settings.partition
    executor.update_parameters(
        name="mm-experiment",
        timeout_min=settings.minutes,
        cpus_per_task=settings.cores,
        mem_gb=settings.memory_gb,
        gpus_per_node=settings.gpus,
        **own,
    )
    return executor


def _submitted(
    executor: Any,
    folder: folder_lib.ExperimentFolder,
    runs: Sequence[plan.PlannedRun],
    jobs: Sequence[Job],
) -> list[Any]:
    for run in runs:
        folder.save(run, folder.outcome(run).replace(status="planned", why=""))
    with executor.batch():
        return [executor.submit(job) for job in jobs]


def _outcome(
    folder: folder_lib.ExperimentFolder, run: plan.PlannedRun, job: Any
) -> outcome_lib.Outcome:
    """Returns the outcome of a job that has ended; one that never came to keep it has failed."""
    outcome = folder.outcome(run)
    if outcome.status not in ("planned", "running"):
        return outcome
    said = str(job.exception() or "").strip().splitlines() or ["the job ended without an outcome"]
    outcome = outcome.replace(
        status="failed", why=errors.shortened(said[-1], 400), log=str(job.paths.stderr)
    )
    folder.save(run, outcome)
    return outcome
