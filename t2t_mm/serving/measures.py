"""What a server counts, for Prometheus; a label for each model and signature.

Names of models and signatures are those that are served, never what a client sent.
"""

from __future__ import annotations

import prometheus_client

from t2t_mm.process import memory

NOBODY = ""
"""Label of requests that name no model that is served."""

_LABELS = ("model", "signature")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Measures:
    """The counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = prometheus_client.CollectorRegistry()
        counter, histogram = prometheus_client.Counter, prometheus_client.Histogram
        gauge = prometheus_client.Gauge
        self._requests = counter(
            "mm_serve_requests", "Answers, by status", (*_LABELS, "code"), registry=registry
        )
        self._rows = counter(
            "mm_serve_rows", "Rows answered, good or with an error", (*_LABELS, "result"),
            registry=registry,
        )  # fmt: skip
        self._errors = counter(
            "mm_serve_errors", "Requests refused, by kind", (*_LABELS, "kind"), registry=registry
        )
        self._seconds = histogram(
            "mm_serve_request_seconds", "From the head of a request to its answer", _LABELS,
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._batches = histogram(
            "mm_serve_batch_rows", "Rows of a call of the model", _LABELS, buckets=_ROWS,
            registry=registry,
        )  # fmt: skip
        self._queue = gauge(
            "mm_serve_queue_requests", "Requests that wait", _LABELS, registry=registry
        )
        self._version = gauge(
            "mm_serve_model_version", "Version that answers", ("model",), registry=registry
        )
        resident = gauge("mm_serve_resident_bytes", "Resident memory", registry=registry)
        resident.set_function(memory.resident_bytes)

    def meter(self, model: str, signature: str) -> Meter:
        """Returns the counters of one signature."""
        return Meter(self, model, signature)

    def answered(self, model: str, signature: str, code: int, seconds: float) -> None:
        """Counts an answer."""
        self._requests.labels(model, signature, str(code)).inc()
        self._seconds.labels(model, signature).observe(seconds)

    def refused(self, model: str, signature: str, kind: str) -> None:
        """Counts a refusal."""
        self._errors.labels(model, signature, kind).inc()

    def version(self, model: str, number: int | None) -> None:
        """Notes which version answers now; None where the model is gone."""
        if number is None:
            self._version.remove(model)
        else:
            self._version.labels(model).set(number)

    def text(self) -> bytes:
        """Returns all of it as Prometheus reads it."""
        return bytes(prometheus_client.generate_latest(self.registry))


CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST


class Meter:
    """The counters of one signature; see `Measures.meter`."""

    def __init__(self, measures: Measures, model: str, signature: str) -> None:
        self._queue = measures._queue.labels(model, signature)
        self._batches = measures._batches.labels(model, signature)
        self._good = measures._rows.labels(model, signature, "good")
        self._bad = measures._rows.labels(model, signature, "bad")

    def waiting(self, requests: int) -> None:
        """Notes how many requests wait."""
        self._queue.set(requests)

    def batch(self, rows: int) -> None:
        """Counts a call of the model."""
        self._batches.observe(rows)

    def rows(self, *, good: int, bad: int) -> None:
        """Counts rows that were answered."""
        self._good.inc(good)
        self._bad.inc(bad)
