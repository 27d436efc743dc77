"""`t2t_mm.average`: the mean of a run's newest checkpoints, as a run of its own.

The mean of the last checkpoints is often better than each of them, and needs no training.
The result is a run folder with one checkpoint, under the newest step, for evaluation,
decoding, export and warm start as any other run:

    config.gin, vocabularies/   as in the run that was trained
    problems.json               the same, and `averaged`: of which run, and which steps
    checkpoints/                the model alone

The optimizer's moments cannot be averaged sensibly, so they are left out. Therefore a
training cannot be resumed in the folder, but a new one may use its weights
(`--warm_start`).

TensorFlow is imported only after the arguments have been checked.
"""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.config import ranges
from t2t_mm.files import atomic, paths
from t2t_mm.runs import checkpoint_files, run_folder
from t2t_mm.runs import fingerprint as fingerprint_lib

Warn = Callable[[str], None]


def average(
    output_dir: str | os.PathLike[str] | run_folder.RunFolder,
    *,
    checkpoints: int | None = None,
    to: str | os.PathLike[str] | None = None,
    warn: Warn | None = None,
) -> dict[str, Any]:
    """Averages the newest whole checkpoints of a run, and writes a run of the result.

    The same checkpoints give the same bytes. The folder is there whole or not at all. An
    earlier average there is replaced, with what was decoded from it; nothing else is.

    Example:
        answer = t2t_mm.average("runs/ende", checkpoints=5)
        t2t_mm.evaluate(answer["to"], split="test")

    Args:
      output_dir: the run folder of a training, opened or not.
      checkpoints: how many of the newest to take; all that are kept when left out, which
        `TrainSettings.keep_checkpoints` decides. Damaged ones are passed over.
      to: the folder of the result; `averaged` within `output_dir` when left out.
      warn: takes a line of text; standard error by default.

    Returns:
      `step`, of the newest; `averaged`, all their steps, oldest first; `to`, the folder.

    Raises:
      ConfigError: there is no run to average, or `to` holds something else.
      CheckpointError: too few checkpoints are whole, or they are not of one model.
      DataError: the folder cannot be written to.
    """
    run = run_folder.RunFolder.open(output_dir)
    if run.averaged:
        raise errors.ConfigError(
            f"{run.path} holds an average already",
            received=f"the mean of {named(run.averaged)}",
            expected="the --output_dir of a training",
        )
    # Resolved: what is renamed into place must not be a link to another place.
    target = paths.expanded(run.path / run_folder.AVERAGED if to is None else to).resolve()
    check_target(target)
    steps = _newest_whole(run, checkpoints, warn or _to_stderr)
    with atomic.lock(target.with_name(f".{target.name}.lock"), f"the average in {target}"):
        _write_mean(run, steps, target)
    return {"step": steps[-1], "averaged": steps, "to": str(target)}


def named(steps: Sequence[int]) -> str:
    """Returns "step 5" or "steps 5, 10"; of many, the first and the last."""
    shown = [str(step) for step in steps]
    if len(shown) > 6:
        shown = [*shown[:3], "...", *shown[-2:]]
    return f"step{'s' if len(shown) > 1 else ''} {', '.join(shown)}"


def check_target(target: pathlib.Path, *, what: str = "an average", flag: str = "--to") -> None:
    """Raises unless the folder is new or empty, or holds an average and what is made of it.

    Args:
      target: the folder.
      what: it is for.
      flag: that names it.

    Raises:
      ConfigError: says what is there.
    """
    if not target.exists():
        return
    if not target.is_dir():
        raise errors.ConfigError(f"The folder for {what}, {target}, is a file")
    existing = run_folder.RunFolder(target)
    if existing.exists() and not existing.averaged:
        raise errors.ConfigError(
            f"{target} holds a run that was trained, which {what} must not replace",
            expected=f"{flag}= a new folder, or one with {what}",
        )
    others = sorted(path.name for path in target.iterdir())
    if existing.exists():
        others = existing.foreign()  # an export among them may be served at this moment
    if others:
        raise errors.ConfigError(
            f"{target} holds files that are not of {what}",
            received=errors.first_few(others),
            expected=f"{flag}= a new folder, or one with {what}",
        )


