"""The default folders of all commands.

    flag            environment variable    else
    --data_dir      T2T_MM_DATA_DIR         the one that the run has read, or data
    --output_dir    T2T_MM_OUTPUT_DIR       runs/MODEL-PROBLEMS
    --manual_dir    T2T_MM_MANUAL_DIR       corpora, for each corpus that lies there

A variable replaces its flag if that is not given: T2T_MM_OUTPUT_DIR is the folder of one
run, not of many. Commands that read a run take the only one in runs/ that fits.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import pathlib
from collections.abc import Callable, Sequence

from t2t_mm import errors
from t2t_mm.files import paths
from t2t_mm.runs import run_folder

DATA_VARIABLE = "T2T_MM_DATA_DIR"
OUTPUT_VARIABLE = "T2T_MM_OUTPUT_DIR"
MANUAL_VARIABLE = "T2T_MM_MANUAL_DIR"
DATA = pathlib.Path("data")
RUNS = pathlib.Path("runs")
CORPORA = pathlib.Path("corpora")

DATA_DEFAULT = f"${DATA_VARIABLE}, or {DATA}"
DATA_OF_RUN_DEFAULT = f"${DATA_VARIABLE}, or where the training read it"
OUTPUT_DEFAULT = f"${OUTPUT_VARIABLE}, or the only run in {RUNS} that fits"
NEW_OUTPUT_DEFAULT = f"${OUTPUT_VARIABLE}, or {RUNS}/MODEL-PROBLEMS"
MANUAL_DEFAULT = f"${MANUAL_VARIABLE}, or {CORPORA}"

_LONGEST_NAME = 80
_SHOWN = 8

Given = str | os.PathLike[str] | None


def data_dir(given: Given = None) -> pathlib.Path:
    """Returns the folder of generated data: the one given, the variable's, or `data`."""
    return known_data_dir(given) or DATA


def known_data_dir(given: Given = None) -> pathlib.Path | None:
    """Returns the folder of generated data that the user has named, by flag or variable."""
    return _named(given, DATA_VARIABLE)


def known_manual_dir(given: Given = None) -> pathlib.Path | None:
    """Returns the folder of raw files that the user has named, by flag or variable."""
    return _named(given, MANUAL_VARIABLE)


def known_output_dir(given: Given = None) -> pathlib.Path | None:
    """Returns the run folder that the user has named, by flag or variable."""
    return _named(given, OUTPUT_VARIABLE)


def new_run(model: str, problems: Sequence[str]) -> pathlib.Path:
    """Returns the default run folder of a model and its problems.

    It does not depend on the order of the problems. For a long list its name has their
    number and a hash of their names.
    """
    names = sorted(problems)
    name = "-".join((model, *names))
    if len(name) > _LONGEST_NAME:
        digest = hashlib.sha256(",".join(names).encode()).hexdigest()[:8]
        name = f"{model}-{len(names)}_problems-{digest}"
    return RUNS / name


def trained_run(
    given: Given = None,
    *,
    problems: Sequence[str] = (),
    averages: bool = True,
    say: Callable[[str], None],
) -> run_folder.RunFolder:
    """Opens the run that the user named, or the only one that fits.

    A run in `runs/` fits if it was trained on all of `problems`. If several fit, the only
    one trained on no other problems is taken.

    Args:
      given: the folder that the user has named, if any.
      problems: names, or globs, of the problems in question.
      averages: whether an average of checkpoints fits too.
      say: is told in a line which run was chosen, where none was named.

    Raises:
      ConfigError: there is no such run, none fits, or several do.
    """
    named = known_output_dir(given)
    if named is not None:
        return run_folder.RunFolder.open(named)
    runs = [run for run in _runs() if averages or not run.averaged]
    fitting = [run for run in runs if _fits(run.problem_names, problems)]
    exact = [run for run in fitting if set(run.problem_names) == set(problems)]
    chosen = exact if len(exact) == 1 else fitting
    if len(chosen) == 1:
        say(f"the run is {chosen[0].path}")
        return chosen[0]
    of_problems = f" with {', '.join(problems)}" if problems else ""
    if chosen:
        shown = errors.first_few([f"--output_dir={run.path}" for run in chosen], _SHOWN)
        raise errors.ConfigError(
            f"There are several runs{of_problems} in {RUNS}",
            expected=f"one of {shown} (the newest first)",
        )
    raise errors.ConfigError(
        f"There is no run{of_problems} in {RUNS}",
        received=errors.first_few((run.path for run in runs), _SHOWN) or None,
        expected="--output_dir= the folder of a training",
        hint=f"mm-trainer --problems={','.join(problems) or 'NAMES'} trains one",
    )


def _named(given: Given, variable: str) -> pathlib.Path | None:
    chosen = given if given is not None else os.environ.get(variable, "").strip()
    return paths.expanded(chosen) if chosen else None


def _runs() -> list[run_folder.RunFolder]:
    """Returns the runs in `runs/`, the newest first; what is none is passed over."""
    runs = []
    for path in RUNS.iterdir() if RUNS.is_dir() else ():
        try:
            run = run_folder.RunFolder.open(path)
            _ = run.problem_names
            runs.append((run.config_path.stat().st_mtime, run))
        except (errors.UserError, OSError):
            continue
    return [run for _, run in sorted(runs, key=lambda pair: (-pair[0], pair[1].path))]


def _fits(names: Sequence[str], patterns: Sequence[str]) -> bool:
    return all(fnmatch.filter(names, pattern) for pattern in patterns)
