"""mm-eval: the metrics of a trained model on generated splits."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Sequence
from typing import Any

from t2t_mm import cli
from t2t_mm.cli import decoding_flags, without_effect
from t2t_mm.process import command_output
from t2t_mm.runs import folders, opened_run

_COMMAND = cli.Command(
    "mm-eval",
    "Measures a trained model on a split of each of its problems: BLEU of what it writes, "
    "accuracy of the classes it names, log-perplexity. What it wrote for a whole split is kept in "
    "the run's decodes/. With --baselines it shows what the simplest answers score: a copy of the "
    "source, or what was most frequent in training. With --robustness it measures inputs that are "
    "noisy, blurred, misspelt or attacked, and keeps the curves in the run's robustness/.",
    example="mm-eval --output_dir=runs/demo --split=test --checkpoint=best",
)
_OUTPUT_DIR = _COMMAND.path(
    "output_dir", None, "folder of the training", shown=folders.OUTPUT_DEFAULT
)
_DATA_DIR = _COMMAND.path(
    "data_dir", None, "folder of generated data", shown=folders.DATA_OF_RUN_DEFAULT
)
_COMMAND.problems(required=False, shown="all of the run")
_SPLIT = _COMMAND.string(
    "split", None, "the generated split", shown="that of evaluation while training"
)
_CHECKPOINT = _COMMAND.string("checkpoint", "latest", decoding_flags.CHECKPOINT)
_MAX_EXAMPLES = _COMMAND.integer("max_examples", 0, "the first so many of a split; 0 is all")
_BASELINES = _COMMAND.boolean("baselines", False, "measure the simplest answers beside the model")
_ROBUSTNESS = _COMMAND.optional_list(
    "robustness",
    "measure damaged and attacked inputs too, at five strengths: alone all kinds, or names, "
    "families and globs, such as 'noise,jpeg,attack'",
    alone="all",
)
_ROBUSTNESS_EXAMPLES = _COMMAND.integer(
    "robustness_examples", 100, "the first so many of a split, for --robustness; 0 is all"
)
_ROBUSTNESS_SEED = _COMMAND.integer("robustness_seed", 0, "of the damage")
_decoding = decoding_flags.define(_COMMAND)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_eval, argv)


def _eval() -> dict[str, Any]:
    given, problems = _decoding(), _COMMAND.problem_patterns()
    if not _ROBUSTNESS.value:
        without_effect.without(
            _COMMAND, "--robustness", flags=("robustness_examples", "robustness_seed")
        )
    folder = folders.trained_run(_OUTPUT_DIR.value, problems=problems, say=_COMMAND.say)
    run = opened_run.open_run(folder, data_dir=folders.known_data_dir(_DATA_DIR.value))
    settings = decoding_flags.settings(run, given, problems)
    from t2t_mm.evaluation import evaluate, table
    from t2t_mm.evaluation.robustness import kinds
    from t2t_mm.evaluation.robustness import table as robust
    from t2t_mm.runs import loaded_run

    if _ROBUSTNESS.value:
        kinds.chosen(run.matching(problems), _ROBUSTNESS.value)
    loaded = loaded_run.restore(run, _CHECKPOINT.value)
    with contextlib.ExitStack() as stack:
        status = None
        if command_output.can_redraw(sys.stderr):
            status = stack.enter_context(cli.console(stderr=True).status("Evaluating"))
        answer = evaluate.evaluate(
            loaded,
            problems=problems,
            split=_SPLIT.value,
            settings=settings,
            max_examples=_MAX_EXAMPLES.value,
            baselines=_BASELINES.value,
            robustness=_ROBUSTNESS.value,
            robustness_examples=_ROBUSTNESS_EXAMPLES.value,
            robustness_seed=_ROBUSTNESS_SEED.value,
            progress=None if status is None else functools.partial(_tell, status),
        )
    if "robustness" in answer:
        from t2t_mm.reports.run_report import robustness

        answer["robustness_report"] = robustness.write_page(loaded.folder, say=_COMMAND.say)
    if not _COMMAND.json:
        table.show(answer, console=cli.console())
        robust.show(answer.get("robustness", {}), console=cli.console())
    return answer


def _tell(status: Any, problem: str, done: int | str) -> None:
    said = f"{done:,} examples" if isinstance(done, int) else done
    status.update(f"{problem}: {said}")


if __name__ == "__main__":
    raise SystemExit(main())
