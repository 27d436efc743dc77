"""Clients of mm-serve that cost little, and check each answer against what it should be."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

_TOLERANCE = 1e-4
_RETRIED = 503
_WAIT_S = 0.25


@dataclasses.dataclass(frozen=True)
class Row:
    """One row that a signature answers, with its answer.

    Args:
      model: name of the export.
      signature: of it.
      inputs: values by name, as JSON.
      answer: the outputs of the row alone.
    """

    model: str
    signature: str
    inputs: dict[str, Any]
    answer: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Request:
    """What is sent, and a check of the answer's status and JSON.

    Args:
      path: of the address.
      body: JSON.
      is_right: says so of status and JSON.
      rows: that it asks for, where it is no wrong one.
    """

    path: str
    body: bytes
    is_right: Callable[[int, Any], bool]
    rows: Sequence[Row] = ()


def good(rows: list[Row]) -> Request:
    """Returns a request for rows of one signature."""
    body = {"signature_name": rows[0].signature, "instances": [row.inputs for row in rows]}

    def is_right(status: int, answer: Any) -> bool:
        if status != 200:
            return False
        found = answer["predictions"]
        return len(found) == len(rows) and all(map(_is_like, found, [row.answer for row in rows]))

    path = f"/v1/models/{rows[0].model}:predict"
    return Request(path, json.dumps(body).encode(), is_right, rows)


def bad(row: Row, chance: random.Random) -> Request:
    """Returns a request that is wrong in one of the ways in which clients are."""
    path, rest = f"/v1/models/{row.model}:predict", {"signature_name": row.signature}
    name = next(iter(row.inputs))
    broken = {**row.inputs, name: {"b64": base64.b64encode(b"\xff\xfe\x00").decode()}}

    def refused(status: int) -> Callable[[int, Any], bool]:
        return lambda found, answer: found == status and set(answer) == {"error"}

    def is_marked(status: int, answer: Any) -> bool:
        if status != 200:
            return False
        first, second, third = answer["predictions"]
        return bool(second["errors"]) and all(_is_like(one, row.answer) for one in (first, third))

    def body(*instances: Any) -> bytes:
        return json.dumps({**rest, "instances": instances}).encode()

    return chance.choice(
        [
            Request(path, body(row.inputs, broken, row.inputs), is_marked),
            Request(path, body({f"{name}z": "a"}), refused(400)),
            Request(path, body({**row.inputs, name: 1}), refused(400)),
            Request(path, body({**row.inputs, name: {"b64": "no base64"}}), refused(400)),
            Request(path, b'{"instances": [', refused(400)),
            Request("/v1/models/none:predict", body(row.inputs), refused(404)),
            Request(path, body(*["a"] * 5000), refused(413)),
        ]
    )


def drawn(rows: list[Row], count: int, *, bad_share: float, most_rows: int = 4) -> list[Request]:
    """Returns requests of one to some rows, mixed over all signatures; some of them wrong."""
    chance = random.Random(0)
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        kinds.setdefault((row.model, row.signature), []).append(row)
    made = []
    for _ in range(count):
        there = kinds[chance.choice(sorted(kinds))]
        if chance.random() < bad_share:
            made.append(bad(chance.choice(there), chance))
        else:
            made.append(good(chance.choices(there, k=chance.randint(1, most_rows))))
    return made


def _is_like(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return set(found) == set(wanted) and all(_is_near(found[k], wanted[k]) for k in wanted)


def _is_near(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_is_near, found, wanted))
    if isinstance(wanted, float) and isinstance(found, float):
        return abs(found - wanted) <= _TOLERANCE * max(1.0, abs(wanted))
    return bool(found == wanted)


@dataclasses.dataclass
class Told:
    """What clients met.

    Args:
      seconds: of each request that was answered, from first try to answer.
      wrong: answers that are not what they should be.
      lost: requests that had no answer within `patience_s`.
      again: tries that were refused (503), or found no connection, and were made again.
      cut: connections that ended after a request was sent, before its answer.
    """

    seconds: list[float] = dataclasses.field(default_factory=list)
    wrong: list[str] = dataclasses.field(default_factory=list)
    lost: int = 0
    again: int = 0
    cut: int = 0
    wall_s: float = 0.0

    def quantile(self, share: float) -> float:
        """Returns the seconds within which a share of the requests was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def send(
    address: tuple[str, int],
    requests: list[Request],
    *,
    clients: int,
    patience_s: float = 0.0,
    until: asyncio.Event | None = None,
) -> Told:
    """Sends requests from so many clients, each with a connection that it keeps.

    Args:
      address: host and port.
      requests: shared out among the clients.
      clients: how many at a time.
      patience_s: for which a request is tried again; 0 takes the first answer.
      until: goes on, from the first request again, until it is set.
    """
    told, queue = Told(), iter(requests)
    began = time.perf_counter()

    def following() -> Request | None:
        nonlocal queue
        found = next(queue, None)
        if until is not None and found is None and not until.is_set():
            queue = iter(requests)
            found = next(queue)
        return None if until is not None and until.is_set() else found

    async def client() -> None:
        async with _Client(address) as connection:
            while (request := following()) is not None:
                await _ask(connection, request, told, patience_s)

    await asyncio.gather(*(client() for _ in range(clients)))
    told.wall_s = time.perf_counter() - began
    return told


async def _ask(client: _Client, request: Request, told: Told, patience_s: float) -> None:
    began = time.perf_counter()
    while True:
        try:
            status, answer = await client.post(request)
        except (OSError, asyncio.IncompleteReadError):
            told.cut += client.has_sent
            status, answer = 0, None
        left = began + patience_s - time.perf_counter()
        if status in (0, _RETRIED) and left > 0:
            told.again += 1
            await asyncio.sleep(_WAIT_S)
            continue
        break
    if status == 0:
        told.lost += 1
        return
    told.seconds.append(time.perf_counter() - began)
    if not request.is_right(status, answer):
        told.wrong.append(f"{request.path} {request.body[:80]!r}: {status} {str(answer)[:300]}")


class _Client:
    """A connection that is kept, and opened anew where the server has closed it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.has_sent = False

    async def __aenter__(self) -> _Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def post(self, request: Request) -> tuple[int, Any]:
        """Returns status and JSON of the answer."""
        self.has_sent = False
        try:
            if self._streams is None or self._streams[0].at_eof():
                await self._close()
                self._streams = await asyncio.open_connection(*self._address)
            reader, writer = self._streams
            writer.write(
                b"POST %s HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%s"
                % (request.path.encode(), len(request.body), request.body)
            )
            self.has_sent = True
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.split(b"content-length: ")[1].split(b"\r")[0])
            answer = json.loads(await reader.readexactly(size))
            if b"connection: close" in head:
                await self._close()
            return int(head.split()[1]), answer
        except (OSError, asyncio.IncompleteReadError):
            await self._close()
            raise

    async def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(OSError):
                await self._streams[1].wait_closed()
        self._streams = None
