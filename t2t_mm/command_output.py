"""The streams of commands: JSON on standard output, and what a stream is able to show."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import select
import sys
from collections.abc import Mapping
from typing import IO, Any


def to_json(value: Any) -> str:
    """Returns `value` as one line of strict JSON.

    NaN and infinities become null, paths text, NumPy scalars numbers.
    """
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _finite(value.item())  # a NumPy scalar
    return value


def use_utf8() -> None:
    """Makes the standard streams UTF-8, as all files are, whatever the locale says."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in (
            "utf-8",
            "utf8",
        ):
            stream.reconfigure(encoding="utf-8")


def can_redraw(stream: IO[str]) -> bool:
    """Returns whether a stream is a terminal on which lines can be redrawn."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(getattr(stream, "isatty", lambda: False)())


def reader_is_gone() -> bool:
    """Tells a closed pipe at standard output from a pipe that broke elsewhere."""
    with contextlib.suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(1, select.POLLOUT)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def silence() -> None:
    """Keeps the interpreter from complaining at exit about what it could not write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
