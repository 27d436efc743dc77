"""Reads the lines of a file or a pipe in chunks; a chunk of a pipe ends when it pauses.

A program may write one line and wait for its answer, so decoding must not wait for the end
of the input. Another may write thousands at once, which are faster to decode together. So a
chunk of a pipe ends when it is full, after a short pause, or when its first line has waited
long enough.
"""

from __future__ import annotations

import io
import os
import select
import stat
import time
from collections.abc import Iterator
from typing import Any

from t2t_mm import errors

PAUSE_S = 0.05
LONGEST_WAIT_S = 0.5

LONGEST_LINE = 2**24
"""Bytes. No text or path is as long: it is no list of inputs, but some other file."""

_READ = 2**16


def chunks(source: Any, name: str, size: int) -> Iterator[list[bytes]]:
    """Yields lists of lines, with the line ends that they have.

    Args:
      source: a binary file, from which nothing has been read.
      name: of it, for errors.
      size: lines of a chunk at most.

    Raises:
      DataError: for a line that does not end.
    """
    pipe = _pipe(source)
    lines: list[bytes] = []
    rest: list[bytes] = []  # of a line that has not ended yet
    waiting = 0
    until = 0.0
    while True:
        if pipe is not None and lines:
            wait = min(PAUSE_S, max(0.0, until - time.monotonic()))
            if not wait or not select.select([pipe], [], [], wait)[0]:
                yield lines
                lines = []
                continue
        data = source.read1(_READ)
        if not data:
            break
        *whole, last = data.split(b"\n")
        if whole:
            if not lines:
                until = time.monotonic() + LONGEST_WAIT_S
            lines.append(b"".join((*rest, whole[0], b"\n")))
            lines += [line + b"\n" for line in whole[1:]]
            rest, waiting = [], 0
        rest.append(last)
        waiting += len(last)
        if waiting > LONGEST_LINE:
            raise errors.DataError(
                f"{name} is no list of inputs",
                received=f"a line of more than {LONGEST_LINE:,} bytes",
                expected="an input in each line",
            )
        while len(lines) >= size:
            yield lines[:size]
            lines = lines[size:]
    if waiting:
        lines.append(b"".join(rest))
    if lines:
        yield lines


def _pipe(source: Any) -> int | None:
    """Returns the descriptor of what others write to while it is read; None for files."""
    try:
        descriptor = int(source.fileno())
    except (OSError, io.UnsupportedOperation):
        return None
    is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    return None if is_file or descriptor >= 1024 else descriptor  # more than `select` can watch
