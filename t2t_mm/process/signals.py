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
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

Handler = Callable[[int, types.FrameType | None], Any] | signal.Handlers

EXIT_CODE = 130
_WORDS = {signal.SIGINT: "interrupted"}


def heeded() -> list[signal.Signals]:
    """Returns the signals that end a command; none outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return []
    found = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


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
    """Lets a signal end the process with a line, while there is nothing to clean up."""

    def end(number: int, frame: types.FrameType | None) -> None:
        del frame
        with contextlib.suppress(OSError):
            os.write(2, f"{command}: {words(number)}\n".encode())
        os._exit(EXIT_CODE)

    for number in heeded():
        signal.signal(number, end)


def as_interrupts() -> contextlib.AbstractContextManager[None]:
    """Raises KeyboardInterrupt within the block, for each of the signals."""

    def interrupt(number: int, frame: types.FrameType | None) -> None:
        del frame
        raise KeyboardInterrupt(words(number))

    return handled(interrupt)


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
