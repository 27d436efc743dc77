"""mm-avg: the mean of a run's newest checkpoints, as a run of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2t_mm import cli
from t2t_mm.runs import folders

_COMMAND = cli.Command(
    "mm-avg",
    "Averages the weights of a run's newest checkpoints, which often answers better than any one "
    "of them. What it makes is a run of its own, which mm-eval, mm-decoder and mm-export take as "
    "--output_dir, and mm-trainer as --warm_start; a training cannot go on in it. Checkpoints that "
    "are damaged are passed over. A training keeps its newest three, or as many as "
    "TrainSettings.keep_checkpoints says.",
    example="mm-avg --output_dir=runs/demo --checkpoints=3",
)
_OUTPUT_DIR = _COMMAND.path(
    "output_dir", None, "folder of the training", shown=folders.OUTPUT_DEFAULT
)
_CHECKPOINTS = _COMMAND.integer(
    "checkpoints", None, "how many of the newest", least=1, shown="all that are kept"
)
_TO = _COMMAND.path(
    "to",
    None,
    "folder of the average; an average that is there is replaced",
    shown="OUTPUT_DIR/averaged",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_average, argv)


def _average() -> dict[str, Any]:
    from t2t_mm.training import averaging

    run = folders.trained_run(_OUTPUT_DIR.value, averages=False, say=_COMMAND.say)
    answer = averaging.average(run, checkpoints=_CHECKPOINTS.value, to=_TO.value, warn=_warn)
    if not _COMMAND.json:
        print(f"The mean of {averaging.named(answer['averaged'])} is in {answer['to']}")
    return answer


def _warn(line: str) -> None:
    cli.info(f"mm-avg: warning: {line}")


if __name__ == "__main__":
    raise SystemExit(main())
