"""Start: how soon commands answer, and how soon the first training step is done."""

from __future__ import annotations

import functools
import json
import pathlib
import shutil
import sys
from collections.abc import Sequence

from benchmarks import context, processes, rows

_COMMANDS = ("list", "datagen", "inspect", "trainer", "eval", "decoder", "avg", "serve")
_SECOND, _FIRST_STEP = 1.0, 20.0
_SIZE = 200
_TEN = (
    "wmt_ende",
    "wmt_deen",
    "wmt_enfr",
    "wmt_fren",
    "wsj_parsing",
    "wsj_speech",
    "imagenet",
    "coco_caption",
    "vqa",
    "vqa_classes",
)


def measure(here: context.Context) -> None:
    """Measures all cases."""
    there = [name for name in _COMMANDS if (processes.REPOSITORY / "bin" / f"{name}.py").is_file()]
    here.case("mm-list", lambda: _answer(here, "mm-list", ["list"], (0,)))
    for name in there:
        case = f"mm-{name} --help"
        here.case(case, functools.partial(_answer, here, case, [name, "--help"], (0,)))
    here.case("config error", lambda: _config_error(here))
    here.case("first step", lambda: _first_step(here))


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"t2t_mm.bin.{name}"]


def _answer(
    here: context.Context, case: str, arguments: list[str], codes: Sequence[int]
) -> Sequence[rows.Row]:
    command = [*_module(arguments[0]), *arguments[1:]]
    taken = [
        processes.run(command, log=here.log, codes=codes).seconds
        for _ in range(here.options.rounds)
    ]
    return [here.row(case, "s", taken, goal=_SECOND, at_least=False)]


def _config_error(here: context.Context) -> Sequence[rows.Row]:
    wrong = "--gin_param=TrainSettings.train_stepz = 1"
    where = [f"--data_dir={here.data_dir}", f"--output_dir={here.options.output_dir / 'none'}"]
    return _answer(here, "config error", ["trainer", "--problems=wmt_ende", wrong, *where], (2,))


def _first_step(here: context.Context) -> Sequence[rows.Row]:
    """From the start of mm-trainer to the first line of its log, for one problem and for ten."""
    data_dir = here.options.output_dir / f"sample_{_SIZE}"
    ten = _TEN[:2] if here.options.quick else _TEN
    command = [*_module("datagen"), f"--problems={','.join(ten)}", "--source=sample"]
    processes.run([*command, f"--data_dir={data_dir}", f"--sample_size={_SIZE}"], log=here.log)
    one_s, ten_s, all_s = [], [], []
    for _ in range(here.options.peer_rounds):
        one_s.append(_until(here, data_dir, ten[:1], 1))
        ten_s.append(_until(here, data_dir, ten, 1))
    all_s.append(_until(here, data_dir, ten, len(ten)))
    count = len(ten)
    growth = [(b - a) / (count - 1) for a, b in zip(one_s, ten_s, strict=True)]
    size = "tiny" if here.options.quick else "small"
    return [
        here.row(
            "first step, one problem",
            "s",
            one_s,
            goal=_FIRST_STEP,
            at_least=False,
            note=f"multi_model {size}",
        ),
        here.row(f"first step, {count} problems", "s", ten_s, note=f"multi_model {size}"),
        here.row("first step: growth a problem", "s", growth),
        here.row(f"every one of {count} problems trained", "s", all_s, note="drawn uniformly"),
    ]


def _until(
    here: context.Context, data_dir: pathlib.Path, problems: Sequence[str], wanted: int
) -> float:
    """Returns the seconds until so many problems have been trained."""
    run = here.options.output_dir / "first_step_run"
    shutil.rmtree(run, ignore_errors=True)
    log = run / "metrics.jsonl"

    def trained() -> bool:
        if not log.is_file():
            return False
        text = log.read_text(encoding="utf-8")
        lines = [
            json.loads(line) for line in text.split("\n")[:-1]
        ]  # the last may be in the making
        return len({one["problem"] for one in lines if one["problem"]}) >= wanted

    size = "tiny" if here.options.quick else "small"
    command = [
        *_module("trainer"),
        f"--problems={','.join(problems)}",
        f"--data_dir={data_dir}",
        f"--output_dir={run}",
        f"--gin_file=multi_model_{size}",
        "--schedule=uniform",
        "--eval_every=0",
        "--gin_param=TrainSettings.log_every = 1",
    ]
    return processes.until(command, trained, log=here.log)


if __name__ == "__main__":
    context.main("start", measure, __doc__ or "")
