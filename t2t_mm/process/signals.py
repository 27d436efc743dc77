"""Signals: Ctrl-C, SIGTERM and a lost terminal end a command with one line and exit code 130.

While Python still imports, they end the process (`end_at_once`); in the work they raise
KeyboardInterrupt (`as_interrupts`); in critical sections they wait for the section's end
(`held_back`; training has `training.guards.Interrupt`). A SIGHUP ignored by `nohup` stays
ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

Handler = Callable[[int, types.FrameType | None], Any] | signal.Handlers

EXIT_CODE = 130
AGAIN_S = 1.0
"""Seconds until an exception that was lost is raised again."""

_WORDS = {signal.SIGINT: "interrupted"}
_came: list[int] = []


def heeded() -> list[signal.Signals]:
    """Returns the signals that end a command; none outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return []
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers


@contextlib.contextmanager
def handled(handler: Handler) -> Iterator[None]:
    """Installs `handler` for these signals within the block; SIG_DFL ends the process."""
    before = {number: signal.signal(number, handler) for number in heeded()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def end_at_once(command: str) -> None:
    """Lets a signal end the process with a line, while there is nothing to clean up.

    After a signal, Python prints no exceptions of destructors any more: they follow from it.
    """

    def tell(unraisable: Any, /) -> None:
        if not _came:
            sys.__unraisablehook__(unraisable)

    sys.unraisablehook = tell

    def end(number: int, frame: types.FrameType | None) -> None:
        del frame
        with contextlib.suppress(OSError):
            os.write(2, f"{command}: {words(number)}\n".encode())
        os._exit(EXIT_CODE)

    for number in heeded():
        signal.signal(number, end)


@contextlib.contextmanager
def as_interrupts() -> Iterator[None]:
    """Raises KeyboardInterrupt within the block, for each of the signals.

    A destructor, and code in C that calls Python, may lose an exception: TensorFlow did so
    with one of twenty while it traced functions. So it is raised again until it is on its way.
    """
    repeats = hasattr(signal, "setitimer") and bool(heeded())

    def interrupt(number: int, frame: types.FrameType | None) -> None:
        del frame
        _came.append(number)
        if repeats:
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
        raise KeyboardInterrupt(words(number))

    def again(number: int, frame: types.FrameType | None) -> None:
        del number, frame
        if not _is_on_its_way():
            raise KeyboardInterrupt(words(_came[-1]))

    before = signal.signal(signal.SIGALRM, again) if repeats else None
    try:
        with handled(interrupt):
            yield
    finally:
        if repeats:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _is_on_its_way() -> bool:
    """Returns whether the main thread is cleaning up after a KeyboardInterrupt."""
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Delays signals to the end of the block: half an import cannot be undone."""
    came: list[int] = []
    try:
        with handled(lambda number, _: came.append(number)):
            yield
    finally:
        if came:
            signal.raise_signal(came[0])


def words(number: int) -> str:
    """Describes the effect of a signal: "interrupted", "ended by SIGTERM"."""
    return _WORDS.get(signal.Signals(number), f"ended by {signal.Signals(number).name}")
