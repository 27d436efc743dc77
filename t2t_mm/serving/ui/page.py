"""The page itself, and the ASGI application that answers it beside the REST API."""

from __future__ import annotations

import asyncio
import os
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read at import
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import fastapi
import gradio as gr
from starlette import responses, types

from t2t_mm.serving import models as models_lib
from t2t_mm.serving.ui import declarations, panel, style

MOST_TABS = 12
"""More problems are chosen from a list."""

_REST = ("/v1", "/healthz", "/readyz", "/metrics")
_WAIT_S = 2
_OLD_S = 3600
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'self'; base-uri 'self'; form-action 'self'"
)
"""The browser itself refuses to load or send anything from or to elsewhere."""


def blocks(problems: Sequence[declarations.Problem], models: models_lib.Models) -> gr.Blocks:
    """Returns the page of some problems."""
    with gr.Blocks(title="t2t-mm", analytics_enabled=False, delete_cache=(_OLD_S, _OLD_S)) as made:
        panel.html_part("<h1 class='mm-title'>t2t-mm</h1>")
        if len(problems) <= MOST_TABS:
            panel.tabs(problems, models)
        else:
            panel.chooser(problems, models)
    return made


def application(
    made: gr.Blocks, *, files: Sequence[pathlib.Path], most_bytes: int
) -> fastapi.FastAPI:
    """Returns the application that answers a page.

    Args:
      made: the page.
      files: that it may show beside uploads.
      most_bytes: of one upload.
    """
    theme = gr.themes.Default(
        primary_hue="indigo",
        font=("system-ui", "sans-serif"),
        font_mono=("ui-monospace", "monospace"),
    )
    return gr.mount_gradio_app(
        fastapi.FastAPI(openapi_url=None),
        made,
        "/",
        theme=theme,
        css=style.CSS,
        head=style.HEAD,
        allowed_paths=[str(path) for path in files],
        max_file_size=most_bytes,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
    )


def mount(app: types.ASGIApp, models: models_lib.Models) -> types.ASGIApp:
    """Returns an application that answers the page at `/`, and all that `app` answers.

    The page is made at the first request, once the models are loaded; and anew when what they
    declare has changed.

    Args:
      app: answers the REST API.
      models: of the server.
    """
    return Page(app, models)


class Page:
    """See `mount`."""

    def __init__(self, app: types.ASGIApp, models: models_lib.Models) -> None:
        self._app, self._models = app, models
        self._key: tuple[Any, ...] | None = None
        self._page: fastapi.FastAPI | None = None
        self._making = asyncio.Lock()
        self._lives: list[tuple[asyncio.Event, asyncio.Task[None]]] = []
        self._uploads = tempfile.TemporaryDirectory(prefix="mm-serve-")
        os.environ["GRADIO_TEMP_DIR"] = self._uploads.name

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            await self.close()
            return
        if any(path == own or path.startswith(f"{own}/") for own in _REST):
            await self._app(scope, receive, send)
            return
        answer = _refusal(scope, self._models.limits.max_body_bytes)
        if answer is None and path == "/":
            answer = await self._make()
        if answer is None and self._page is None:
            answer = _loading()
        await (answer or self._page)(scope, receive, _guarded(send))  # type: ignore[misc]

    async def _make(self) -> responses.Response | None:
        """Makes the page, if there is none for what is served now."""
        async with self._making:
            if not self._models.is_ready:
                return _loading()
            found = declarations.problems(self._models)
            key = tuple(problem.interface for problem in found)
            if self._page is None or key != self._key:
                page = await asyncio.to_thread(self._made, found)
                await self._end_lives()
                await self._start(page)
                self._page, self._key = page, key
            return None

    def _made(self, found: Sequence[declarations.Problem]) -> fastapi.FastAPI:
        files = {
            value.parent
            for problem in found
            for example in problem.examples
            for value in example.values.values()
            if isinstance(value, pathlib.Path)
        }
        most = self._models.limits.max_body_bytes
        return application(blocks(found, self._models), files=sorted(files), most_bytes=most)

    async def _start(self, page: fastapi.FastAPI) -> None:
        """Runs the page's lifespan in a task of its own, until it is ended."""
        begun, end = asyncio.Event(), asyncio.Event()

        async def live() -> None:
            async with page.router.lifespan_context(page):
                begun.set()
                await end.wait()

        task = asyncio.create_task(live())
        self._lives.append((end, task))
        waiting = asyncio.create_task(begun.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()

    async def _end_lives(self) -> None:
        for end, task in self._lives:
            end.set()
            await asyncio.wait({task}, timeout=1)
        self._lives.clear()

    async def close(self) -> None:
        """Ends what runs for the page, and removes what was uploaded."""
        await self._end_lives()
        self._uploads.cleanup()


def _refusal(scope: types.Scope, most_bytes: int) -> responses.Response | None:
    """Returns the answer to a body that is too large or of unknown size."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers and b"content-length" not in headers:
        return responses.PlainTextResponse("Expected: Content-Length.", 411)
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > most_bytes:
        text = f"The upload is too large. Expected: {most_bytes / (1 << 20):g} MB at most."
        return responses.PlainTextResponse(text, 413, {"Connection": "close"})
    return None


def _loading() -> responses.Response:
    text = f"<meta http-equiv='refresh' content='{_WAIT_S}'><p>The models are being loaded ...</p>"
    return responses.HTMLResponse(text, 503, {"Retry-After": str(_WAIT_S)})


def _guarded(send: types.Send) -> types.Send:
    """Adds the headers that keep a browser's requests on this server."""

    async def guarded(message: types.Message) -> None:
        if message["type"] == "http.response.start":
            more = [
                (b"content-security-policy", _POLICY.encode("ascii")),
                (b"referrer-policy", b"no-referrer"),
                (b"x-content-type-options", b"nosniff"),
            ]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return guarded
