"""The standard streams of commands: JSON output, encodings, and terminals."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import select
import sys
from collections.abc import Iterator, Mapping
from typing import IO, Any, TextIO

STDOUT, STDERR = 1, 2
_WIDEST = 10_000
"""Columns, more than any table needs."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(value: Any) -> str:
    """Returns `value` as one line of strict JSON.

    NaN and infinities become null, paths text, NumPy scalars numbers.
    """
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    # File names may hold bytes that are not UTF-8, which Python keeps as surrogates.
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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


def open_streams() -> None:
    """Prepares the standard streams for a command.

    They become UTF-8, whatever the locale. A closed one is opened as /dev/null, so that no
    file gets its number. Failed writes to standard error (a closed pipe, a full disk) are
    ignored: no work should end because of a message.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            _open_null(number)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in (
            "utf-8",
            "utf8",
        ):
            stream.reconfigure(encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may be any bytes
    if isinstance(sys.stderr, io.TextIOWrapper) and _number(sys.stderr) == STDERR:
        buffer = io.BufferedWriter(_Unheard(STDERR, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(buffer, "utf-8", "backslashreplace", line_buffering=True)


class _Unheard(io.FileIO):
    """A file whose failed writes are ignored."""

    def write(self, data: Any) -> int:
        with contextlib.suppress(OSError):
            return super().write(data) or 0
        return len(data)


@contextlib.contextmanager
def answers_only() -> Iterator[TextIO]:
    """Yields standard output for the command's answer alone.

    Within the block, output of other code (C libraries and subprocesses too) goes to
    standard error.
    """
    stream = sys.stdout
    kept = os.dup(STDOUT) if _number(stream) == STDOUT else None
    if kept is not None:
        stream.flush()
        stream = os.fdopen(kept, "w", encoding="utf-8")
        os.dup2(STDERR, STDOUT)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield stream
    finally:
        if kept is not None:
            os.dup2(kept, STDOUT)
            with contextlib.suppress(OSError):
                stream.close()


def _number(stream: Any) -> int | None:
    """Returns the file descriptor of a stream, if it has one."""
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None


def _open_null(number: int) -> None:
    """Opens /dev/null as a closed file descriptor."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)


def can_redraw(stream: IO[str]) -> bool:
    """Returns whether a stream is a terminal on which lines can be redrawn."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(getattr(stream, "isatty", lambda: False)())


def fits(table: Any, console: Any) -> bool:
    """Returns whether a table fits the width of a terminal, with its texts wrapped.

    Args:
      table: one of rich's.
      console: a rich console.
    """
    from rich import measure

    room = console.options.update_width(_WIDEST)
    return bool(measure.Measurement.get(console, room, table).minimum <= console.width)


def reader_is_gone() -> bool:
    """Says whether a broken pipe is that of standard output."""
    with contextlib.suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(STDOUT, select.POLLOUT)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def silence() -> None:
    """Keeps the interpreter from reporting unwritten output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
