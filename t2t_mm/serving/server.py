"""Runs a server until a signal: binds, loads, says that it answers, watches, drains, ends."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import dataclasses
import errno
import importlib
import ipaddress
import logging
import os
import pathlib
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import uvicorn

from t2t_mm import errors
from t2t_mm.process import signals
from t2t_mm.serving import exports, measures, protocol, rest, settings, tokens
from t2t_mm.serving import models as models_lib

_STRAGGLERS_S = 0.3
"""Seconds for which a drained server still answers (503) what comes on open connections."""

_CLOSING_S = 2
_LAST_PORT = 65535
_HEAD_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class Options:
    """What a server is told.

    Args:
      export_dirs: folders of exports, or of the versions of one.
      host: name or address to listen at.
      port: 0 is any free one.
      token_file: with tokens, one a line; needed for others than this machine.
      certificate: of TLS, PEM with its chain; None for plain HTTP.
      key: of the certificate, PEM; None where it is in the same file.
      page: whether the page for people is served too.
      log_requests: whether there is a line for each request.
      debug: whether errors of ours are told with tracebacks.
      limits: sizes and waits.
    """

    export_dirs: Sequence[pathlib.Path]
    host: str = "127.0.0.1"
    port: int = 8501
    token_file: pathlib.Path | None = None
    certificate: pathlib.Path | None = None
    key: pathlib.Path | None = None
    page: bool = False
    log_requests: bool = False
    debug: bool = False
    limits: settings.Limits = dataclasses.field(default_factory=settings.Limits)


def run(
    options: Options, *, answers: Callable[[str, list[str]], None], say: Callable[[str], None]
) -> None:
    """Serves until SIGTERM or SIGINT; once what had begun is answered, the process ends with 0.

    Args:
      options: what to serve, where and how.
      answers: called with the URL and the names of models once all are warm.
      say: takes a line for the people who run the server.

    Raises:
      ConfigError: a folder, address, token file or certificate that cannot be used.
      DataError: there is nothing to serve, or nothing that loads.
    """
    roots = exports.roots(options.export_dirs)
    exports.scan(roots)
    known = tokens.read(options.token_file, say=say) if options.token_file else []
    _check_tls(options)
    listener = bind(options.host, options.port, has_tokens=bool(known))
    with contextlib.closing(listener):
        asyncio.run(_Run(options, roots, known, listener, answers, say).serve())
    _leave()


def _leave() -> NoReturn:
    """Ends the process as if by itself, but for what only takes time then.

    Python would wait for a call of a model, which cannot be interrupted, and TensorFlow takes
    its graphs apart for seconds while the port is free already.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def bind(host: str, port: int, *, has_tokens: bool) -> socket.socket:
    """Returns a socket that is bound to an address.

    Raises:
      ConfigError: it is in use, unknown or not allowed, or is not of this machine alone while
        there are no tokens.
    """
    if port > _LAST_PORT:
        raise errors.ConfigError(
            "--port is no port", received=port, expected=f"0 to {_LAST_PORT:,}; 0 is any free one"
        )
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise errors.ConfigError(
            "--host is no address of this machine", received=repr(host)
        ) from error
    family, kind, proto, _, address = found[0]
    own = all(ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_loopback for each in found)
    if not own and not has_tokens:
        raise errors.ConfigError(
            "A server that others can reach needs tokens",
            received=f"--host={host} without --token_file",
            expected="--token_file=FILE, one token a line",
            hint="openssl rand -hex 32 makes a token",
        )
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()  # two servers may both bind one port, but not listen
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise errors.ConfigError(
                f"The port {port} is in use", hint="--port=0 takes any free one"
            ) from error
        raise errors.ConfigError(
            "The address cannot be used", received=f"{host}:{port} ({error.strerror})"
        ) from error
    return listener


def _check_tls(options: Options) -> None:
    if options.certificate is None:
        if options.key is not None:
            raise errors.ConfigError("--tls_key needs --tls_certificate")
        return

    def no_password() -> str:
        raise errors.ConfigError("The key of --tls_key is encrypted", expected="one that is not")

    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key, no_password)
    except OSError as error:  # of ssl too
        raise errors.ConfigError(
            "The certificate and its key cannot be used",
            received=error.strerror or error,
            expected="PEM files of a certificate, with its chain, and of its own key",
        ) from error


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Run:
    """One run of a server; see `run`."""

    def __init__(
        self,
        options: Options,
        roots: Sequence[exports.Root],
        known: Sequence[bytes],
        listener: socket.socket,
        answers: Callable[[str, list[str]], None],
        say: Callable[[str], None],
    ) -> None:
        self._options, self._listener, self._known = options, listener, known
        self._roots, self._answers, self._say = roots, answers, say
        self._ended = asyncio.Event()

    async def serve(self) -> bool:
        """Returns once all has ended; True where no thread is at work any more."""
        options = self._options
        self._models = models_lib.Models(
            self._roots, limits=options.limits, measures=measures.Measures(), say=self._say
        )
        self.api = rest.Api(
            self._models,
            say=self._say,
            log=self._say if options.log_requests or options.debug else None,
            debug=options.debug,
        )
        self.server = server = _Server(self._config())
        self._heed_signals()
        serving = asyncio.create_task(server.serve(sockets=[self._listener]))
        starting = asyncio.create_task(self._start())
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({serving, starting, ended}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                self._answers(self._url(), self._models.names())
                starting = asyncio.create_task(self._models.versions.watch())
                await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
            await self._drain()
        finally:
            starting.cancel()
            ended.cancel()
            server.should_exit = True
            await asyncio.wait({serving}, timeout=_CLOSING_S + 1)
            self._models.close()
        return not self._models.is_busy

    async def _start(self) -> None:
        await self._models.start()

    def _config(self) -> uvicorn.Config:
        options = self._options
        for name in ("uvicorn.error", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        return uvicorn.Config(
            self._app(),
            http=protocol.Protocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=_HEAD_BYTES,
            timeout_graceful_shutdown=_CLOSING_S,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.key,
        )

    def _app(self) -> Any:
        app: Any = self.api.app()
        if self._options.page:
            page = importlib.import_module("t2t_mm.serving.ui")
            app = page.mount(app, self._models)
        return tokens.Tokens(app, self._known) if self._known else app

    def _url(self) -> str:
        address = self._listener.getsockname()
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{'https' if self._options.certificate else 'http'}://{host}:{address[1]}"

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in signals.heeded():
            loop.add_signal_handler(number, self._came, number)

    def _came(self, number: signal.Signals) -> None:
        """Begins to drain at the first signal, and ends the process at the second."""
        if self._ended.is_set():
            self._say(f"{signals.words(number)} again: ends at once")
            os._exit(signals.EXIT_CODE)
        self._models.is_draining = True
        self._ended.set()

    async def _drain(self) -> None:
        """Waits for the requests that have begun, within bounds."""
        self._models.is_draining = True
        bound = asyncio.get_running_loop().time() + self._options.limits.drain_s
        while self._models.in_flight:
            if asyncio.get_running_loop().time() > bound:
                self._say(f"warning: {self._models.in_flight:,} requests were not answered in time")
                return
            await asyncio.sleep(0.02)
        await asyncio.sleep(_STRAGGLERS_S)
