"""Workers: a pool of processes for the jobs of data generation, or one thread.

Processes are spawned, since a fork of a process that has imported TensorFlow hangs.
Each loads the plugins again, so that it knows problems of `--usr_dir`, and ends when its
parent is killed. A single worker is a thread of this process, which starts at once and
knows problems defined in a notebook.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import importlib
import multiprocessing
import os
import pathlib
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import process
from multiprocessing import connection
from typing import Any, Protocol, TypeVar

from t2t_mm import errors, plugins, registry
from t2t_mm.process import quiet_import

T = TypeVar("T")
Counter = Callable[[int], None]

_POLL_SECONDS = 0.1

_counts: Any = None
_slot = 0
_stopped = threading.Event()


class Runner(Protocol):
    """What runs the jobs of data generation: `Workers` here, or a cluster.

    Attributes:
      count: of workers, for which the work is divided.
    """

    count: int

    def run(
        self,
        job: Callable[[Any, Counter], T],
        requests: Sequence[Any],
        *,
        scratch: pathlib.Path,
        watch: Counter | None = None,
    ) -> list[T]:
        """Runs `job(request, counter)` for all requests and returns the results in order."""


class _StoppedError(Exception):
    """Ends a job in a thread after another job failed."""


class Workers:
    """A pool of workers, started on first use; a context manager.

    Args:
      count: requested number of workers; with 1, or on a machine without shared memory,
        jobs run in a thread of this process.
      problems: names of the problems that the workers must know; empty if there is no work.
      say: called with a message if shared memory is missing.

    Attributes:
      count: the number of workers in use.
    """

    def __init__(self, count: int, problems: Sequence[str], *, say: Callable[[str], None]) -> None:
        self._modules = {name: registry.problems.get(name).__module__ for name in problems}
        # Problems defined in a notebook or script exist in this process only.
        self.count = 1 if "__main__" in self._modules.values() else count
        hindrance = _hindrance() if self.count > 1 and problems else None
        if hindrance is not None:
            say(
                f"1 worker instead of {self.count}: processes need the shared memory of /dev/shm "
                f"({hindrance})"
            )
            self.count = 1
        self._pool: concurrent.futures.Executor | None = None
        self._counts: Any = None
        self._lifeline: connection.Connection | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def run(
        self,
        job: Callable[[Any, Counter], T],
        requests: Sequence[Any],
        *,
        scratch: pathlib.Path,
        watch: Counter | None = None,
    ) -> list[T]:
        """Runs `job(request, counter)` for all requests and returns the results in order.

        Args:
          job: a function of a module, called with a request and a counter, which it calls
            often with the number of examples done.
          requests: picklable values.
          scratch: a folder for results, which processes of one machine do not need.
          watch: called a few times a second with the sum of the counters.

        Raises:
          UserError: the error of a request that failed; the other jobs are ended.
          DataError: when a worker process dies.
        """
        del scratch
        pool = self._start()
        for slot in range(len(self._counts)):
            self._counts[slot] = 0
        futures = [pool.submit(_call, job, request) for request in requests]
        try:
            rest: set[concurrent.futures.Future[T]] = set(futures)
            while rest:
                done, rest = concurrent.futures.wait(
                    rest, _POLL_SECONDS, return_when=concurrent.futures.FIRST_EXCEPTION
                )
                if watch is not None:
                    watch(sum(self._counts))
                for future in futures:
                    if future in done:
                        future.result()
            return [future.result() for future in futures]
        except process.BrokenProcessPool as error:
            self._end()
            raise errors.DataError(
                "A worker process died",
                received="the system killed it (no memory left?), or it could not start",
                hint="Use fewer --workers; a script that calls t2t_mm.generate must do so under "
                "`if __name__ == '__main__':`",
            ) from error
        except BaseException:
            # Also after Ctrl-C: no worker may write into a folder that is to be removed.
            self._end()
            raise

    def _start(self) -> concurrent.futures.Executor:
        if self._pool is not None:
            return self._pool
        if self.count == 1:
            _stopped.clear()
            self._counts = [0]
            self._pool = concurrent.futures.ThreadPoolExecutor(
                1, initializer=_share_counts, initargs=(self._counts,)
            )
        else:
            context = multiprocessing.get_context("spawn")
            self._counts = context.RawArray("Q", self.count)
            end, self._lifeline = context.Pipe(duplex=False)
            self._pool = concurrent.futures.ProcessPoolExecutor(
                self.count,
                mp_context=context,
                initializer=_start_process,
                initargs=(
                    self._counts,
                    context.Value("i", 0),
                    end,
                    self._modules,
                    quiet_import.is_installed(),
                ),
            )
        return self._pool

    def _end(self) -> None:
        """Kills all workers, and waits for their end."""
        _stopped.set()
        if self._lifeline is not None:
            self._lifeline.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = self._lifeline = None


def _hindrance() -> str | None:
    """Returns why processes cannot share memory and locks here, or None where they can."""
    context = multiprocessing.get_context("spawn")
    try:
        context.RawArray("Q", 1)
        context.Lock()
    except ImportError as error:  # a Python that was built where there are no semaphores
        return str(error)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        return error.strerror or str(error)
    return None


def _call(job: Callable[[Any, Counter], T], request: Any) -> T:
    """Runs one job, with its counter in this worker's slot of the shared counts."""
    slot = _slot
    before = _counts[slot]

    def count(done: int) -> None:
        if _stopped.is_set():
            raise _StoppedError
        _counts[slot] = before + done

    return job(request, count)


def _share_counts(counts: Any) -> None:
    global _counts
    _counts = counts


def _start_process(
    counts: Any, started: Any, end: connection.Connection, modules: Mapping[str, str], quiet: bool
) -> None:
    """Prepares a worker process, which takes the next free slot of the counts."""
    global _slot
    _share_counts(counts)
    with started.get_lock():
        _slot = started.value
        started.value += 1
    # Ctrl-C reaches all processes of a terminal; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(end,), daemon=True).start()
    if quiet:
        quiet_import.install()
    load_problems(modules)


def load_problems(modules: Mapping[str, str]) -> None:
    """Makes problems known in a process that was started for jobs.

    Args:
      modules: by a problem's name, the module that defines it if no plugin does.
    """
    plugins.load_all()
    for name, module in modules.items():
        if name not in registry.problems:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)


def _end_with_parent(end: connection.Connection) -> None:
    """Ends this process when the parent closes its end of the pipe, or is killed."""
    with contextlib.suppress(EOFError, OSError):
        end.recv_bytes()
    os._exit(1)
