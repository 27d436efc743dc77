"""What a run folder has lost: checkpoints that were saved and are gone, or what goes with them.

To begin again at step 0 where there was a training would hide the loss, and cut its log.
A hidden file, `.saved`, holds the newest step saved, 0 for none yet; where it is missing,
as in a copy without hidden files, a log tells as much, for an evaluation is followed by a
checkpoint. A training that was killed before its first checkpoint has lost nothing that
was promised, and begins again.
No TensorFlow in here.
"""

from __future__ import annotations

from t2t_mm import errors
from t2t_mm.files import atomic
from t2t_mm.runs import checkpoint_files, metrics_log, run_folder

MARK = ".saved"


def mark(run: run_folder.RunFolder, step: int) -> None:
    """Notes that a checkpoint of this step was saved; 0 for none yet."""
    atomic.write_text(run.path / MARK, f"{step}\n")


def saved_step(run: run_folder.RunFolder) -> int:
    """Returns the newest step of which a checkpoint is known to have been saved, or 0."""
    marked = _marked(run)
    if marked is not None:
        return marked
    evaluated = [e["step"] for e in metrics_log.read(run.metrics_path) if e["split"] != "train"]
    return max(evaluated, default=0)


def check(run: run_folder.RunFolder, *, with_config: bool = True) -> None:
    """Raises where a training went before, and what it is to go on from is gone.

    Args:
      run: the folder; it need not hold a run.
      with_config: whether the run's own configuration is needed.

    Raises:
      CheckpointError: says what is gone and what to do.
    """
    if not run.path.is_dir():
        return
    remains = checkpoint_files.remains(run.checkpoints) or checkpoint_files.remains(
        run.checkpoints / "best"
    )
    if remains and not run.exists():
        raise _gone(run, run.problems_path.name, f"checkpoints, as {remains[0]}")
    if remains and with_config and not run.config_path.is_file():
        raise _gone(run, run.config_path.name, f"checkpoints, as {remains[0]}")
    if remains or not run.exists():
        return
    step = saved_step(run)
    if step:
        raise _gone(run, f"{run.checkpoints.name}/", f"a training that saved step {step:,}")


def newer(run: run_folder.RunFolder, restored: int) -> str | None:
    """Returns a line on a newer checkpoint that is gone; None where there was none.

    Args:
      run: the folder.
      restored: the step of the checkpoint that was taken.
    """
    step = _marked(run)
    if step is None or step <= restored or step in checkpoint_files.steps(run.checkpoints):
        return None
    return (
        f"The checkpoint of step {step:,}, which was saved last, is gone; taking that of step "
        f"{restored:,}. Lines of {run.metrics_path.name} after it are dropped."
    )


def _marked(run: run_folder.RunFolder) -> int | None:
    """Returns the step that the hidden file holds, where it is as it was written."""
    try:
        text = (run.path / MARK).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _gone(run: run_folder.RunFolder, what: str, held: str) -> errors.CheckpointError:
    return errors.CheckpointError(
        f"{run.path / what} is gone or empty, though the folder is that of {held}"
        if what.endswith("/")
        else f"{run.path / what} is gone, though the folder holds {held}",
        expected="all that the training wrote",
        hint="Restore it from a copy; or, to train from step 0, give another --output_dir",
    )
