"""The demo: from nothing to one model that translates and looks at pictures.

It types the commands that a user would, shows each of them, and puts what comes
out beside two simple answers. `make demo` runs it.
"""

from __future__ import annotations

import json
import pathlib
import shlex
import subprocess
import sys
import time
import types
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import cli, errors
from t2t_mm.process import signals
from t2t_mm.runs import run_folder

_COMMAND = cli.Command(
    "python -m t2t_mm.bin.demo",
    "Makes sample data, trains one model on translation and pictures together, and shows what "
    "it has learnt, within ten minutes on two processor cores.",
    example="python -m t2t_mm.bin.demo --folder=demo_out",
)
_FOLDER = _COMMAND.path("folder", "demo_out", "where data and the run go")
_SIZE = _COMMAND.integer(
    "sample_size", None, "passed on to mm-datagen", least=1, shown="as the problems say"
)
_GIN_PARAMS = _COMMAND.multi("gin_param", "passed on to mm-trainer")
_PROBLEMS = ("wmt_ende", "imagenet")
_SHOWN = 6


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_demo, argv)


def _demo() -> dict[str, Any]:
    start = time.monotonic()
    data, run = _FOLDER.value / "data", _FOLDER.value / "run"
    both = [f"--problems={','.join(_PROBLEMS)}", f"--data_dir={data}"]
    size = [f"--sample_size={_SIZE.value}"] if _SIZE.value else []
    _run("datagen", *both, "--source=sample", *size)
    params = [f"--gin_param={param}" for param in _GIN_PARAMS.value or ()]
    _run("trainer", *both, f"--output_dir={run}", "--gin_file=demo", *params)
    (measured,) = _run("eval", f"--output_dir={run}", "--json")
    decode = [f"--output_dir={run}", "--split=validation", f"--max_examples={_SHOWN}", "--json"]
    answers = {name: _run("decoder", f"--problem={name}", *decode) for name in _PROBLEMS}
    _show(measured["results"], answers)
    if note := _note(run, measured["step"]):
        cli.info(f"\n{note}")
    seconds = time.monotonic() - start
    cli.info(f"\nDone in {seconds / 60:.1f} minutes. The run is in {run}; go on with, for example,")
    decoder = pathlib.Path(sys.executable).with_name("mm-decoder")
    command = shlex.join([str(decoder), f"--output_dir={run}", "--problem=wmt_ende"])
    cli.info(f"  {command}   (and type a sentence)")
    return {"seconds": round(seconds, 1), "results": measured["results"]}


def _run(command: str, *arguments: str) -> list[Any]:
    """Runs a command as a user would; returns the JSON documents that it printed.

    Raises:
      UserError: it failed, and has said why.
      KeyboardInterrupt: a signal came; the command got it too, and has ended in order.
    """
    cli.info(f"\n$ {shlex.join([f'mm-{command}', *arguments])}")
    processes: list[subprocess.Popen[str]] = []
    came: list[int] = []

    def pass_on(number: int, frame: types.FrameType | None) -> None:
        del frame
        came.append(number)
        processes[0].send_signal(number)

    with signals.handled(pass_on):
        with signals.held_back():
            # In a group of its own: what a terminal sends to all must not come twice.
            processes += [
                subprocess.Popen(
                    [sys.executable, "-m", f"t2t_mm.bin.{command}", *arguments],
                    stdout=subprocess.PIPE if "--json" in arguments else None,
                    text=True,
                    process_group=0,
                )
            ]
        said, _ = processes[0].communicate()
    code = processes[0].returncode
    if came or code == signals.EXIT_CODE:
        words = signals.words(came[0]) if came else "interrupted"
        raise KeyboardInterrupt(f"{words}; the same command goes on from there")
    if code:
        raise errors.UserError(f"mm-{command} ended with code {code}; see above")
    return [json.loads(line) for line in (said or "").splitlines() if line.strip()]


def _note(run: pathlib.Path, step: int) -> str:
    """Returns what is to be said of values that are lower than those of a whole training."""
    wanted = {
        binding.parameter: binding.value
        for binding in run_folder.RunFolder(run).bindings()
        if binding.name == "TrainSettings"
    }
    if step >= wanted["train_steps"] or not wanted["train_seconds"]:
        return ""
    on = shlex.join(["mm-trainer", f"--output_dir={run}", "--train_seconds=0"])
    return (
        f"The training has stopped at its limit of {wanted['train_seconds']} s, at step {step:,} "
        f"of {wanted['train_steps']:,}: this machine is slower than the demo reckons with, so "
        f"these values are lower than those of a whole training. To train to the end: {on}"
    )


def _show(results: Mapping[str, Any], answers: Mapping[str, Sequence[Any]]) -> None:
    from t2t_mm.data import task
    from t2t_mm.problems.sample_world import corpora
    from t2t_mm.reports import showcase

    tasks = task.tasks_from_data(list(answers), _FOLDER.value / "data")
    names = {wnid: label for label, wnid in corpora.WNIDS.items()}
    screen = cli.console(stderr=True)
    screen.print()
    showcase.show(tasks, "validation", results, answers, names=names, console=screen)


if __name__ == "__main__":
    raise SystemExit(main())
