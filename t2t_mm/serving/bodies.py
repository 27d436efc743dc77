"""Reads bodies of requests within limits, and parses their JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette import requests

from t2t_mm.serving import refusals, settings

_MOST_MARKS = 4_000_000
"""Commas and opening brackets of a body: each stands for a value, which takes far more memory
than the few bytes that write it."""

_SMALL_BYTES = 1 << 16


class Bodies:
    """The memory for bodies of one server.

    Args:
      limits: of one body and of all together.
    """

    def __init__(self, limits: settings.Limits) -> None:
        self._limits = limits
        self._held = 0
        self._big = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def read(self, request: requests.Request) -> AsyncIterator[bytes]:
        """Yields the body; its bytes count as held until the block ends.

        Raises:
          RequestError: it is too large (413), comes too slowly (408), is compressed (415), or
            all bodies together take too much memory (503).
          ClientDisconnect: the client is gone.
        """
        self._check_head(request)
        held = 0
        parts: list[bytes] = []
        try:
            try:
                async with asyncio.timeout(self._limits.read_s):
                    async for part in request.stream():
                        held += len(part)
                        self._held += len(part)
                        if held > self._limits.max_body_bytes:
                            raise self._too_large(f"more than {self._limits.max_body_bytes:,}")
                        if self._held > self._limits.max_held_bytes:
                            raise refusals.RequestError(
                                503,
                                "memory",
                                "Too much is being sent at once",
                                headers=refusals.RETRY_AFTER,
                            )
                        parts.append(part)
            except TimeoutError as error:
                raise refusals.RequestError(
                    408,
                    "slow_body",
                    "The body came too slowly",
                    received=f"{held:,} bytes",
                    expected=f"all of it within {self._limits.read_s:g} s",
                    headers={"Connection": "close"},
                ) from error
            except refusals.RequestError:
                parts.clear()
                raise
            yield b"".join(parts)
        finally:
            self._held -= held

    async def json(self, body: bytes) -> dict[str, Any]:
        """Returns the object that a body holds.

        Raises:
          RequestError: it holds no JSON, no object, or too many values.
        """
        if len(body) <= _SMALL_BYTES:
            return parse(body)
        async with self._big:  # one at a time: what it is parsed to takes several times its size
            return await asyncio.to_thread(parse, body)

    def _check_head(self, request: requests.Request) -> None:
        coding = request.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            raise refusals.RequestError(
                415, "coding", "The body is compressed", received=coding, expected="plain JSON"
            )
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limits.max_body_bytes:
            raise self._too_large(f"{int(length):,}")

    def _too_large(self, size: str) -> refusals.RequestError:
        return refusals.RequestError(
            413,
            "body",
            "The body is too large",
            received=f"{size} bytes",
            expected=f"{self._limits.max_body_bytes:,} at most",
        )


def parse(body: bytes) -> dict[str, Any]:
    """Returns the object that a body holds; see `Bodies.json`."""
    if sum(map(body.count, (b",", b"[", b"{"))) > _MOST_MARKS:
        raise refusals.RequestError(
            413, "rows", "The body holds too many values", expected=f"{_MOST_MARKS:,} at most"
        )
    try:
        found = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise refusals.RequestError(
            400, "json", "The body is no UTF-8", received=f"a wrong byte at {error.start:,}"
        ) from error
    except json.JSONDecodeError as error:
        raise refusals.RequestError(
            400,
            "json",
            "The body is no JSON",
            received=f"{error.msg} at line {error.lineno}, column {error.colno}",
        ) from error
    except RecursionError as error:
        raise refusals.RequestError(
            400, "json", "The body is no JSON to be read", received="too many brackets in brackets"
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise refusals.RequestError(
            400, "json", "The body is no JSON to be read", received=error
        ) from error
    if not isinstance(found, dict):
        raise refusals.RequestError(
            400, "json", "The body is no object", expected='{"instances": [...]} or {"inputs": ...}'
        )
    return found
