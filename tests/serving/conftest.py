"""Toy exports of the session, and a server over them in this process."""

import asyncio
import contextlib
import signal
import socket
import threading

import pytest
from starlette import testclient

from t2t_mm.serving import exports, measures, models, rest, settings, tokens
from t2t_mm.serving import server as server_lib
from tests.serving import toys

SIGNATURES = ("echo", "pair", "sample", "best", "classes", "numbers", "letters")


@pytest.fixture(scope="session")
def toy_exports(tmp_path_factory):
    """Returns a folder with the exports `echo`, of one signature, and `many`, of all."""
    folder = tmp_path_factory.mktemp("exports")
    toys.export(folder / "echo")
    toys.export(folder / "many", signatures={name: name for name in SIGNATURES})
    return folder


class Server:
    """Models and their REST API, without a socket."""

    def __init__(self, folder, **limits):
        self.said, self.logged = [], []
        self.limits = settings.Limits(**{"poll_s": 0.05, **limits})
        self.roots = exports.roots([folder])
        self.folder = folder
        self.models = self.client = None

    async def start(self):
        self.models = models.Models(
            self.roots, limits=self.limits, measures=measures.Measures(), say=self.said.append
        )
        await self.models.start()

    def __enter__(self):
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":  # it is answered before there are models
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
            else:
                await self.app(scope, receive, send)

        self._stack = contextlib.ExitStack()
        with self._stack:
            client = testclient.TestClient(app, base_url="http://127.0.0.1")
            self.client = self._stack.enter_context(client)
            self.client.portal.call(self.start)
            self._stack.callback(self.models.close)
            api = rest.Api(self.models, say=self.said.append, log=self.logged.append)
            self.app = api.app()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error):
        self._stack.close()

    def post(self, path, body):
        """Returns status and JSON of a POST below /v1/models/."""
        content = body if isinstance(body, bytes) else None
        asked = {"content": content} if content is not None else {"json": body}
        answer = self.client.post(f"/v1/models/{path}", **asked)
        return answer.status_code, answer.json()

    def get(self, path):
        answer = self.client.get(path)
        return answer.status_code, answer.json()


@pytest.fixture(scope="session")
def server(toy_exports):
    """Serves the toy exports for all tests that only ask."""
    with Server(toy_exports, max_batch_size=4, max_rows=20, max_body_bytes=100_000) as running:
        yield running


class Live:
    """A server with a socket, in a thread of this process."""

    def __init__(self, folder, *, limits=None, **options):
        self.said, self.url, self._is_up = [], None, threading.Event()
        self._has_ended = False
        limits = settings.Limits(**{"poll_s": 0.05, **(limits or {})})
        self.options = server_lib.Options([folder], port=0, limits=limits, **options)
        self._thread = threading.Thread(target=self._main)

    def _main(self):
        try:
            asyncio.run(self._serve())
        finally:
            self._is_up.set()

    async def _serve(self):
        options, self._loop = self.options, asyncio.get_running_loop()
        known = tokens.read(options.token_file, say=self.said.append) if options.token_file else []
        with contextlib.closing(server_lib.bind(options.host, 0, has_tokens=False)) as listener:
            self.address = listener.getsockname()
            roots = exports.roots(options.export_dirs)
            self.run = server_lib._Run(options, roots, known, listener, self._up, self.said.append)
            self.is_idle = await self.run.serve()

    def _up(self, url, names):
        self.url, self.names = url, names
        self._is_up.set()

    @property
    def models(self):
        return self.run._models

    def __enter__(self):
        self._thread.start()
        assert self._is_up.wait(30)
        return self

    def end(self):
        """Does what the first signal does; the second would end this process."""
        self._has_ended = True
        self._loop.call_soon_threadsafe(self.run._came, signal.SIGTERM)

    def __exit__(self, *error):
        if self._thread.is_alive() and not self._has_ended:
            self.end()
        self._thread.join(30)

    def socket(self):
        return socket.create_connection(self.address[:2], timeout=10)


@pytest.fixture(scope="module")
def live(toy_exports):
    """Serves `echo` at a socket of this machine."""
    limits = {"max_body_bytes": 100_000, "read_s": 0.5, "max_held_bytes": 300_000, "threads": 1}
    with Live(toy_exports / "echo", limits=limits) as running:
        yield running
