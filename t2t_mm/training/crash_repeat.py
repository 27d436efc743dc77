"""Repeats the step that was not finite, from what it has left in `crash/` alone.

Loss and gradients are computed on the weights before the step, and none is updated: the learning
rate, the optimizer and policies change nothing of it, and are refused.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm import config, errors, plugins
from t2t_mm.config import gin_files
from t2t_mm.mixture import mixture
from t2t_mm.models import build, precision
from t2t_mm.runs import checkpoint, checkpoint_files, run_folder
from t2t_mm.schemas import crash as crash_schemas
from t2t_mm.schemas import json_files
from t2t_mm.settings import training
from t2t_mm.training import advice, console, diagnosis
from t2t_mm.training import crash as crash_lib
from t2t_mm.training import step as steps

_BATCH = re.compile(r"^batch-(\d+)\.npz$")
_ANEW = "Train again: the same step leaves it anew"
_FIELDS = {
    training.TrainSettings.__name__: ("precision",),
    mixture.MixtureSettings.__name__: ("loss_weights",),
}
"""Of classes that are built for more than the step: the fields that it depends on."""


def repeat(
    output_dir: str | os.PathLike[str] | run_folder.RunFolder,
    *,
    gin_params: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Takes the step again that left `crash/` in a run folder. It needs no data but that.

    Args:
      output_dir: of the run, opened or not.
      gin_params: bindings over its configuration, to see whether they help.
      say: is told how old the step is, and whether the run has gone on past it.

    Returns:
      `step`, `problem`, `loss` and `norm`, where all is finite now.

    Raises:
      NotFiniteError: it is not finite again.
      ConfigError: there is no crash, or a binding has no effect on it.
      DataError: its files are damaged.
    """
    plugins.load_all()
    folder = run_folder.RunFolder.open(output_dir)
    place = folder.path / run_folder.CRASH
    values = _read(place, folder)
    crash = _crash(values)
    if say is not None:
        say(_age(crash.step, values.get("time"), folder))
    held = run_folder.RunFolder(place).bindings()
    config.load([], gin_params, of_run=held)
    arithmetic = _arithmetic(held)
    precision.use(arithmetic)
    tasks = folder.tasks()
    if crash.problem not in {task.name for task in tasks}:
        raise _damaged(place, f"the run has no problem {crash.problem!r}")
    model = build.build(folder.model_name, tasks, kept=folder.nets())
    checkpoints = checkpoint.Checkpoints(
        place / "checkpoints",
        {"model": model},
        fingerprint=build.model_fingerprint(folder.model_name, model),
    )
    if checkpoints.restore(objects={"model": model}) is None:
        raise _damaged(place, "there are no weights in checkpoints/")
    weight = mixture.loss_weights([crash.problem])[crash.problem]
    _check_effect(gin_params, folder)
    loss = norm = 0.0
    for replica, batch in _read_batches(place):
        seed = steps.replica_seed(tf.constant(crash.seed, tf.int32), replica)
        try:
            loss, norm = diagnosis.loss_and_norm(model, crash.problem, batch, seed, weight)
            if np.isfinite(loss) and np.isfinite(norm):
                continue
            origin = diagnosis.origin(model, crash.problem, batch, seed, weight)
        except (KeyError, ValueError, TypeError, tf.errors.OpError) as error:
            raise _damaged(place, f"the batch does not fit ({error})") from error
        again = dataclasses.replace(crash, loss=loss, norm=norm, origin=origin)
        raise again.error(
            "It was repeated on the weights before that step. --gin_param tries what its "
            f"arithmetic depends on{advice.such_as(arithmetic)}"
        )
    return {"step": crash.step, "problem": crash.problem, "loss": loss, "norm": norm}


def _arithmetic(held: Sequence[gin_files.Binding]) -> str:
    """Returns the precision that is bound, or, where that is "auto", the one of the run."""
    chosen: str = config.build(training.TrainSettings).precision
    if chosen != "auto":
        return chosen
    of_run = [b.value for b in held if b.key == "TrainSettings.precision" and b.value != "auto"]
    return of_run[0] if of_run else "float32"


def _check_effect(gin_params: Sequence[str], folder: run_folder.RunFolder) -> None:
    """Raises for a binding that changes nothing of the step, once the model is built."""
    unused = set(config.unused())
    for binding in gin_files.read_params(list(gin_params)):
        fields = _FIELDS.get(binding.short_name)
        if binding.key in unused or (fields is not None and binding.parameter not in fields):
            raise errors.ConfigError(
                f"{binding.key} has no effect on a repeated step, whose loss and gradients are "
                "computed on the weights that were saved",
                expected="what its arithmetic depends on: TrainSettings.precision, the model's "
                "settings, MixtureSettings.loss_weights",
                hint=f"{crash_lib.command(folder.path)} with this --gin_param trains with it",
            )


def _age(step: int, left_s: float | None, folder: run_folder.RunFolder) -> str:
    """Returns in words when a step was left, and whether the run has gone on past it."""
    age = "" if left_s is None else f", left {_ago(time.time() - left_s)} ago"
    newest = max(checkpoint_files.steps(folder.checkpoints), default=0)
    since = f"; the run has gone on since, and is at step {newest:,}" if newest >= step else ""
    return f"step {step:,} of {folder.path}{age}{since}"


def _ago(seconds: float) -> str:
    days = seconds / 86400
    return f"{days:.0f} days" if days >= 2 else console.format_seconds(max(0.0, seconds))


def _read_batches(place: pathlib.Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields replica and batch of every file."""
    folders = [place, *sorted(path for path in place.glob("worker-*") if path.is_dir())]
    for folder in folders:
        about = folder / crash_lib.CRASH
        first = json_files.read(
            about, crash_schemas.CrashOfWorker, error=errors.DataError, hint=_ANEW
        )
        for path in sorted(folder.iterdir()):
            match = _BATCH.match(path.name)
            if match is None:
                continue
            try:
                with np.load(path, allow_pickle=False) as file:
                    arrays = {name: tf.constant(file[name]) for name in file.files}
                targets = arrays.pop("targets")
            except (
                OSError,
                EOFError,
                ValueError,
                KeyError,
                TypeError,
                zipfile.BadZipFile,
            ) as error:
                raise _damaged(path, f"{type(error).__name__}: {error}") from error
            inputs = {name.removeprefix("inputs/"): value for name, value in arrays.items()}
            yield first["first_replica"] + int(match[1]), {"inputs": inputs, "targets": targets}


def _read(place: pathlib.Path, folder: run_folder.RunFolder) -> crash_schemas.Crash:
    path = place / crash_lib.CRASH
    if not path.is_file():
        raise errors.ConfigError(
            f"No step of the run in {folder.path} is to be repeated: there is no {path}"
        )
    values = json_files.read(path, crash_schemas.Crash, error=errors.DataError, hint=_ANEW)
    if values["format"] != crash_lib.FORMAT:
        raise _damaged(path, f"format {values['format']}, not {crash_lib.FORMAT}")
    return values


def _crash(values: crash_schemas.Crash) -> crash_lib.Crash:
    return crash_lib.Crash(
        step=values["step"],
        problem=values["problem"],
        seed=(values["seed"][0], values["seed"][1]),
        rate=float(values["rate"]),
        loss=float(values["loss"]),
        norm=float(values["norm"]),
        origin=values["origin"],
        keys=tuple(values["keys"]),
    )


def _damaged(place: pathlib.Path, why: str) -> errors.DataError:
    return errors.DataError(f"{place} cannot be used", received=why, hint=_ANEW)
