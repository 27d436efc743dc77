"""A weights-only run folder: what to ship to those who decode, evaluate or go on from there.

It has config.gin, problems.json, nets.json, vocabularies and one checkpoint with the model
alone; without the state of an optimizer and a place in the data it is a third of a run's.
"""

from __future__ import annotations

import pathlib
from typing import Any

from t2t_mm.files import atomic
from t2t_mm.runs import loaded_run, opened_run
from t2t_mm.training import averaging

NAME = "weights"
"""Folder of exports; it holds no versions, so no server takes it for a SavedModel."""


def write(
    run: opened_run.OpenedRun, export_dir: pathlib.Path, checkpoint: str | int
) -> dict[str, Any]:
    """Writes `EXPORT_DIR/weights`, whole or not at all; hold the lock of the folder.

    Args:
      run: opened, or loaded already.
      export_dir: the folder of exports.
      checkpoint: "latest", "best" or a step; of no effect on a loaded run.

    Returns:
      `step`, `exports` (the folder by the name `weights`) and `bytes` of it.

    Raises:
      ConfigError: where the folder holds something else.
      CheckpointError: for a checkpoint that is missing or damaged.
    """
    target = atomic.real(export_dir / NAME)
    averaging.check_target(target, what="weights alone", flag="--export_dir")
    if not isinstance(run, loaded_run.LoadedRun):
        run = loaded_run.restore(run, checkpoint)
    steps = run.folder.averaged or [run.step]
    averaging.write(run.folder, run.model, steps, target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    return {"step": run.step, "exports": {NAME: str(export_dir / NAME)}, "bytes": size}
