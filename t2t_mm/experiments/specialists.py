"""Specialists: other programs that do one task alone, given as much time as our run of it."""

from __future__ import annotations

import ast
import json
import math
import pathlib
import platform
import shlex
import time
from collections.abc import Sequence
from typing import Any

from t2t_mm import errors, registry
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import outcome as outcome_lib
from t2t_mm.experiments import plan, processes
from t2t_mm.process import cores
from t2t_mm.settings import experiments as settings_lib

GROUP = plan.SPECIALIST
_FILLED = ("seconds", "seed", "data_dir", "manual_dir", "output_dir")


def planned(
    settings: settings_lib.ArtSettings, runs: Sequence[plan.PlannedRun]
) -> list[plan.PlannedRun]:
    """Returns the runs of specialists, one for each seed of ours.

    Args:
      settings: of the specialists.
      runs: ours, of which one of the problem, alone where there is such, says how long they take.

    Raises:
      ConfigError: a specialist of a problem that is in no run, or an unknown word in braces.
    """
    planned_runs = []
    for problem, name, metric, key, command in settings.specialists:
        own = [run for run in runs if problem in run.problems]
        if not own:
            known = list(dict.fromkeys(name for run in runs for name in run.problems))
            raise errors.ConfigError(
                f"The specialist {name!r} is for {problem!r}, which the experiment has not",
                expected=f"one of {', '.join(known)}",
                hint=errors.did_you_mean(problem, known),
            )
        _filled(name, command, dict.fromkeys(_FILLED, ""))
        own.sort(key=lambda run: not run.group.startswith("alone"))
        first = own[0]
        planned_runs += [
            plan.PlannedRun(
                name=f"{GROUP}.{name}.{problem}",
                seed=run.seed,
                variation=first.variation,
                group=GROUP,
                problems=(problem,),
                statements=(metric, key, command),
                after=(run.name,),
            )
            for run in own
            if run.name == first.name
        ]
    return planned_runs


def carry_out(
    folder: folder_lib.ExperimentFolder,
    run: plan.PlannedRun,
    running: processes.Processes,
    *,
    data_dir: pathlib.Path,
    manual_dir: pathlib.Path,
) -> outcome_lib.Outcome:
    """Runs a specialist, and keeps what became of it; what goes wrong is in its outcome.

    Args:
      folder: of the experiment.
      run: of the specialist, after which ours is done.
      running: the processes of the experiment.
      data_dir: of generated data.
      manual_dir: of corpora.

    Returns:
      the outcome, as it is kept.
    """
    ours = folder.outcome(plan.PlannedRun(run.after[0], run.seed, "", "", run.problems))
    metric, key, command = run.statements
    values = {
        "seconds": f"{max(1, round(ours.seconds))}",
        "seed": f"{run.seed}",
        "data_dir": str(data_dir),
        "manual_dir": str(manual_dir),
        "output_dir": str(folder.run(run)),
    }
    words = _filled(run.name, command, values)
    log = str(folder.log(run).relative_to(folder.path))
    outcome = outcome_lib.Outcome.of(run).replace(
        status="running",
        log=log,
        commands=(tuple(words),),
        machine=f"{platform.platform()}, {cores.count()} cores",
    )
    folder.save(run, outcome)
    begin = time.monotonic()
    try:
        ended = running.run(words, folder.log(run))
    except processes.StoppedError:
        outcome = outcome.replace(status="interrupted", why="the experiment was interrupted")
    except OSError as error:
        outcome = outcome.replace(status="failed", why=f"{words[0]}: {error.strerror}")
    else:
        outcome = outcome.replace(seconds=round(time.monotonic() - begin, 3))
        value = answer(ended.stdout, key)
        if ended.code:
            why = ended.said or f"it ended with code {ended.code}"
            outcome = outcome.replace(status="failed", why=why)
        elif value is None:
            why = f"its last line has no number {key!r}"
            outcome = outcome.replace(status="failed", why=why)
        else:
            outcome = outcome.replace(status="done", results={run.problems[0]: {metric: value}})
    folder.save(run, outcome)
    return outcome


def answer(stdout: str, key: str) -> float | None:
    """Returns a number of the object in the last line that a program has printed, if any."""
    lines = [line for line in stdout.splitlines() if line.strip()]
    for read in (json.loads, ast.literal_eval):
        try:
            value: Any = read(lines[-1])[key]
        except (ValueError, SyntaxError, KeyError, TypeError, IndexError, RecursionError):
            continue
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def check_metrics(settings: settings_lib.ArtSettings) -> None:
    """Raises for a metric that is not registered."""
    for own in (*settings.specialists, *((p, "", m) for p, m, *_ in settings.published)):
        registry.metrics.get(str(own[2]))


def _filled(name: str, command: str, values: dict[str, str]) -> list[str]:
    """Returns the words of a command, what stands in braces filled in."""
    try:
        words = [word.format(**values) for word in shlex.split(command)]
        if not words:
            raise ValueError("no program")
        return words
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise errors.ConfigError(
            f"The command of the specialist {name!r} cannot be filled in",
            received=f"{command} ({error})",
            expected=f"words, and {', '.join(f'{{{word}}}' for word in _FILLED)}",
        ) from error