def _newest_whole(run: run_folder.RunFolder, count: int | None, warn: Warn) -> list[int]:
    """Returns the steps of the newest `count` whole checkpoints, oldest first.

    Raises:
      CheckpointError: there are fewer, or they are not of one model.
    """
    if count is not None:
        ranges.require("The number of checkpoints to average", count, ranges.numbers(1))
    folder = run.checkpoints
    published = checkpoint_files.steps(folder)
    whole: list[int] = []
    for step in reversed(published) if len(published) >= (count or 1) else ():
        damage = checkpoint_files.damage(folder, step)
        if damage:
            warn(f"Passing over the checkpoint of step {step}: {damage}.")
            continue
        whole.insert(0, step)
        if len(whole) == count:
            break
    else:
        if not whole or count is not None:
            raise _too_few(folder, count, whole, published)
    newest = checkpoint_files.read_sidecar(folder, whole[-1])["fingerprint"]
    for step in whole:
        fingerprint = checkpoint_files.read_sidecar(folder, step)["fingerprint"]
        fingerprint_lib.check(held=fingerprint, wanted=newest, place=f"{folder}, step {step}")
    return whole


def _too_few(
    folder: pathlib.Path, count: int | None, whole: Sequence[int], published: Sequence[int]
) -> errors.CheckpointError:
    """Returns the error for a run without as many whole checkpoints as are to be averaged."""
    if not published:
        return errors.CheckpointError(
            f"There is no checkpoint in {folder} yet",
            expected="the --output_dir of a training that has saved some",
        )
    if count is None:
        return errors.CheckpointError(
            f"{folder} holds checkpoints, but none is whole", received=named(published)
        )
    known = whole or published  # nothing is read for damage where there are too few to begin with
    return errors.CheckpointError(
        f"{folder} holds fewer checkpoints than are to be averaged",
        received=f"--checkpoints={count}, with {named(known)}",
        expected=f"--checkpoints={len(known)} or fewer",
        hint=f'A training keeps more with --gin_param="TrainSettings.keep_checkpoints = {count}"',
    )


def _write_mean(run: run_folder.RunFolder, steps: list[int], target: pathlib.Path) -> None:
    """Writes the run folder of the mean."""
    from t2t_mm.runs import loaded_run, mean_weights, opened_run
    from t2t_mm.training import mean

    # What is no weight, such as a count, is as the newest checkpoint has it.
    model = loaded_run.restore(opened_run.open_run(run), steps[-1]).model
    mean.take(model, run.checkpoints, steps, of_means=mean_weights.are_used(run))
    write(run, model, steps, target)


def write(run: run_folder.RunFolder, model: Any, steps: list[int], target: pathlib.Path) -> None:
    """Writes a run folder with weights alone, whole or not at all.

    Args:
      run: that was trained.
      model: with the weights.
      steps: of the checkpoints that they are of, oldest first.
      target: the folder.
    """
    from t2t_mm.models import build
    from t2t_mm.runs import checkpoint

    with atomic.folder(target) as making:
        folder = run_folder.RunFolder(making)
        for path in (run.config_path, run.nets_path, *sorted(run.vocabularies.rglob("*"))):
            if path.is_file():
                atomic.write_bytes(making / path.relative_to(run.path), path.read_bytes())
        described = run.described()
        described[run_folder.AVERAGED] = {"of": str(run.path.resolve()), "steps": steps}
        atomic.write_json(folder.problems_path, described)
        fingerprint = build.model_fingerprint(run.model_name, model)
        checkpoint.Checkpoints(
            folder.checkpoints, {"model": model}, keep=1, fingerprint=fingerprint
        ).save(steps[-1], {run_folder.AVERAGED: steps})


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"Warning: {line}\n")
