"""Forty problems in one run: memory, start and pace, against one and against ten."""

from __future__ import annotations

import functools
import json
import pathlib
import shutil
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import context, processes, rows

FEW, MANY = 10, 40
KINDS = ("wmt_ende", "imagenet", "coco_caption", "wsj_speech")
"""Copied in turn: text to text, picture to class, picture to text, sound to text."""

_USR_DIR = pathlib.Path(__file__).with_name("many")
_SIZE, _QUICK_SIZE = 200, 40
_STEPS, _QUICK_STEPS = 200, 24
_FIGURES = {
    "peak": ("peak memory", "MB"),
    "start": ("all is open", "s"),
    "first": ("first step", "s"),
    "step": (f"a step of {KINDS[0]}", "ms"),
}


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
    counts = (1, FEW, MANY)
    found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    for _ in range(here.options.peer_rounds):
        for count in counts:
            found[count].append(_train(here, data_dir, copies[:count]))
    versus = {1: "one problem", FEW: f"{FEW} problems"}
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

    The time of a step is the median of those of the first kind, which every run has, without the
    first of them. Seconds are those since the command was given.
    """
    run = here.options.output_dir / "many_run"
    shutil.rmtree(run, ignore_errors=True)
    steps = _QUICK_STEPS if here.options.quick else _STEPS
    command = [*_module("trainer"), f"--problems={','.join(problems)}", f"--usr_dir={_USR_DIR}"]
    command += [f"--data_dir={data_dir}", f"--output_dir={run}", "--schedule=uniform"]
    command += [f"--gin_file=multi_model_{_model(here)}", "--eval_every=0"]
    # More steps than are waited for: what is interrupted does not evaluate.
    command += [f"--train_steps={steps + 1000}", "--gin_param=TrainSettings.log_every = 1"]
    command += ["--gin_param=TrainSettings.precision = 'float32'"]
    log = run / "metrics.jsonl"
    began = time.time()
    processes.until(
        command,
        lambda: any(line["step"] >= steps and line["problem"] == "" for line in _lines(log)),
        log=here.log,
        timeout_s=3600,
        poll_s=1.0,
    )
    lines = [line for line in _lines(log) if line["step"] <= steps]
    times = {line["step"]: line["time"] for line in lines if line["problem"] == ""}
    last = next(line for line in lines if line["step"] == steps and line["problem"] == "")
    opened = json.loads((run / "starts.jsonl").read_text("utf-8").splitlines()[0])["time"]
    return {
        "peak": last["metrics"]["peak_memory_bytes"] / 1e6,
        "start": opened - began,
        "first": times[1] - began,
        "step": 1e3 * statistics.median(_seconds(lines, times)),
    }


def _lines(log: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the whole lines of a log that may still be written."""
    text = log.read_text("utf-8") if log.is_file() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _seconds(lines: Sequence[dict[str, Any]], times: Mapping[int, float]) -> list[float]:
    """Returns the seconds of the steps of the first kind but the first, which is traced.

    Args:
      lines: of the log.
      times: of the ends of steps.
    """
    steps = [
        line["step"]
        for line in lines
        if line["split"] == "train"
        and line["metrics"].get("share")
        and line["problem"] in map(name, range(0, MANY, len(KINDS)))
    ]
    return [times[step] - times[step - 1] for step in sorted(steps)[1:]]


def _model(here: context.Context) -> str:
    return "tiny" if here.options.quick else "small"


def _module(command: str) -> list[str]:
    return [sys.executable, "-m", f"t2t_mm.bin.{command}"]


if __name__ == "__main__":
    context.main("problems", measure, __doc__ or "")
