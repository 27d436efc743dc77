"""The commands of runs as processes: their logs, their share of processors, their end."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from t2t_mm.files import atomic

_ASK_S = 2.0
"""Seconds between questions whether a command has run long enough."""

_FAULT = ": the above is a fault of "


class StoppedError(Exception):
    """A command that was not begun, or was ended, since all are to end."""


class Ended(NamedTuple):
    """A process that has ended.

    Attributes:
      code: its exit code.
      stdout: what it printed there.
      said: the last line that it said on standard error.
      is_cut: whether it was ended since it was enough.
    """

    code: int
    stdout: str
    said: str
    is_cut: bool = False


class Processes:
    """Processes that several threads begin, and that one ends.

    Args:
      cores: of each process; None for all of the machine.
    """

    def __init__(self, cores: int | None = None) -> None:
        self._cores = cores
        self._lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._places: dict[int, list[int]] = {}
        self._is_over = threading.Event()

    @property
    def is_over(self) -> bool:
        """Whether all processes are to end."""
        return self._is_over.is_set()

    def run(
        self,
        command: Sequence[str],
        log: pathlib.Path,
        *,
        is_enough: Callable[[], bool] | None = None,
    ) -> Ended:
        """Runs a command to its end; what it says on standard error is added to a log.

        Args:
          command: words of it.
          log: a file, whose folder is made.
          is_enough: is asked now and then; once it says so, the command is ended in order.

        Raises:
          DataError: the log cannot be written to.
          StoppedError: `stop` was called.
        """
        with atomic.writing(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            file = log.open("ab")
        with file:
            begin = file.tell()
            process = self._begin(command, file)
            is_cut = False
            try:
                while True:
                    try:
                        wait_s = None if is_enough is None or is_cut else _ASK_S
                        stdout, _ = process.communicate(timeout=wait_s)
                        break
                    except subprocess.TimeoutExpired:
                        is_cut = is_enough is not None and is_enough()
                        if is_cut:
                            process.send_signal(signal.SIGTERM)
            except BaseException:  # is_enough has failed: none would end the process any more
                process.terminate()
                raise
            finally:
                with self._lock:
                    self._running.pop(process.pid, None)
                    self._places.pop(process.pid, None)
        if self._is_over.is_set():
            raise StoppedError
        said = _last(log, begin)
        return Ended(process.returncode, stdout.decode("utf-8", "replace"), said, is_cut)

    def stop(self) -> None:
        """Ends all processes, in order: a training saves its state. Waits for none of them."""
        self._is_over.set()
        with self._lock:
            for process in self._running.values():
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)

    def _begin(self, command: Sequence[str], log: object) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_over.is_set():
                raise StoppedError
            places = self._free()
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,  # type: ignore[call-overload]
                env=self._environment(),
                process_group=0,  # what a terminal sends to all must not come twice
            )
            self._running[process.pid] = process
            if places:
                self._places[process.pid] = places
                with contextlib.suppress(OSError):  # it has ended already
                    os.sched_setaffinity(process.pid, places)
            return process

    def _environment(self) -> Mapping[str, str]:
        if self._cores is None:
            return os.environ
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        return {**os.environ, **{name: str(self._cores) for name in names}}

    def _free(self) -> list[int]:
        """Returns processors that no other process here has been given; none if all may be."""
        if self._cores is None or not hasattr(os, "sched_getaffinity"):
            return []
        taken = {place for places in self._places.values() for place in places}
        free = sorted(os.sched_getaffinity(0) - taken)
        return free[: self._cores] if len(free) >= self._cores else []


def ours(command: str, *arguments: str) -> list[str]:
    """Returns the words that run a command of ours with this Python."""
    return [sys.executable, "-m", f"t2t_mm.bin.{command}", *arguments]


def typed(words: Sequence[str]) -> tuple[str, ...]:
    """Returns a command as a user would type it."""
    if list(words[:2]) == [sys.executable, "-m"] and words[2].startswith("t2t_mm.bin."):
        return (f"mm-{words[2].rpartition('.')[2]}", *words[3:])
    return tuple(words)


def _last(log: pathlib.Path, begin: int) -> str:
    """Returns the last line that a log has been given since a place."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(begin, size - 2**16))
        lines = file.read().decode("utf-8", "replace").replace("\r", "\n").splitlines()
    said = [line.strip() for line in lines if line.strip() and _FAULT not in line]
    return said[-1] if said else ""
