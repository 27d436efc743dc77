"""Questions and answers at a terminal."""

from __future__ import annotations

import collections
import contextlib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from t2t_mm import cli, errors
from t2t_mm.decoding import answers, decode, input_lines, limits, requests
from t2t_mm.settings import decoding

if TYPE_CHECKING:
    from t2t_mm.data import task as task_lib
    from t2t_mm.runs import loaded_run


def talk(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    settings: decoding.DecodeSettings,
    *,
    emit: Callable[[Mapping[str, Any]], None] | None = None,
    ask: Callable[[str], str] = input,
) -> None:
    """Reads inputs and prints answers until the end of input (Ctrl-D).

    An input that cannot be used is answered with its error, and the next one is read. A
    repeated input is sampled again.

    Args:
      loaded: the run.
      task: the problem to carry out.
      settings: of the search.
      emit: takes answers as JSON values; they are printed as text when left out.
      ask: shows a prompt and returns a line, or raises EOFError.
    """
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 (gives `input` its line editing)

    cli.info(f"{task.name} at step {loaded.step}: {_wanted(task)}; Ctrl-D ends.")
    number = 0
    asked: collections.Counter[str] = collections.Counter()
    while True:
        try:
            line = ask(f"{task.command}> ")
        except EOFError:
            return
        number += 1
        try:
            typed = input_lines.parse(task, line, f"Input {number}")
            request = requests.request(task, typed, f"Input {number}")
            decoded = decode.of_requests(
                loaded, task, [request], settings, strict=True, asked=asked[line]
            )
            answer = next(decoded)
            asked[line] += 1
        except errors.UserError as error:
            cli.info(str(error))
            continue
        if answer.is_cut:
            cli.info(limits.told("this input is", limits.of(task, loaded.batching, settings)))
        if emit is not None:
            emit(answer.as_json())
        elif request.raw is not None:
            for each in answer.n_best or (answer,):
                sys.stdout.write(f"{answers.printable(each.outputs)}    ({each.score:.2f})\n")
            sys.stdout.flush()


def _wanted(task: task_lib.Task) -> str:
    if len(task.inputs) > 1:
        return f"objects with {', '.join(task.inputs)}"
    if not task.inputs:
        return "beginnings of texts, to be gone on with, or nothing"
    (declaration,) = task.inputs.values()
    return "texts" if declaration.is_text else f"paths of files ({declaration.kind})"
