"""mm-trainer: one model, trained on many problems at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2t_mm import cli
from t2t_mm.cli import without_effect
from t2t_mm.runs import folders
from t2t_mm.settings import training

_COMMAND = cli.Command(
    "mm-trainer",
    "Trains one model on one or many problems whose data has been generated, and goes on with "
    "the run in --output_dir if there is one. Sizes and rates are set by gin; without a "
    "--gin_file the model is the size `small`, made for two processor cores. A gin file of "
    "gin/mixtures names problems too, for mm-datagen as for mm-trainer.",
    example="mm-trainer --problems=wmt_ende,imagenet --data_dir=data --output_dir=run "
    "--train_steps=1000",
)
_COMMAND.problems(required=False, shown="those of a --gin_file, or of the run")
_DATA_DIR = _COMMAND.path(
    "data_dir",
    None,
    "where mm-datagen has put the data",
    shown=f"{folders.DATA_DEFAULT}; of a run that is gone on with, where it has read it",
)
_OUTPUT_DIR = _COMMAND.path("output_dir", None, "the run folder", shown=folders.NEW_OUTPUT_DEFAULT)
_DEFAULTS = training.TrainSettings()
"""Shown in the help; a gin file, or the run that is gone on with, may say otherwise."""

_MODEL = _COMMAND.string(
    "model", None, "name of a registered model [TrainSettings.model]", shown=_DEFAULTS.model
)
_GIN_FILES, _GIN_PARAMS = _COMMAND.gin()
_SETTINGS = {
    "train_steps": _COMMAND.integer(
        "train_steps", None, "the step to reach", least=1, shown=f"{_DEFAULTS.train_steps}"
    ),
    "train_seconds": _COMMAND.integer(
        "train_seconds", None, "or stop after so many seconds", shown="no limit"
    ),
    "eval_every": _COMMAND.integer(
        "eval_every",
        None,
        "steps between evaluations; 0 for one at the end",
        shown=f"{_DEFAULTS.eval_every}",
    ),
    "save_every": _COMMAND.integer(
        "save_every", None, "steps between checkpoints", least=1, shown=f"{_DEFAULTS.save_every}"
    ),
    "schedule": _COMMAND.string(
        "schedule",
        None,
        "of the mixture: which problem a step trains, as in proportional or temperature:2.0",
        shown=_DEFAULTS.schedule,
    ),
    "strategy": _COMMAND.choice(
        "strategy",
        None,
        ("auto", "default", "mirrored", "multi_worker"),
        "how devices share the work",
        shown=_DEFAULTS.strategy,
    ),
    "devices": _COMMAND.integer(
        "devices",
        None,
        "so many GPUs; without GPUs the processor is split into so many logical devices, to try it",
        shown="all GPUs",
    ),
    "seed": _COMMAND.integer(
        "seed", None, "of weights, data order, mixture and dropout", shown=f"{_DEFAULTS.seed}"
    ),
    "model": _MODEL,
}
_WARM_START = _COMMAND.path("warm_start", None, "a run or checkpoint to start from", shown="none")
_REPEAT_CRASH = _COMMAND.boolean(
    "repeat_crash",
    False,
    "compute loss and gradients again of the step that was not finite, from --output_dir/crash "
    "alone; --gin_param tries what they depend on (precision, the model's settings, weights of "
    "losses); rate, warm-up and policy act in a training only",
)
_DRY_RUN = _COMMAND.boolean("dry_run", False, "show sizes, shapes, rates, epochs and memory only")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_train, argv)


def _train() -> dict[str, Any]:
    if _REPEAT_CRASH.value:
        return _repeat_crash()
    from t2t_mm.training import job as job_lib

    asked = {
        "data_dir": _DATA_DIR.value,
        "output_dir": _OUTPUT_DIR.value,
        "gin_files": _GIN_FILES.value,
        "gin_params": _GIN_PARAMS.value,
        "warm_start": _WARM_START.value,
    }
    settings = {name: flag.value for name, flag in _SETTINGS.items()}
    problems = _COMMAND.problem_patterns()
    job = job_lib.check(problems, **asked, settings=settings)
    from t2t_mm.training import train  # TensorFlow comes with it: not before all is known right

    return train.carry_out(job, dry_run=_DRY_RUN.value)


def _repeat_crash() -> dict[str, Any]:
    is_named = folders.known_output_dir(_OUTPUT_DIR.value) is not None
    finding = () if is_named else ("problems", "problem")  # by them a run is found
    without_effect.beside(
        _COMMAND,
        "--repeat_crash",
        used=("output_dir", "gin_param", *finding),
        hint="All else is in the run's crash/; without --repeat_crash the training goes on",
    )
    run = folders.trained_run(
        _OUTPUT_DIR.value, problems=_COMMAND.problem_patterns(), say=_COMMAND.say
    )
    from t2t_mm.training import crash_repeat

    found = crash_repeat.repeat(run, gin_params=_GIN_PARAMS.value, say=_COMMAND.say)
    if not _COMMAND.json:
        cli.info(
            f"Step {found['step']:,}, of {found['problem']}, is finite now: loss "
            f"{found['loss']:.4g}, gradients of norm {found['norm']:.4g}."
        )
    return found


if __name__ == "__main__":
    raise SystemExit(main())
