"""Control over transfers: how long they wait, and an end to all of them together."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long a transfer waits, and how often it tries.

    Args:
      tries: at each URL.
      connect_s: bound on the time to connect.
      read_s: bound on the time without any byte, or with less than a kilobyte in all.
      pause_s: before the second try; doubled before each further one, with jitter.
      longest_pause_s: bound on a pause, also on one that a server asks for.
    """

    tries: int = 5
    connect_s: float = 20.0
    read_s: float = 60.0
    pause_s: float = 1.0
    longest_pause_s: float = 60.0


class StoppedError(Exception):
    """The transfer has been stopped from outside; what came is kept."""


class Control:
    """What the transfers of a call share; each runs in a thread of its own.

    Args:
      patience: of each.
      watch: called with the change of the bytes on the disk, from any of the threads.
      say: called with a line for the user, from any of the threads.
    """

    def __init__(
        self, patience: Patience, *, watch: Callable[[int], None], say: Callable[[str], None]
    ) -> None:
        self.patience, self.watch, self.say = patience, watch, say
        self._stop = threading.Event()
        self._live: set[Any] = set()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Ends all transfers at their next byte, or at once where they wait for one."""
        self._stop.set()
        with self._lock:
            for response in self._live:
                with contextlib.suppress(OSError, RuntimeError, ValueError):  # it has ended
                    response.shutdown()

    def check_stop(self) -> None:
        """Raises `StoppedError` after `stop`."""
        if self._stop.is_set():
            raise StoppedError

    def wait(self, seconds: float) -> None:
        """Waits; raises `StoppedError` at once when it is to stop."""
        if self._stop.wait(seconds):
            raise StoppedError

    @contextlib.contextmanager
    def tracked(self, response: Any) -> Iterator[None]:
        """Lets `stop` interrupt a response within the block."""
        with self._lock:
            self._live.add(response)
        try:
            yield
        finally:
            with self._lock:
                self._live.discard(response)
