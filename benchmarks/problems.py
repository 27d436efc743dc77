"""Forty problems in one run: memory, start and pace, against one and against one of each kind."""

from __future__ import annotations

import functools
import json
import pathlib
import shutil
import sys
import time
from collections.abc import Sequence

from benchmarks import context, processes, rows

MANY = 40
KINDS = ("wmt_ende", "imagenet", "coco_caption", "wsj_speech")
"""Copied in turn: text to text, picture to class, picture to text, sound to text."""

_USR_DIR = pathlib.Path(__file__).with_name("many")
_SIZE, _QUICK_SIZE = 200, 40
_WARM_UP, _STEPS, _QUICK_STEPS = 40, 160, 40
_FIGURES = {"peak": ("peak memory", "MB"), "first": ("first step", "s"), "step": ("a step", "ms")}


def name(number: int) -> str:
    """Returns the name of a copy, by its number from 0."""
    return f"many_{number:02d}"


def measure(here: context.Context) -> None:
    """Measures all cases, from three trainings."""
    here.case(f"{MANY} problems", functools.partial(_problems, here))


def _problems(here: context.Context) -> Sequence[rows.Row]:
    size = _QUICK_SIZE if here.options.quick else _SIZE
    data_dir = here.options.output_dir / f"many_{size}"
    copies = [name(number) for number in range(MANY)]
    command = [*_module("datagen"), f"--problems={','.join(copies)}", "--source=sample"]
    command += [f"--sample_size={size}", f"--usr_dir={_USR_DIR}", f"--data_dir={data_dir}"]
    processes.run(command, log=here.log, timeout_s=3600)
    counts = (1, len(KINDS), MANY)
    found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    for _ in range(here.options.peer_rounds):
        for count in counts:
            found[count].append(_train(here, data_dir, copies[:count]))
    versus = {1: "one problem", len(KINDS): f"{len(KINDS)} problems, one of each kind"}
    return [
        here.row(
            f"{MANY} problems: {what}, against {other}",
            unit,
            [one[key] for one in found[MANY]],
            other=[one[key] for one in found[count]],
            versus=other,
            at_least=False,
            note=f"multi_model {_model(here)}",
        )
        for key, (what, unit) in _FIGURES.items()
        for count, other in versus.items()
    ]


def _train(
    here: context.Context, data_dir: pathlib.Path, problems: Sequence[str]
) -> dict[str, float]:
    """Trains for some steps, and returns the figures of the run.

    The time of a step is the mean of those after `_WARM_UP`, when each kind has been traced.
    """
    run = here.options.output_dir / "many_run"
    shutil.rmtree(run, ignore_errors=True)
    steps = _QUICK_STEPS if here.options.quick else _STEPS
    command = [*_module("trainer"), f"--problems={','.join(problems)}", f"--usr_dir={_USR_DIR}"]
    command += [f"--data_dir={data_dir}", f"--output_dir={run}", "--schedule=uniform"]
    command += [f"--gin_file=multi_model_{_model(here)}", "--eval_every=0"]
    command += [f"--train_steps={_WARM_UP + steps}", "--gin_param=TrainSettings.log_every = 1"]
    began = time.time()
    processes.run(command, log=here.log, timeout_s=3600)
    text = (run / "metrics.jsonl").read_text(encoding="utf-8")
    every = map(json.loads, text.splitlines())
    lines = {line["step"]: line for line in every if line["problem"] == ""}
    seconds = lines[_WARM_UP + steps]["time"] - lines[_WARM_UP]["time"]
    return {
        "first": lines[1]["time"] - began,
        "peak": lines[_WARM_UP + steps]["metrics"]["peak_memory_bytes"] / 1e6,
        "step": 1e3 * seconds / steps,
    }


def _model(here: context.Context) -> str:
    return "tiny" if here.options.quick else "small"


def _module(command: str) -> list[str]:
    return [sys.executable, "-m", f"t2t_mm.bin.{command}"]


if __name__ == "__main__":
    context.main("problems", measure, __doc__ or "")
