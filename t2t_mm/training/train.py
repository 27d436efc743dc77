"""`t2t_mm.train`: trains one model on several problems, or goes on with a run.

What is asked for is checked by `job.check`, its parts are made by `session.open_session`, and
`loop.Training` takes the steps.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from t2t_mm import config, plugins
from t2t_mm.files import mirrors
from t2t_mm.settings import training
from t2t_mm.training import console, going_on, guards, loop, session, strategy, summary
from t2t_mm.training import job as job_lib
from t2t_mm.training import warm_start as weights


def train(
    problems: str | Sequence[str] | None = None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    warm_start: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """Trains one model on all of `problems`, or resumes the run in `output_dir`.

    Example:
        t2t_mm.train(["wmt_ende", "imagenet"], data_dir="data", output_dir="run",
                     train_steps=1000)

    Args:
      problems: names or globs; their data must have been generated. By default those of the
        gin files, or of the resumed run.
      data_dir: of the generated data; by default T2T_MM_DATA_DIR, that of the resumed run, or
        `data`.
      output_dir: the run folder; by default T2T_MM_OUTPUT_DIR, or else `runs/` and a name
        made of the model and the problems, which is shown.
      gin_files: paths, or names under `gin/`.
      gin_params: single bindings, which override those of the files.
      warm_start: another run, or a checkpoint of it, from which a new run takes all shared
        weights; parts of new problems are initialised. See `WarmStartSettings` for the
        differences that are allowed.
      dry_run: build the model, and show its size, shapes, rates and memory; do not train.
      **settings: fields of `TrainSettings` that override gin; None for not given.

    Returns:
      `output_dir`, `step`, `seconds` (of this call's training), `steps_per_s`, `problems`
      (steps and last loss by name), `eval` (the last evaluation's values by name and
      metric) and, where there was one, `warm_start` (what was restored, by part of the model).

    Raises:
      ConfigError: what was asked for does not go together.
      DataError: data or vocabularies are missing or damaged.
      CheckpointError: the run's checkpoints are damaged, or of something else.
      NotFiniteError: the loss is no longer a number.
      KeyboardInterrupt: after Ctrl-C, with the state saved.
    """
    plugins.load_all()
    job = job_lib.check(
        problems,
        data_dir=data_dir,
        output_dir=output_dir,
        gin_files=gin_files,
        gin_params=gin_params,
        warm_start=warm_start,
        settings=settings,
    )
    return carry_out(job, dry_run=dry_run)


def carry_out(job: job_lib.Job, *, dry_run: bool = False) -> dict[str, Any]:
    """Trains what was asked for and checked, as `train` does.

    Args:
      job: of `job.check`, whose configuration is loaded.
      dry_run: as of `train`.

    Returns:
      the answer of `train`.

    Raises:
      UserError: as of `train`.
    """
    with console.Console() as screen:
        if not job.is_named:
            screen.line(f"The run is in {mirrors.shown(job.folder.path)}.")
        made = session.open_session(job, screen.line)
        if job.origin is not None or made.checkpoints.steps():
            # It is read where a run begins; a run that goes on must not be told that its own
            # configuration has no effect.
            config.build(training.WarmStartSettings)
        for binding in config.unused():
            screen.line(f"Without effect in this run: {binding}")
        if job.has_other_start:
            screen.line(
                "Without effect in this run: --warm_start, for the run has weights of its own. "
                "With another --output_dir a new run begins with those."
            )
        if made.checkpoints.steps() and (line := going_on.changes(job.folder)):
            screen.line(line)
        if dry_run:
            if job.origin is not None:
                weights.begin(made.settings.model, made.model, job.origin, screen.line)
            return summary.show(made, screen.line, columns=screen.columns)
        guards.check_disk(job.folder.path, summary.checkpoint_bytes(made))
        lock = job.folder.lock() if made.is_chief else contextlib.nullcontext()
        with lock, strategy.explaining(made.strategy):
            answer = loop.Training(made, screen, job.origin).run()
            if made.is_chief:
                mirrors.push(job.folder.path)
            return answer
