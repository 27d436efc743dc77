"""TensorFlow Serving's REST API over `models.Models`, with health and metrics."""

from __future__ import annotations

import asyncio
import json
import re
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette import applications, exceptions, requests, responses, routing, types

from t2t_mm import errors
from t2t_mm.serving import bodies, measures, refusals, servable, values
from t2t_mm.serving import models as models_lib
from t2t_mm.serving import signature as signature_lib
from t2t_mm.serving import versions as versions_lib

_PATH = re.compile(
    r"(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[^/:]+)|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>\w*)|/(?P<part>\w+))?"
)
_MODELS = "/v1/models/"
_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
_VERBS = ("predict", "classify", "regress")
_CLASSES, _PROBABILITIES = "classes", "probabilities"
_GONE = 499
"""As nginx calls it, for the metrics: the client was gone before its answer."""

T = TypeVar("T")


class _Seen:
    """What is known of a request so far, for the metrics and the log."""

    def __init__(self) -> None:
        self.model = self.signature = measures.NOBODY


class Api:
    """The answers to HTTP requests.

    Args:
      models: that answer.
      say: takes a line for the people who run the server.
      log: takes a line for each request, which holds nothing of its content; None for no log.
      debug: whether an error of ours is told with its traceback.
    """

    def __init__(
        self,
        models: models_lib.Models,
        *,
        say: Callable[[str], None],
        log: Callable[[str], None] | None = None,
        debug: bool = False,
    ) -> None:
        self._models, self._say, self._log, self._debug = models, say, log, debug
        self._bodies = bodies.Bodies(models.limits)

    def app(self) -> types.ASGIApp:
        """Returns the ASGI application."""
        routes = [
            routing.Route("/healthz", self._health),
            routing.Route("/readyz", self._ready),
            routing.Route("/metrics", self._metrics),
            routing.Route("/v1/models", self._list),
            routing.Route(f"{_MODELS}{{rest:path}}", self._model, methods=_METHODS),
        ]
        others = applications.Starlette(
            routes=routes, exception_handlers={exceptions.HTTPException: _http_error}
        )

        async def app(scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
            # What is asked most goes by none of Starlette's layers: they take a tenth of the time
            # of a request.
            if (
                scope["type"] == "http"
                and scope["path"].startswith(_MODELS)
                and scope["method"] in _METHODS
            ):
                answer = await self._model(requests.Request(scope, receive))
                await answer(scope, receive, send)
            else:
                await others(scope, receive, send)

        return app

    async def _health(self, request: requests.Request) -> responses.Response:
        return responses.JSONResponse({"status": "alive"})

    async def _ready(self, request: requests.Request) -> responses.Response:
        models = self._models
        if models.is_draining or not models.is_ready or not models.names():
            status = "draining" if models.is_draining else "loading"
            return responses.JSONResponse({"status": status}, 503, refusals.RETRY_AFTER)
        return responses.JSONResponse({"status": "ready"})

    async def _metrics(self, request: requests.Request) -> responses.Response:
        text = self._models.measures.text()
        return responses.Response(text, headers={"Content-Type": measures.CONTENT_TYPE})

    async def _list(self, request: requests.Request) -> responses.Response:
        return responses.JSONResponse({"models": self._models.names()})

    async def _model(self, request: requests.Request) -> responses.Response:
        """Answers anything below /v1/models/, and counts it."""
        began, seen = time.perf_counter(), _Seen()
        kind = ""
        try:
            answer = await self._answer(request, seen)
        except refusals.RequestError as error:
            kind = error.kind
            answer = _json({"error": str(error)}, error.status, error.headers)
        except requests.ClientDisconnect:
            kind = "client_gone"
            answer = responses.Response(status_code=_GONE)
        except Exception as error:
            # The last line of defence: the server lives, and its people are told.
            kind = "fault"
            self._say(f"error: a fault of t2t-mm, not of the request: {type(error).__name__}")
            if self._debug:
                traceback.print_exc()
            answer = _json({"error": "A fault of the server; its log says more."}, 500)
        seconds = time.perf_counter() - began
        code = answer.status_code
        if request.method == "POST":
            self._models.measures.answered(seen.model, seen.signature, code, seconds)
            if kind:
                self._models.measures.refused(seen.model, seen.signature, kind)
        if self._log is not None:
            path = errors.printable(errors.shortened(request.url.path, 120))
            self._log(f"{request.method} {path} {code} {1000 * seconds:.1f} ms {kind}".rstrip())
        return answer

    async def _answer(self, request: requests.Request, seen: _Seen) -> responses.Response:
        found = _PATH.fullmatch(request.scope["path"].removeprefix(_MODELS))
        if found is None:
            raise _no_such_path(request)
        verb, part, post = found["verb"], found["part"], verb_is_known(found["verb"])
        allowed = "POST, OPTIONS" if post else "GET, HEAD, OPTIONS"
        if verb is not None and not post:
            raise refusals.unknown(404, "method", verb, _VERBS)
        if part not in (None, "metadata"):
            raise refusals.unknown(404, "path", part, ["metadata"])
        if request.method == "OPTIONS":
            return responses.Response(status_code=204, headers={"Allow": allowed})
        if (request.method == "POST") != post:
            raise refusals.RequestError(
                405,
                "method",
                f"{request.method} is not the way to ask this",
                expected=allowed.partition(",")[0],
                headers={"Allow": allowed},
            )
        if found["label"] is not None:
            raise refusals.unknown(404, "label", found["label"], (), of=found["name"])
        name, number = found["name"], _number(found["version"])
        if part == "metadata":
            return _json(self._metadata(name, number))
        if not post:
            return _json(self._models.status(name, number))
        with self._models.answering():
            version = self._models.version(name, number)
            seen.model = name
            return await self._post(request, version, verb, seen)

    async def _post(
        self, request: requests.Request, version: versions_lib.Version, verb: str, seen: _Seen
    ) -> responses.Response:
        with version.used():
            async with self._bodies.read(request) as body:
                asked = await self._bodies.json(body)
                del body
                wanted = asked.get("signature_name") or ""
                if not isinstance(wanted, str):
                    raise refusals.RequestError(400, "value", "'signature_name' is no string")
                signature = self._models.signature(version, wanted)
                seen.signature = signature.name
                if verb == "regress":
                    raise refusals.RequestError(
                        400,
                        "method",
                        f"The signature {signature.name!r} is not one of regression",
                        hint=f"Ask {request.url.path.removesuffix(':regress')}:predict",
                    )
                work = self._classify if verb == "classify" else self._predict
                return await _while_there(request, work(version, signature, asked))

    async def _predict(
        self,
        version: versions_lib.Version,
        signature: signature_lib.Signature,
        asked: dict[str, Any],
    ) -> responses.Response:
        keys = [key for key in ("instances", "inputs") if key in asked]
        if len(keys) != 1:
            near = [errors.did_you_mean(key, ("instances", "inputs")) for key in asked]
            raise refusals.RequestError(
                400,
                "value",
                "The request has both 'instances' and 'inputs'"
                if keys
                else "The request has neither 'instances' nor 'inputs'",
                received=errors.shortened(errors.first_few(asked)) or "no keys",
                expected="one of them: rows or columns",
                hint=next(filter(None, near), None) if not keys else None,
            )
        most = self._models.limits.max_rows
        read = values.from_rows if keys == ["instances"] else values.from_columns
        tensors = read(asked[keys[0]], signature, most=most)
        outputs = await self._models.answer(version, signature, tensors)
        if keys == ["instances"]:
            return _json({"predictions": values.to_rows(outputs)})
        return _json({"outputs": values.to_columns(outputs)})

    async def _classify(
        self,
        version: versions_lib.Version,
        signature: signature_lib.Signature,
        asked: dict[str, Any],
    ) -> responses.Response:
        """Answers `{"examples": [...]}` with the label and score of each class, a list a row."""
        if not {_CLASSES, _PROBABILITIES} <= set(signature.outputs):
            raise refusals.RequestError(
                400,
                "method",
                f"The signature {signature.name!r} is not one of classes",
                hint="Ask :predict",
            )
        examples, shared = asked.get("examples"), asked.get("context", {})
        if not isinstance(examples, list) or not isinstance(shared, dict):
            raise refusals.RequestError(
                400,
                "value",
                "The request has no 'examples'",
                expected='{"examples": [{INPUT: value}, ...]}',
            )
        rows = [{**shared, **row} if isinstance(row, dict) else row for row in examples]
        tensors = values.from_rows(rows, signature, most=self._models.limits.max_rows)
        outputs = await self._models.answer(version, signature, tensors)
        labels = values.to_json(_CLASSES, outputs[_CLASSES])
        scores = values.to_json(_PROBABILITIES, outputs[_PROBABILITIES])
        said = values.to_json(servable.ERRORS, outputs.get(servable.ERRORS, outputs[_CLASSES]))
        if servable.ERRORS not in outputs or not any(said):
            pairs = zip(labels, scores, strict=True)
            return _json({"results": [list(zip(*row, strict=True)) for row in pairs]})
        results = [
            [] if wrong else list(zip(*row, strict=True))
            for wrong, *row in zip(said, labels, scores, strict=True)
        ]
        return _json({"results": results, "errors": said})

    def _metadata(self, name: str, number: int | None) -> dict[str, Any]:
        version = self._models.version(name, number)
        there = version.servable.signatures if version.servable else {}
        definitions = {key: signature.as_json() for key, signature in there.items()}
        return {
            "model_spec": {"name": name, "signature_name": "", "version": str(version.number)},
            "metadata": {"signature_def": {"signature_def": definitions}},
        }


def verb_is_known(verb: str | None) -> bool:
    """Says whether it is one of the methods that are asked by POST."""
    return verb in _VERBS


def _number(text: str | None) -> int | None:
    """Returns the number of a version; None where none was named."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise refusals.RequestError(
            404,
            "unknown_version",
            "A version is a whole number",
            received=errors.shortened(repr(text)),
        )
    return int(text)


def _no_such_path(request: requests.Request) -> refusals.RequestError:
    return refusals.RequestError(
        404,
        "path",
        "There is nothing at this path",
        received=errors.shortened(request.url.path),
        expected="/v1/models/NAME, /v1/models/NAME/metadata or /v1/models/NAME:predict",
    )


async def _while_there(request: requests.Request, work: Coroutine[Any, Any, T]) -> T:
    """Returns what `work` gives; cancels it once the client is gone.

    Raises:
      ClientDisconnect: it is gone.
    """
    try:
        async with asyncio.timeout(None) as bound:
            gone = asyncio.create_task(_at_end(request, bound))
            try:
                return await work
            finally:
                gone.cancel()
    except TimeoutError as error:
        if not bound.expired():
            raise
        raise requests.ClientDisconnect from error


async def _at_end(request: requests.Request, bound: asyncio.Timeout) -> None:
    """Lets a time run out once the client of a request is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    bound.reschedule(asyncio.get_running_loop().time())


def _json(
    value: Any, status: int = 200, headers: dict[str, str] | None = None
) -> responses.Response:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return responses.Response(
        text.encode("utf-8", "replace"), status, headers, media_type="application/json"
    )


async def _http_error(request: requests.Request, error: Exception) -> responses.Response:
    """Answers what starlette refuses itself: an unknown path or method."""
    status = getattr(error, "status_code", 500)
    headers = getattr(error, "headers", None) or {}
    if status == 404:
        return _json({"error": str(_no_such_path(request))}, 404)
    detail = f"{request.method} is not the way to ask this." if status == 405 else str(error)
    return _json({"error": detail}, status, dict(headers))
