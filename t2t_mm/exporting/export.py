"""`t2t_mm.export`: SavedModels of a trained run, to be served."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.cli import export_dir as export_dir_lib
from t2t_mm.exporting import versions
from t2t_mm.files import atomic, mirrors
from t2t_mm.settings import decoding

if TYPE_CHECKING:
    from t2t_mm.data import task as task_lib
    from t2t_mm.exporting import signature
    from t2t_mm.runs import loaded_run, opened_run

PRECISIONS = ("float32", "bfloat16")
ALL = "multi_model"
"""Name of the export that holds all problems."""
DEFAULT = "serving_default"
EXAMPLES = 4


def export(
    run: str | os.PathLike[str] | opened_run.OpenedRun,
    export_dir: str | os.PathLike[str] | None = None,
    *,
    problems: Sequence[str] | None = None,
    checkpoint: str | int = "latest",
    precision: str = "float32",
    settings: decoding.DecodeSettings | None = None,
    examples: int = EXAMPLES,
    checkpoint_only: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
    warn: Callable[[str], None] | None = None,
    **search: Any,
) -> dict[str, Any]:
    """Exports problems of a trained run as SavedModels.

    `EXPORT_DIR/PROBLEM/VERSION/` answers one problem, and `EXPORT_DIR/multi_model/VERSION/`
    all of them by one set of weights. They load with tensorflow and tensorflow-text alone, and
    in TensorFlow Serving. Texts are those of `decode` with the same settings.

    Example:
        answer = t2t_mm.export("runs/ende", "exports", beam_size=4, alpha=0.6)
        served = tf.saved_model.load(answer["exports"]["wmt_ende"])  # import tensorflow_text first
        served.signatures["serving_default"](inputs=tf.constant(["A dog runs."]))["outputs"]

    Args:
      run: an output folder of a training, or what `load_run` returned, which is exported in
        the precision in which it was loaded.
      export_dir: where exports go; T2T_MM_EXPORT_DIR, or `exports`, when left out.
      problems: names or globs; all of the run when left out.
      checkpoint: "latest", "best" or a step; of no effect on a loaded run.
      precision: "float32" or "bfloat16", whatever the training computed in. In bfloat16 the
        other rows of a batch may change a text.
      settings: of the search; by default those of the run's configuration.
      examples: of each problem, kept for pages that show some, where there is generated data.
      checkpoint_only: write `EXPORT_DIR/weights` instead, a run folder with the weights alone,
        which decodes, evaluates and starts a training warm as the run itself does.
      data_dir: of generated data, if it has moved since the training.
      warn: takes a line of text; standard error by default.
      **search: fields of `DecodeSettings` that override these.

    Returns:
      `step`, and `exports`: the folder of the new version by the name of the export. With
      `checkpoint_only` the folder of the weights, and their `bytes`.

    Raises:
      ConfigError: for names or settings that do not fit the run.
      CheckpointError: for a checkpoint that is missing or damaged.
      DataError: when the folder is in use, or cannot be written to.
    """
    from t2t_mm.exporting import weights
    from t2t_mm.runs import loaded_run, opened_run

    check(precision, examples)
    opened = (
        run
        if isinstance(run, opened_run.OpenedRun)
        else opened_run.open_run(run, data_dir=data_dir)
    )
    tasks = chosen(opened, problems)
    used = (settings or opened.decode_settings).override(search)
    for task in tasks:
        used.check(task)
    folder = export_dir_lib.export_dir(export_dir)
    if checkpoint_only:
        _check_whole(opened, tasks)
        with versions.lock(folder):
            answer = weights.write(opened, folder, checkpoint)
        mirrors.push(folder)
        return answer
    with versions.lock(folder):
        if not isinstance(run, loaded_run.LoadedRun):
            run = loaded_run.restore(opened, checkpoint, precision=precision)
        answer = _write(run, folder, tasks, used, examples=examples, warn=warn or _to_stderr)
    mirrors.push(folder)
    return answer


def _check_whole(run: opened_run.OpenedRun, tasks: Sequence[task_lib.Task]) -> None:
    """Raises where some problems alone are asked for of a checkpoint, which is of all of them."""
    if len(tasks) < len(run.tasks):
        raise errors.ConfigError(
            "The weights of a run are those of all its problems",
            received=f"--checkpoint_only, --problems={','.join(task.name for task in tasks)}",
            hint="Leave one of them out",
        )


def check(precision: str, examples: int) -> None:
    """Raises ConfigError for arguments out of range."""
    if precision not in PRECISIONS:
        raise errors.ConfigError(
            f"There is no precision {precision!r}",
            expected=f"one of {', '.join(PRECISIONS)}",
            hint=errors.did_you_mean(precision, PRECISIONS),
        )
    if examples < 0:
        raise errors.ConfigError(
            "The number of examples is out of range", received=examples, expected="0 or more"
        )


def chosen(run: Any, problems: Sequence[str] | None) -> list[task_lib.Task]:
    """Returns the problems of an opened run that are to be exported.

    Raises:
      ConfigError: for a name that is none of the run's, or one that no export can have.
    """
    tasks: list[task_lib.Task] = run.matching(problems)
    for task in tasks:
        if task.name == ALL:
            raise errors.ConfigError(
                f"The problem {ALL!r} has the name of the export of all problems",
                hint="Register the problem by another name",
            )
    return tasks


def _write(
    run: loaded_run.LoadedRun,
    export_dir: pathlib.Path,
    tasks: Sequence[task_lib.Task],
    settings: decoding.DecodeSettings,
    *,
    examples: int,
    warn: Callable[[str], None],
) -> dict[str, Any]:
    """Writes an export of each problem and one of all; hold the lock of the folder."""
    from t2t_mm.exporting import description, explain, saved_model, signature
    from t2t_mm.exporting import examples as examples_lib

    longest = run.batching.max_length
    made = [
        signature.Signature(run, task, settings.within(task.targets, longest)) for task in tasks
    ]
    variables = [variable.value for variable in run.model.variables]
    exports = {}
    for name, signatures in named(made).items():
        with versions.new(export_dir / name) as (making, version):
            functions = {key: one.function for key, one in signatures.items()}
            if DEFAULT in signatures:
                explained = explain.function(run, signatures[DEFAULT])
                functions |= {} if explained is None else {explain.NAME: explained}
            sha256 = saved_model.write(
                making,
                functions,
                variables,
                [each for one in signatures.values() for each in one.resources()],
            )
            described = description.make(
                run,
                name=name,
                number=int(version.name),
                sha256=sha256,
                signatures=signatures,
                examples={
                    one.task.name: examples_lib.take(one.task, examples, making, warn=warn)
                    for one in signatures.values()
                },
            )
            description.write(making, described)
            saved_model.flush(making)
        # Beside the versions, where the layout of the field has no place for it.
        atomic.write_json(version.parent / description.FILE, described)
        exports[name] = str(version)
    return {"step": run.step, "exports": exports}


def named(
    signatures: Sequence[signature.Signature],
) -> dict[str, dict[str, signature.Signature]]:
    """Returns the signatures of each export by its name."""
    single = {one.task.name: {DEFAULT: one} for one in signatures}
    return {**single, ALL: {one.task.name: one for one in signatures}}


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"Warning: {line}\n")
