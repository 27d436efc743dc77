"""A server of exports that is measured: its process, and what is asked of it."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from benchmarks import context, http_clients, processes

_START_S = 300.0


class Server:
    """mm-serve in a process of its own; a context manager.

    Args:
      here: of the benchmark; its log gets what the server says.
      folder: of exports.
      max_batch_size: rows of a call at most.
      port: 0 for a free one.
    """

    def __init__(
        self, here: context.Context, folder: pathlib.Path, *, max_batch_size: int, port: int = 0
    ) -> None:
        command = [sys.executable, "-m", "t2t_mm.bin.serve", f"--export_dir={folder}", "--json"]
        self._command = [*command, f"--port={port}", f"--max_batch_size={max_batch_size}"]
        self._log = here.log
        self.address = ("127.0.0.1", port)

    def start(self) -> Server:
        """Returns once it answers."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, cwd=processes.REPOSITORY
            )
        line = self._child.stdout.readline() if self._child.stdout else b""
        if not line:
            raise processes.FailedError(f"mm-serve did not start; see {self._log}")
        host, _, port = json.loads(line)["url"].rpartition("/")[2].partition(":")
        self.address = (host, int(port))
        return self

    def end(self) -> int:
        """Ends it by SIGTERM and returns its exit code."""
        self._child.send_signal(signal.SIGTERM)
        return self._child.wait(120)

    def __enter__(self) -> Server:
        return self if hasattr(self, "_child") else self.start()

    def __exit__(self, *_: object) -> None:
        if self._child.poll() is None:
            self.end()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def send(self, requests: list[http_clients.Request], *, clients: int) -> http_clients.Told:
        """Sends requests, and takes the first answer to each."""
        return asyncio.run(http_clients.send(self.address, requests, clients=clients))

    def send_while(
        self,
        requests: list[http_clients.Request],
        work: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
        *,
        clients: int,
        patience_s: float = 0.0,
    ) -> http_clients.Told:
        """Sends requests, again and again, until `work` sets the event that it is given."""

        async def both() -> http_clients.Told:
            done = asyncio.Event()
            sending = http_clients.send(
                self.address, requests, clients=clients, patience_s=patience_s, until=done
            )
            working = asyncio.create_task(work(done))
            working.add_done_callback(lambda _: done.set())
            told = await sending
            await working
            return told

        return asyncio.run(both())

    def processor_s(self) -> float:
        """Returns the processor time that it has taken, in seconds."""
        stat = pathlib.Path(f"/proc/{self._child.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Returns its resident memory in bytes."""
        pages = pathlib.Path(f"/proc/{self._child.pid}/statm").read_text(encoding="ascii")
        return int(pages.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def until_served(self, versions: dict[str, int]) -> None:
        """Waits until these versions, and no others, are in memory."""
        for name, number in versions.items():
            processes.wait(functools.partial(self._serves_only, name, number), timeout_s=_START_S)

    def _serves_only(self, name: str, number: int) -> bool:
        with socket.create_connection(self.address) as connection:
            path = f"GET /v1/models/{name} HTTP/1.0\r\nHost: here\r\n\r\n"
            connection.sendall(path.encode())
            answer = b"".join(_parts(connection))
        found = json.loads(answer.partition(b"\r\n\r\n")[2])["model_version_status"]
        states = {each["version"]: each["state"] for each in found}
        return states.pop(f"{number}", "") == "AVAILABLE" and set(states.values()) <= {"END"}


def _parts(connection: socket.socket) -> Iterator[bytes]:
    while part := connection.recv(65536):
        yield part
