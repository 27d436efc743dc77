"""HTTP connections with bounds on what a client may leave unfinished.

uvicorn bounds only the rest between two requests. Here a head that does not come, a refused
body that does not end and an answer that is not read end their connection too, and there are
so many connections at most.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http import h11_impl

HEAD_S = 10.0
"""Seconds in which the head of a request has to come."""

REST_S = 20.0
"""Seconds for which the rest of a refused body is read, and dropped: clients that send all of
it before they read would miss the answer otherwise."""

UNREAD_S = 30.0
"""Seconds in which an answer has to be read, after the connection is closed for rest."""

MOST_CONNECTIONS = 1000
_TOO_MANY = b'{"error": "The server has too many clients."}'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s"
) % (len(_TOO_MANY), _TOO_MANY)


class Protocol(h11_impl.H11Protocol):
    """One connection of HTTP/1.1."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._timed = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.write(_FULL)
            transport.close()
            self._bound("unread", UNREAD_S)
        else:
            self._bound("head", HEAD_S)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            if self.timeout_keep_alive_task is None:
                self._bound("head", HEAD_S)
        elif self._timed == "head" or self.conn.their_state is not h11.SEND_BODY:
            self._unbound()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._bound("body", REST_S)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._bound("unread", UNREAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unbound()
        super().connection_lost(exc)

    def _bound(self, what: str, seconds: float) -> None:
        """Ends the connection after a time, unless what it waits for is done by then."""
        if self._timed == what:
            return
        self._unbound()
        self._timed = what
        self._timer = self.loop.call_later(seconds, self._end)

    def _unbound(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timed = None, ""

    def _end(self) -> None:
        self.transport.abort()
