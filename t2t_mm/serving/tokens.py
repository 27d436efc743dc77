"""Tokens of clients: read from a file, and compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hmac
import pathlib
import stat
from collections.abc import Callable, Sequence

from starlette import responses, types

from t2t_mm import errors

_OPEN_PATHS = ("/healthz", "/readyz")
_SHORT = 16
_MOST_BYTES = 1 << 20


def read(path: pathlib.Path, *, say: Callable[[str], None]) -> list[bytes]:
    """Returns the tokens of a file, one a line; empty lines and those from # on are passed over.

    Args:
      path: of the file.
      say: takes a warning, where others may read the file or a token is short.

    Raises:
      ConfigError: there is no such file, or no token in it.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            data = file.read(_MOST_BYTES)
    except OSError as error:
        raise errors.ConfigError(
            "--token_file cannot be read", received=f"{path}: {error.strerror}"
        ) from error
    lines = [line.strip() for line in data.splitlines()]
    tokens = [line for line in lines if line and not line.startswith(b"#")]
    if not tokens:
        raise errors.ConfigError(
            "--token_file holds no token",
            received=path,
            expected="one a line",
            hint="openssl rand -hex 32 makes one",
        )
    if mode & 0o077:
        say(f"warning: others may read {path} (mode {mode:o}); chmod 600 ends that")
    if min(map(len, tokens)) < _SHORT:
        say(f"warning: a token of {path} has less than {_SHORT} characters, and can be guessed")
    return tokens


class Tokens:
    """Lets requests pass that bring a token; `healthz` and `readyz` need none.

    It is `Authorization: Bearer TOKEN`, or, for browsers, the password of `Basic`.

    Args:
      app: that answers them.
      tokens: any of which is enough.
    """

    def __init__(self, app: types.ASGIApp, tokens: Sequence[bytes]) -> None:
        self._app, self._tokens = app, tokens

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        if scope["type"] != "lifespan" and scope.get("path") not in _OPEN_PATHS:
            given = [value for name, value in scope["headers"] if name == b"authorization"]
            if len(given) != 1 or not self._knows(given[0]):
                text = "A token is missing" if not given else "The token is not known"
                answer = responses.JSONResponse(
                    {"error": f"{text}. Expected: the header Authorization: Bearer TOKEN."},
                    401,
                    {"WWW-Authenticate": 'Basic realm="mm-serve"'},
                )
                # In a line of its own: Chromium does not take two challenges apart.
                answer.headers.append("WWW-Authenticate", "Bearer")
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _knows(self, header: bytes) -> bool:
        scheme, _, token = header.partition(b" ")
        token = token.strip()
        if scheme.lower() == b"basic":
            try:
                token = base64.b64decode(token, validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != b"bearer":
            return False
        # All are compared, so that the time does not tell which one it was.
        return sum(hmac.compare_digest(token, known) for known in self._tokens) > 0
