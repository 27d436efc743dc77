"""mm-serve: answers over HTTP from exported models, by TensorFlow Serving's REST API."""

from __future__ import annotations

from collections.abc import Sequence

from t2t_mm import cli
from t2t_mm.cli import export_dir
from t2t_mm.process import cores, extras
from t2t_mm.serving import settings

_COMMAND = cli.Command(
    "mm-serve",
    "Serves exports by the REST API of TensorFlow Serving: /v1/models/NAME:predict, its status "
    "and metadata; /healthz, /readyz and /metrics beside. Rows of several requests are answered "
    "in one batch. A new version that appears in the folder is taken up without a break. SIGTERM "
    "ends it once what had begun is answered. Only this machine is answered unless --host and "
    "--token_file say otherwise.",
    example="mm-serve --export_dir=exports --port=8501",
    takes_plugins=False,
)
_LIMITS = settings.Limits()
_EXPORT_DIR = _COMMAND.multi(
    "export_dir",
    "folder of exports, or of the versions of one; repeatable",
    shown=export_dir.DEFAULT,
)
_HOST = _COMMAND.string("host", "127.0.0.1", "address to listen at; others need --token_file")
_PORT = _COMMAND.integer("port", 8501, "to listen at; 0 is any free one")
_UI = _COMMAND.boolean("ui", False, "serve the page for people too, at /")
_TOKEN_FILE = _COMMAND.path(
    "token_file", None, "clients have to bring one of its tokens; one a line", shown="none"
)
_CERTIFICATE = _COMMAND.path(
    "tls_certificate", None, "PEM file of a certificate: HTTPS", shown="plain HTTP"
)
_KEY = _COMMAND.path("tls_key", None, "PEM file of its key", shown="in the same file")
_MAX_BATCH_SIZE = _COMMAND.integer(
    "max_batch_size", _LIMITS.max_batch_size, "rows of one call of a model", least=1
)
_BATCH_WAIT_MS = _COMMAND.number(
    "batch_wait_ms", 1000 * _LIMITS.batch_wait_s, "a batch waits for more rows, at most", least=0
)
_MAX_QUEUE = _COMMAND.integer(
    "max_queue", _LIMITS.max_queue, "requests of a signature that wait; more get 429", least=1
)
_MAX_ROWS = _COMMAND.integer(
    "max_rows", _LIMITS.max_rows, "rows of a request; more get 413", least=1
)
_MAX_BODY_MB = _COMMAND.number(
    "max_body_mb", _LIMITS.max_body_bytes / (1 << 20), "of a request; more gets 413", least=0.001
)
_TIMEOUT_S = _COMMAND.number(
    "timeout_s", _LIMITS.timeout_s, "to answer a request, else 504", least=0.001
)
_DRAIN_S = _COMMAND.number(
    "drain_s", _LIMITS.drain_s, "for what has begun, once it is to end", least=0
)
_POLL_S = _COMMAND.number("poll_s", _LIMITS.poll_s, "between looks for new versions", least=0.01)
_THREADS = _COMMAND.integer(
    "threads", None, "calls of models at a time", least=1, shown="the number of cores"
)
_LOG_REQUESTS = _COMMAND.boolean(
    "log_requests", False, "a line for each request, without its content"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_serve, argv)


def _serve() -> None:
    _check_extras()
    from t2t_mm.serving import server

    limits = settings.Limits(
        max_batch_size=_MAX_BATCH_SIZE.value,
        batch_wait_s=_BATCH_WAIT_MS.value / 1000,
        max_queue=_MAX_QUEUE.value,
        max_rows=_MAX_ROWS.value,
        max_body_bytes=int(_MAX_BODY_MB.value * (1 << 20)),
        max_held_bytes=max(_LIMITS.max_held_bytes, int(8 * _MAX_BODY_MB.value * (1 << 20))),
        timeout_s=_TIMEOUT_S.value,
        drain_s=_DRAIN_S.value,
        poll_s=_POLL_S.value,
        threads=_THREADS.value or cores.count(),
    )
    options = server.Options(
        export_dirs=[export_dir.export_dir(each) for each in _EXPORT_DIR.value or [None]],
        host=_HOST.value,
        port=_PORT.value,
        token_file=_TOKEN_FILE.value,
        certificate=_CERTIFICATE.value,
        key=_KEY.value,
        page=_UI.value,
        log_requests=_LOG_REQUESTS.value,
        debug=_COMMAND.flags["debug"].value,
        limits=limits,
    )
    server.run(options, answers=_answers, say=_COMMAND.say)


def _answers(url: str, models: list[str]) -> None:
    if _COMMAND.json:
        _COMMAND.emit({"url": url, "models": models})
    else:
        print(f"{', '.join(models)} at {url}", flush=True)


def _check_extras() -> None:
    """Raises ConfigError where a package of the extra is missing."""
    extras.require("starlette", "uvicorn", "prometheus_client", extra="serve", what="mm-serve")
    if _UI.value:
        extras.require("gradio", "soundfile", "soxr", extra="ui", what="mm-serve --ui")


if __name__ == "__main__":
    raise SystemExit(main())
