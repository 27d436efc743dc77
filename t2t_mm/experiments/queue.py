"""The runs of an experiment on this machine: one after another, or some at a time."""

from __future__ import annotations

import concurrent.futures
import pathlib
import types
from collections.abc import Callable, Mapping, Sequence

from t2t_mm.experiments import commands, one_run, plan, processes
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import outcome as outcome_lib
from t2t_mm.process import cores

_WAIT_S = 1.0
"""A signal is heeded after so many seconds at most."""

Watch = Callable[[pathlib.Path], bool]


def carry_out(
    folder: folder_lib.ExperimentFolder,
    runs: Sequence[plan.PlannedRun],
    common: commands.Common,
    *,
    jobs: int,
    tell: Callable[[outcome_lib.Outcome], None],
    watches: Mapping[str, Watch] = types.MappingProxyType({}),
) -> None:
    """Carries out the runs that are not done yet; one that ends badly leaves the others alone.

    Args:
      folder: of the experiment.
      runs: in their order; a run waits for those that it comes after.
      common: to all runs.
      jobs: runs at a time, among which the processors are divided.
      tell: is called with the outcome of each run that has begun, or could not.
      watches: of those that are trials, by their keys.

    Raises:
      KeyboardInterrupt: a signal came; the trainings have saved their state.
    """
    share = max(1, cores.count() // jobs) if jobs > 1 else None
    running = processes.Processes(share)
    waiting = [run for run in runs if not folder.outcome(run).is_over]
    begun: dict[concurrent.futures.Future[outcome_lib.Outcome], plan.PlannedRun] = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            while waiting or begun:
                for run in ready(folder, waiting, list(begun.values()), tell):
                    if len(begun) < jobs:
                        waiting.remove(run)
                        work = (folder, run, common, running, watches.get(run.key))
                        begun[pool.submit(one_run.carry_out, *work)] = run
                ended, _ = concurrent.futures.wait(
                    begun, timeout=_WAIT_S, return_when=concurrent.futures.FIRST_COMPLETED
                )
                for future in ended:
                    begun.pop(future)
                    tell(future.result())
        except KeyboardInterrupt as interrupt:
            running.stop()
            raise KeyboardInterrupt(f"{interrupt}; the same command goes on from there") from None
        except BaseException:
            running.stop()
            raise


def ready(
    folder: folder_lib.ExperimentFolder,
    waiting: list[plan.PlannedRun],
    begun: Sequence[plan.PlannedRun],
    tell: Callable[[outcome_lib.Outcome], None],
) -> list[plan.PlannedRun]:
    """Returns the runs that can begin; takes out of `waiting` those that never can.

    Args:
      folder: of the experiment.
      waiting: runs that have not begun.
      begun: runs that go on.
      tell: is called with the outcome of each run that is skipped.
    """
    able = []
    open_keys = {run.key for run in (*waiting, *begun)}
    for run in list(waiting):
        missing = [f"{name}/{run.seed}" for name in run.after]
        if any(key in open_keys for key in missing):
            continue
        failed = [name for name in run.after if not _is_done(folder, run, name)]
        if failed:
            waiting.remove(run)
            outcome = outcome_lib.Outcome.of(run).replace(
                status="skipped", why=f"{failed[0]} of this seed, on which it depends, is not done"
            )
            folder.save(run, outcome)
            tell(outcome)
        else:
            able.append(run)
    return able


def _is_done(folder: folder_lib.ExperimentFolder, run: plan.PlannedRun, name: str) -> bool:
    path = folder.path / "outcomes" / name / f"{run.seed}.json"
    outcome = outcome_lib.load(path)
    return outcome is not None and outcome.is_over
