"""The cluster: the workers of TF_CONFIG, and waiting until all can be reached.

TensorFlow waits for other workers silently, without a time limit, and ignores signals. So
each worker first checks here that all others can be reached: it listens at its own address,
as TensorFlow will, and connects to all others until they answer with a byte. (The system
accepts connections also for a stopped process, which would not answer.)
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from t2t_mm import errors

WAIT_VARIABLE = "T2T_MM_WORKERS_WAIT_S"
WAIT_S = 600.0
"""Seconds that a worker waits for the others, unless the variable says otherwise."""

_KINDS = ("chief", "worker")
_KNOCK_S = 1.0
_TELL_S = 10.0
_EXPECTED = (
    '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}, with '
    "each address once"
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The addresses of all workers, by their names ("worker 0"), and the name of this one."""

    addresses: dict[str, str]
    own: str


def read() -> Cluster | None:
    """Returns what TF_CONFIG says; None without one, or where it names no worker.

    Raises:
      ConfigError: it cannot be used.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return None
    try:
        settings = json.loads(text)
        cluster: dict[str, Any] = settings.get("cluster", {})
        if not cluster:
            return None
        addresses = {
            f"{kind} {index}": address
            for kind in _KINDS
            for index, address in enumerate(_listed(cluster.get(kind, [])))
        }
        task = settings["task"]
        own = f"{task['type']} {int(task['index'])}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unusable(text, f"{type(error).__name__}: {error}") from error
    strange = sorted(set(cluster) - set(_KINDS))
    if strange:
        raise _unusable(text, f"{strange[0]!r} is neither worker nor chief")
    if own not in addresses:
        raise _unusable(text, f"the task, {own}, is none of {', '.join(addresses)}")
    for name, address in addresses.items():
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise _unusable(text, f"{name} has the address {address!r}")
    for name, address in addresses.items():
        others = [other for other, same in addresses.items() if same == address and other != name]
        if others:
            raise _unusable(text, f"{name} and {others[0]} have the same address {address}")
    return Cluster(addresses, own)


def wait(cluster: Cluster, say: Callable[[str], object]) -> None:
    """Returns once every other worker can be reached.

    Args:
      cluster: of this worker.
      say: told whom it waits for.

    Raises:
      ConfigError: the own port is taken, or somebody has not come in time.
    """
    limit = bound()
    missing = {n: a for n, a in cluster.addresses.items() if n != cluster.own}
    began = told = time.monotonic()
    with _listening(cluster.addresses[cluster.own], cluster.own):
        while missing := {n: a for n, a in missing.items() if not _answers(a)}:
            now = time.monotonic()
            listed = _listed_names(missing)
            if now - began > limit:
                raise _not_come(cluster, f"no answer of {listed}")
            if told == began or now - told > _TELL_S:
                told = now
                say(f"{cluster.own} waits for {listed}, {limit - (now - began):.0f} s more.")
            time.sleep(_KNOCK_S)


def silent(cluster: Cluster) -> str:
    """Returns who of the others does not answer now, with the addresses; empty for nobody."""
    others = {n: a for n, a in cluster.addresses.items() if n != cluster.own}
    return _listed_names({n: a for n, a in others.items() if not _answers(a)})


def _listed_names(addresses: Mapping[str, str]) -> str:
    return ", ".join(f"{name} at {address}" for name, address in addresses.items())


def late(cluster: Cluster) -> errors.ConfigError:
    """Returns the error for workers that could be reached, but have not joined in time."""
    missing = silent(cluster)
    return _not_come(
        cluster,
        f"no answer of {missing}" if missing else "an answer of each, but not all have joined",
    )


def _not_come(cluster: Cluster, received: str) -> errors.ConfigError:
    return errors.ConfigError(
        f"Not all workers have come within {bound():.0f} s",
        received=received,
        expected=f"{len(cluster.addresses)} workers, as TF_CONFIG says",
        hint=f"Start the command on each of them; {WAIT_VARIABLE} is how many seconds to wait",
    )


def bound() -> float:
    """Returns how many seconds to wait for the others.

    Raises:
      ConfigError: the variable is no number of 0 or more.
    """
    text = os.environ.get(WAIT_VARIABLE, "").strip()
    try:
        seconds = float(text) if text else WAIT_S
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:  # nor NaN, after which nothing would ever be too late
        raise errors.ConfigError(
            f"{WAIT_VARIABLE} is no number of seconds",
            received=repr(text),
            expected=f"0 or more; {WAIT_S:.0f} where it is not set",
        )
    return seconds


@contextlib.contextmanager
def _listening(address: str, name: str) -> Iterator[None]:
    """Listens at a port as long as the block lasts; who comes gets a byte."""
    port = int(address.rpartition(":")[2])
    try:
        server = socket.create_server(("", port))
    except OSError as error:
        raise errors.ConfigError(
            f"{name} cannot listen at its port {port}",
            received=error.strerror,
            hint="Another process may be there; end it, or name another port in the TF_CONFIG of "
            "all workers",
        ) from error
    answering = threading.Thread(target=_answer, args=(server,), daemon=True)
    answering.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)  # what ends the thread's waiting
        answering.join()
        server.close()


def _answer(server: socket.socket) -> None:
    """Answers knocks until the server is shut down."""
    while True:
        try:
            caller, _ = server.accept()
        except OSError:
            return
        with caller, contextlib.suppress(OSError):
            caller.sendall(b"t")


def _answers(address: str) -> bool:
    """Whether a worker is there and runs; TensorFlow's own server speaks first too."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S) as called:
            return bool(called.recv(1))
    except OSError:
        return False


def _listed(addresses: Any) -> list[str]:
    if not isinstance(addresses, list) or not all(isinstance(a, str) for a in addresses):
        raise TypeError(f"{addresses!r} is no list of addresses")
    return addresses


def _unusable(text: str, why: str) -> errors.ConfigError:
    return errors.ConfigError(
        f"TF_CONFIG cannot be used: {why}", received=errors.shortened(text, 200), expected=_EXPECTED
    )
