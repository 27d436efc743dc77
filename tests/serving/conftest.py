"""Toy exports of the session, and a server over them in this process."""

import contextlib

import pytest
from starlette import testclient

from t2t_mm.serving import exports, measures, models, rest, settings
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
