"""Failures of a transfer in words, and which of them may pass."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

import requests
import urllib3

_PASSING_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_REASONS = {
    401: "it wants a password",
    403: "access is denied",
    404: "there is no such file",
    410: "the file is gone",
    429: "too many requests",
    451: "it is closed for legal reasons",
}


class _Kind(NamedTuple):
    """Errors with one meaning, and whether another try may help."""

    errors: tuple[type[BaseException], ...]
    reason: str
    passing: bool


_KINDS = (
    _Kind((requests.exceptions.ProxyError,), "the proxy that the environment names fails", True),
    _Kind(
        (urllib3.exceptions.NameResolutionError, socket.gaierror),
        "the name of the host does not resolve",
        True,
    ),
    _Kind((ssl.SSLCertVerificationError,), "the certificate of the host is not valid", False),
    _Kind((requests.exceptions.ConnectTimeout,), "no connection within {connect_s}", True),
    _Kind(
        (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError),
        "the connection stalled: nothing came for {read_s}",
        True,
    ),
    _Kind((ConnectionRefusedError,), "the host refuses connections", True),
    _Kind((urllib3.exceptions.DecodeError,), "its content coding is damaged", True),
    _Kind(
        (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            urllib3.exceptions.LocationParseError,
        ),
        "it is no URL",
        False,
    ),
    _Kind(
        (requests.exceptions.SSLError, urllib3.exceptions.SSLError, ssl.SSLError),
        "the encrypted connection failed",
        True,
    ),
    _Kind((urllib3.exceptions.ProtocolError, ConnectionError), "the connection broke off", True),
)
"""From the narrowest to the widest: an error wraps others, and the first kind wins."""


class TransferError(Exception):
    """A try that did not give the file.

    Args:
      reason: in words, without the URL.
      passing: whether another try at the same URL may succeed.
      pause_s: seconds that the server asks to wait first.
    """

    def __init__(self, reason: str, *, passing: bool = False, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.passing = passing
        self.pause_s = pause_s


def of_status(response: requests.Response) -> TransferError:
    """Returns the failure that an HTTP status other than success stands for."""
    status = response.status_code
    reason = _REASONS.get(status) or response.reason or "not an answer that is known"
    wait = response.headers.get("Retry-After", "")
    return TransferError(
        f"status {status}, {reason}",
        passing=status in _PASSING_STATUS,
        pause_s=float(wait) if wait.isdecimal() else 0.0,
    )


def of_error(error: Exception, *, connect_s: float, read_s: float) -> TransferError:
    """Returns the failure that an error of `requests` or `urllib3` stands for.

    Args:
      error: as raised.
      connect_s: bound on the time to connect, in seconds.
      read_s: bound on the time between two pieces of the body, in seconds.
    """
    bounds = {"connect_s": f"{connect_s:g} s", "read_s": f"{read_s:g} s"}
    chain = list(_chain(error))
    for kind in _KINDS:
        if any(isinstance(each, kind.errors) for each in chain):
            return TransferError(kind.reason.format(**bounds), passing=kind.passing)
    return TransferError(f"{type(error).__name__}: {error}", passing=True)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and all that it was raised from or wraps."""
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        each = queue.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        queue += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
