"""A full evaluation of 1,000 sentences, as mm-eval does it: decoding, metrics, log-perplexity."""

from __future__ import annotations

import functools
import pathlib
import shutil
import sys
from collections.abc import Sequence

from benchmarks import context, processes, rows

_SENTENCES, _TINY = 1000, 20
_MINUTE = 60.0


def measure(here: context.Context) -> None:
    """Measures `small` of both models, trained where a run is given."""
    for name, folder in (
        ("multi_model", here.options.multi_model_run),
        ("transformer", here.options.transformer_run),
    ):
        case = f"{name} small, {_SENTENCES:,} sentences"
        here.case(case, functools.partial(_one, here, case, name, folder))


def _one(
    here: context.Context, case: str, name: str, folder: pathlib.Path | None
) -> Sequence[rows.Row]:
    count = _TINY if here.options.quick else _SENTENCES
    note, run, split = "trained", folder, "test"
    if run is None:
        run, split = _untrained(here, name, count), "train"  # the only one large enough
        note = "hardly trained: sentences run to their limit, so this is an upper bound"
    found = here.worker("answers", run=run, split=split, examples=count, passes=0, evaluate=True)
    return [
        here.row(
            case,
            "s",
            [found["load_s"] + found["pass_s"][0]],
            goal=_MINUTE,
            at_least=False,
            note=f"{note}; loading {found['load_s']:.1f} s in it, and tracing; greedy",
        )
    ]


def _untrained(here: context.Context, name: str, count: int) -> pathlib.Path:
    """Returns a run of two steps on the sample world."""
    data_dir = here.options.output_dir / f"sample_{count}"
    module = [sys.executable, "-m", "t2t_mm.bin.datagen", "--problem=wmt_ende", "--source=sample"]
    processes.run([*module, f"--data_dir={data_dir}", f"--sample_size={count}"], log=here.log)
    run = here.options.output_dir / f"{name}_untrained"
    shutil.rmtree(run, ignore_errors=True)
    command = [sys.executable, "-m", "t2t_mm.bin.trainer", "--problems=wmt_ende"]
    where = [f"--data_dir={data_dir}", f"--output_dir={run}"]
    gin = [
        f"--gin_file={name}_{'tiny' if here.options.quick else 'small'}",
        "--gin_param=TrainSettings.eval_examples = 1",
    ]
    processes.run([*command, *where, *gin, "--train_steps=2"], log=here.log)
    return run


if __name__ == "__main__":
    context.main("evaluation", measure, __doc__ or "")
