"""Streams a file or pipe of inputs to answers, in order.

An input that cannot be used is answered with its error, without effect on the others.
TensorFlow is imported only when there is something to decode.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from t2t_mm import cli, errors
from t2t_mm.decoding import answers as answers_lib
from t2t_mm.decoding import input_lines
from t2t_mm.decoding import limits as limits_lib
from t2t_mm.decoding import requests as requests_lib
from t2t_mm.files import atomic
from t2t_mm.settings import decoding

if TYPE_CHECKING:
    from t2t_mm.data import task as task_lib
    from t2t_mm.runs import loaded_run

_TOLD = 20
"""Errors of inputs that are told one by one, where the answers are text."""


def lines(
    task: task_lib.Task, name: str, *, most: int = 0, strict: bool = False
) -> Iterable[list[input_lines.Line]]:
    """Returns the lines of a file, in chunks that are decoded together.

    A plain file is checked at once, before the work begins.

    Args:
      task: whose inputs they are.
      name: of the file; `-` is standard input.
      most: the first so many lines; 0 is all.
      strict: look at every line of a plain file, and raise for the first that is wrong.

    Raises:
      DataError: for a file that is not there, or is no list of inputs.
    """
    source, shown = input_lines.open_file(task, name)
    chunks = input_lines.read(task, source, shown, objects=input_lines.takes_objects(task, name))
    if most:
        chunks = _first(chunks, most)
    if name == "-" or not input_lines.is_file(name):
        return chunks
    if not strict:
        return itertools.chain(list(itertools.islice(chunks, 1)), chunks)
    known = list(chunks)
    for line in itertools.chain.from_iterable(known):
        requests_lib.check_line(task, line)
    return known


def answers(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    chunks: Iterable[list[input_lines.Line]],
    settings: decoding.DecodeSettings,
    *,
    strict: bool = False,
) -> Iterator[answers_lib.Answer]:
    """Yields an answer for each line, those of a chunk once all of it is decoded.

    Args:
      loaded: the run.
      task: the problem to carry out.
      chunks: of lines.
      settings: of the search.
      strict: raise for the first that cannot be used; what was ready before is not lost.
    """
    from t2t_mm.decoding import decode

    for chunk in chunks:
        requests = _requests(task, chunk, strict=strict)
        yield from decode.of_requests(loaded, task, requests, settings, strict=strict)


def write(
    answers: Iterable[answers_lib.Answer],
    output: str | os.PathLike[str] | None,
    *,
    emit: Callable[[Mapping[str, Any]], None] | None = None,
    limits: Mapping[str, int] | None = None,
) -> None:
    """Writes the answers, one a line.

    Args:
      answers: taken as they come.
      output: a file, written when all are there, of JSON lines if it is called `.jsonl`;
        standard output where there is none.
      emit: prints JSON values; answers are text when left out.
      limits: of the texts of inputs, as of `limits.of`; how many are longer is told at the end.

    Raises:
      DataError: at the end, where inputs could not be used: how many, and why the first.
    """
    as_json = emit is not None or str(output or "").endswith(".jsonl")
    count, cut, wrong = 0, 0, []

    def counted() -> Iterator[answers_lib.Answer]:
        nonlocal count, cut
        for answer in answers:
            count += 1
            cut += answer.is_cut
            if answer.error is not None:
                wrong.append(answer.error)
                if not as_json and len(wrong) <= _TOLD:
                    cli.info(answer.error)
            yield answer

    if output:
        atomic.write_text(output, answers_lib.as_text(counted(), as_json=as_json))
    else:
        for answer in counted():
            if emit is not None:
                emit(answer.as_json())
            else:
                sys.stdout.write(answers_lib.as_text([answer], as_json=False))
                sys.stdout.flush()
    if cut:
        cli.info(limits_lib.told(f"{cut:,} of {count:,} inputs were", limits or {}))
    if wrong:
        raise errors.DataError(
            f"{len(wrong):,} of {count:,} inputs could not be used, and have an "
            f"{'error' if as_json else 'empty line'} for an answer",
            received=wrong[0],
            hint="--strict stops at the first",
        )


def _first(
    chunks: Iterator[list[input_lines.Line]], count: int
) -> Iterator[list[input_lines.Line]]:
    for chunk in chunks:
        yield chunk[:count]
        count -= len(chunk)
        if count <= 0:
            return


def _requests(
    task: task_lib.Task, chunk: Iterable[input_lines.Line], *, strict: bool
) -> Iterator[requests_lib.Request]:
    for line in chunk:
        request = requests_lib.request_or_error(task, line)
        if strict and request.error is not None:
            raise request.error
        yield request
