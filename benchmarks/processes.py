"""Starts a program in a process of its own and reads what it says."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


class FailedError(Exception):
    """A program did not do what it was started for."""


@dataclasses.dataclass(frozen=True)
class Done:
    """A program that has ended well.

    Args:
      output: what it printed.
      seconds: from start to end.
    """

    output: str
    seconds: float


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    log: pathlib.Path | None = None,
    cwd: str | os.PathLike[str] = REPOSITORY,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 900,
    codes: Sequence[int] = (0,),
) -> Done:
    """Runs a program to its end.

    Args:
      command: program and arguments.
      log: file that what it says on standard error is added to.
      cwd: folder to run in.
      environment: variables beside those of this process.
      timeout_s: after which it is ended.
      codes: exit codes that mean success.

    Raises:
      FailedError: it could not be started, took too long, or ended otherwise.
    """
    begin = time.perf_counter()
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except OSError as error:
        raise FailedError(f"{command[0]} cannot be started: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"{_name(command)} took more than {timeout_s:.0f} s") from error
    seconds = time.perf_counter() - begin
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(map(str, command))}\n{done.stderr}{done.stdout}\n")
    if done.returncode not in codes:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise FailedError(
            f"{_name(command)} ended with {done.returncode}: {said[-1][:200] if said else ''}"
        )
    return Done(done.stdout, seconds)


def worker(name: str, log: pathlib.Path | None, **arguments: Any) -> dict[str, Any]:
    """Runs `benchmarks.workers.NAME`, which prints one JSON object last, and returns it."""
    command: list[str] = [sys.executable, "-m", f"benchmarks.workers.{name}"]
    for flag, value in arguments.items():
        if value is True:
            command.append(f"--{flag}")
        elif value is not None and value is not False:
            command.append(f"--{flag}={value}")
    return last_json(run(command, log=log).output)


def last_json(output: str) -> dict[str, Any]:
    """Returns the last line of an output that is a JSON object.

    Raises:
      FailedError: there is none.
    """
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return dict(json.loads(line))
    raise FailedError(f"no JSON in what it printed: {output[-200:]!r}")


def until(
    command: Sequence[str | os.PathLike[str]],
    is_done: Callable[[], bool],
    *,
    log: pathlib.Path,
    cwd: str | os.PathLike[str] = REPOSITORY,
    timeout_s: float = 600,
    poll_s: float = 0.05,
) -> float:
    """Runs a program until something has happened, then interrupts it as Ctrl-C would.

    Returns:
      the seconds from the start until then.

    Raises:
      FailedError: the program ended before, or it did not happen in time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        begin = time.perf_counter()
        child = subprocess.Popen([str(part) for part in command], cwd=cwd, stdout=file, stderr=file)
        try:
            while not is_done():
                if child.poll() is not None:
                    raise FailedError(f"{_name(command)} ended with {child.returncode}; see {log}")
                if time.perf_counter() - begin > timeout_s:
                    raise FailedError(f"{_name(command)} took more than {timeout_s:.0f} s")
                time.sleep(poll_s)
            return time.perf_counter() - begin
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
                try:
                    child.wait(120)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()


class Answering:
    """A worker that answers each line of JSON that it is sent with one.

    What it is started for ends with the block.

    Args:
      name: of the module in `benchmarks.workers`.
      log: file that what it says on standard error is added to.
      environment: variables beside those of this process.
      arguments: its flags.
    """

    def __init__(
        self,
        name: str,
        log: pathlib.Path,
        *,
        environment: Mapping[str, str],
        **arguments: Any,
    ) -> None:
        command = [sys.executable, "-m", f"benchmarks.workers.{name}"]
        command += [f"--{flag}={value}" for flag, value in arguments.items()]
        log.parent.mkdir(parents=True, exist_ok=True)
        self._command, self._log = command, log
        with log.open("ab") as file:
            self._child = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *failure: object) -> None:
        self._child.kill()
        self._child.communicate()

    def ask(self, **question: Any) -> None:
        """Sends a question; the answer is to be read before the next."""
        # Of one that has ended the answer says so.
        with contextlib.suppress(BrokenPipeError):
            if self._child.stdin is not None:
                self._child.stdin.write(f"{json.dumps(question)}\n")
                self._child.stdin.flush()

    def answer(self, timeout_s: float = 900) -> Any:
        """Waits for an answer, or what it says before the first question.

        Raises:
          FailedError: it has ended, or took too long, which ends it.
        """
        limit = threading.Timer(timeout_s, self._child.kill)
        limit.start()
        line = self._child.stdout.readline() if self._child.stdout is not None else ""
        limit.cancel()
        if not line:
            code = self._child.wait()
            raise FailedError(f"{_name(self._command)} ended with {code}; see {self._log}")
        return json.loads(line)


def wait(is_done: Callable[[], bool], *, timeout_s: float, poll_s: float = 0.05) -> None:
    """Waits until something is so.

    Raises:
      FailedError: it was not in time.
    """
    begin = time.perf_counter()
    while not is_done():
        if time.perf_counter() - begin > timeout_s:
            raise FailedError(f"it did not happen within {timeout_s:.0f} s")
        time.sleep(poll_s)


def _name(command: Sequence[str | os.PathLike[str]]) -> str:
    return " ".join(str(part) for part in command[:4])
