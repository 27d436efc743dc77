"""The models of a server, as its doors see them: names, versions, signatures, answers.

`Models` is also the door for callers in the same process and event loop, such as the page.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from t2t_mm.serving import batching, exports, refusals, servable, settings, values
from t2t_mm.serving import measures as measures_lib
from t2t_mm.serving import signature as signature_lib
from t2t_mm.serving import versions as versions_lib


class Models:
    """All models of a server.

    Args:
      roots: folders to look into.
      limits: sizes and waits.
      measures: counters.
      say: takes a line for the people who run the server.
    """

    def __init__(
        self,
        roots: Sequence[exports.Root],
        *,
        limits: settings.Limits,
        measures: measures_lib.Measures,
        say: Callable[[str], None],
    ) -> None:
        self.limits, self.measures = limits, measures
        self.workers = batching.Workers(limits.threads)
        self.versions = versions_lib.Versions(
            roots, limits=limits, measures=measures, workers=self.workers, say=say
        )
        self.is_ready = False
        """Whether all models that load are loaded and warm."""
        self.is_draining = False
        """Whether the server is to end: what has begun is answered, what comes is refused."""
        self.in_flight = 0
        """Requests that are being answered."""

    # What is served

    def names(self) -> list[str]:
        """Returns the names of the models that can answer."""
        return self.versions.names()

    def version(self, name: str, number: int | None = None) -> versions_lib.Version:
        """Returns a version that can answer; the newest, unless one is asked for.

        Raises:
          RequestError: there is no such model or version (404), or it is loading (503).
        """
        model = self.versions.models.get(name)
        if model is None:
            raise refusals.unknown(404, "model", name, self.names())
        if number is None:
            found = model.current
        else:
            found = model.versions.get(number)
        if found is not None and found.state in ("AVAILABLE", "UNLOADING") and found.servable:
            return found
        if (found is None and number is None) or (found is not None and found.state == "LOADING"):
            raise refusals.RequestError(
                503,
                "loading",
                f"The model {name} is not loaded yet",
                headers=refusals.RETRY_AFTER,
            )
        there = [str(each.number) for each in model.versions.values() if each.servable]
        raise refusals.unknown(404, "version", str(number), there, of=name)

    def signature(self, version: versions_lib.Version, name: str | None) -> signature_lib.Signature:
        """Returns a signature; the default one, or the only one, unless one is asked for.

        Raises:
          RequestError: there is no such signature (400).
        """
        there = version.servable.signatures if version.servable else {}
        if not name:
            if signature_lib.DEFAULT in there or len(there) != 1:
                name = signature_lib.DEFAULT
            else:
                name = next(iter(there))
        if name not in there:
            raise refusals.unknown(400, "signature", name, there)
        return there[name]

    def describe(self, name: str) -> Mapping[str, Any]:
        """Returns `export.json` of the version that answers; nothing where it has none."""
        found = self.version(name)
        return found.servable.details if found.servable else {}

    def status(self, name: str, number: int | None = None) -> dict[str, Any]:
        """Returns the state of a model's versions, as TensorFlow Serving writes it.

        Raises:
          RequestError: there is no such model or version (404).
        """
        model = self.versions.models.get(name)
        if model is None:
            raise refusals.unknown(404, "model", name, self.names())
        found = [each for each in model.versions.values() if number in (None, each.number)]
        if not found:
            numbers = map(str, model.versions)
            raise refusals.unknown(404, "version", str(number), numbers, of=name)
        return {
            "model_version_status": [
                {
                    "version": str(each.number),
                    "state": each.state,
                    "status": {
                        "error_code": "UNKNOWN" if each.error else "OK",
                        "error_message": each.error,
                    },
                }
                for each in sorted(found, key=lambda version: version.number, reverse=True)
            ]
        }

    # Answers

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Counts a request as being answered within the block.

        Raises:
          RequestError: the server is to end (503).
        """
        if self.is_draining:
            raise refusals.RequestError(
                503,
                "draining",
                "The server is about to end",
                headers={**refusals.RETRY_AFTER, "Connection": "close"},
            )
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    async def predict(
        self,
        name: str,
        inputs: Mapping[str, Any],
        *,
        signature: str | None = None,
        number: int | None = None,
    ) -> values.Tensors:
        """Returns the outputs of a model for some rows.

        Args:
          name: of the model.
          inputs: by name, a sequence with a value for each row: text as `str`, else `bytes`; a
            shared input such as a seed is one number.
          signature: to call; the default one if None.
          number: of the version; the newest if None.

        Raises:
          RequestError: the request cannot be answered.
        """
        version = self.version(name, number)
        fields = self.signature(version, signature).inputs
        arrays = {}
        for key, value in inputs.items():
            if key not in fields:
                raise refusals.unknown(400, "input", key, fields)
            if fields[key].is_text:
                texts = [one.encode("utf-8") if isinstance(one, str) else one for one in value]
                arrays[key] = np.array(texts, object)
            else:
                arrays[key] = np.asarray(value, fields[key].dtype)
        missing = [key for key in fields if key not in arrays]
        if missing:
            raise refusals.RequestError(
                400, "missing_input", f"The input {missing[0]!r} is missing", expected=list(fields)
            )
        with self.answering():
            return await self.answer(version, self.signature(version, signature), arrays)

    async def answer(
        self,
        version: versions_lib.Version,
        signature: signature_lib.Signature,
        inputs: values.Tensors,
    ) -> values.Tensors:
        """Returns the outputs of a signature of a version that `version` gave.

        Raises:
          RequestError: the queue is full (429), it took too long (504), or the model failed.
        """
        batcher = version.batchers[signature.name]
        with version.used():
            try:
                async with asyncio.timeout(self.limits.timeout_s):
                    outputs = await batcher.answer(inputs)
            except TimeoutError as error:
                raise refusals.RequestError(
                    504,
                    "deadline",
                    "The answer took too long",
                    expected=f"{self.limits.timeout_s:g} s at most",
                ) from error
        _count_rows(batcher.meter, outputs)
        return outputs

    # Begin and end

    async def start(self) -> None:
        """Loads and warms up the newest version of every model.

        Raises:
          UserError: there is nothing to serve, or nothing that loads.
        """
        await self.versions.start()
        self.is_ready = True

    @property
    def is_busy(self) -> bool:
        """Whether a thread calls or loads a model."""
        return bool(self.workers.busy) or self.versions.is_loading

    def close(self) -> None:
        """Ends the threads, once their calls are done; what waits for one is dropped."""
        self.is_ready = False
        self.versions.close()
        self.workers.threads.shutdown(wait=False, cancel_futures=True)


def _count_rows(meter: measures_lib.Meter, outputs: values.Tensors) -> None:
    rows = max((len(value) for value in outputs.values() if value.ndim), default=0)
    said = outputs.get(servable.ERRORS)
    bad = sum(bool(line) for line in said.ravel().tolist()) if said is not None else 0
    meter.rows(good=rows - bad, bad=bad)
