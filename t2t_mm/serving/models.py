"""The models of a server: their versions, loaded and let go while requests are answered.

`Models` is also the door for callers in the same process and event loop, such as the page.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from t2t_mm import errors
from t2t_mm.process import quiet_import
from t2t_mm.serving import (
    batching,
    exports,
    refusals,
    servable,
    settings,
    values,
)
from t2t_mm.serving import (
    measures as measures_lib,
)
from t2t_mm.serving import signature as signature_lib

_ENDED_KEPT = 3
"""Versions that are no longer served, or failed, of which the status still tells."""

_GONE_LOOKS = 2
"""Looks in a row at which a model's folder has to be gone: a disk may be away for a moment."""


@dataclasses.dataclass(eq=False)
class Version:
    """One version of a model, and where it is in its life.

    Args:
      number: of the version.
      path: its folder.
      state: as TensorFlow Serving names it: LOADING, AVAILABLE, UNLOADING or END.
      error: why it failed; empty where it did not.
      mark: of its files, when they were loaded.
    """

    number: int
    path: pathlib.Path
    state: str = "LOADING"
    error: str = ""
    mark: tuple[Any, ...] = ()
    servable: servable.Servable | None = None
    batchers: dict[str, batching.Batcher] = dataclasses.field(default_factory=dict)
    users: int = 0

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Keeps the version in memory within the block."""
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1


@dataclasses.dataclass(eq=False)
class Model:
    """A served name: the version that answers, and others that come or go."""

    name: str
    versions: dict[int, Version] = dataclasses.field(default_factory=dict)
    current: Version | None = None
    looks_gone: int = 0


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
        self.is_ready = False
        """Whether all models that load are loaded and warm."""
        self.is_draining = False
        """Whether the server is to end: what has begun is answered, what comes is refused."""
        self.in_flight = 0
        """Requests that are being answered."""
        self._roots, self._say = roots, say
        self._models: dict[str, Model] = {}
        self._loader = concurrent.futures.ThreadPoolExecutor(1, "loader")
        self._loads: set[concurrent.futures.Future[Any]] = set()
        self._retiring: set[asyncio.Task[None]] = set()

    # What is served

    def names(self) -> list[str]:
        """Returns the names of the models that can answer."""
        return sorted(name for name, model in self._models.items() if model.current)

    def version(self, name: str, number: int | None = None) -> Version:
        """Returns a version that can answer; the newest, unless one is asked for.

        Raises:
          RequestError: there is no such model or version (404), or it is loading (503).
        """
        model = self._models.get(name)
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

    def signature(self, version: Version, name: str | None) -> signature_lib.Signature:
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
        model = self._models.get(name)
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
        self, version: Version, signature: signature_lib.Signature, inputs: values.Tensors
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
        self._count_rows(version, signature, outputs)
        return outputs

    def _count_rows(
        self, version: Version, signature: signature_lib.Signature, outputs: values.Tensors
    ) -> None:
        rows = max((len(value) for value in outputs.values() if value.ndim), default=0)
        said = outputs.get(servable.ERRORS)
        bad = sum(bool(line) for line in said.ravel().tolist()) if said is not None else 0
        meter = self.measures.meter(self._name_of(version), signature.name)
        meter.rows(good=rows - bad, bad=bad)

    def _name_of(self, version: Version) -> str:
        names = (n for n, m in self._models.items() if m.versions.get(version.number) is version)
        return next(names, measures_lib.NOBODY)

    # Versions that come and go

    async def start(self) -> None:
        """Loads and warms up the newest version of every model.

        Raises:
          UserError: there is nothing to serve, or nothing that loads.
        """
        await self.look()
        if not self.names():
            found = [each.error for m in self._models.values() for each in m.versions.values()]
            where = ", ".join(str(root.path) for root in self._roots)
            if not found:
                raise errors.DataError(
                    "There is no export to serve",
                    received=where,
                    expected="NAME/VERSION/saved_model.pb in it",
                    hint="mm-export --export_dir=FOLDER makes one of a run",
                )
            raise errors.DataError("No export can be loaded", received=found[0], hint=where)
        self.is_ready = True

    async def watch(self) -> None:
        """Looks for new versions, models and those that are gone, until it is cancelled."""
        while True:
            await asyncio.sleep(self.limits.poll_s)
            try:
                await self.look()
            except errors.UserError as error:
                self._say(f"warning: {error}")

    async def look(self) -> None:
        """Looks once into the folders, and takes up what is new."""
        found = await self._in_loader(exports.scan, self._roots)
        for name in list(self._models):
            if name not in found:
                self._look_gone(self._models[name])
        for name in found:
            self._models.setdefault(name, Model(name)).looks_gone = 0
        for name, (_, there) in sorted(found.items()):
            await self._take_up(self._models[name], there)

    def _look_gone(self, model: Model) -> None:
        model.looks_gone += 1
        if model.looks_gone < _GONE_LOOKS:
            return
        del self._models[model.name]
        if model.current is not None:
            self._say(f"{model.name} is gone, and no longer served")
            self.measures.version(model.name, None)
            self._retire(model, model.current)

    async def _take_up(self, model: Model, there: Mapping[int, pathlib.Path]) -> None:
        """Loads the newest version that loads, unless it is the one that answers."""
        for number in sorted(there, reverse=True):
            if model.current is not None and number == model.current.number:
                return
            mark = await self._in_loader(exports.fingerprint, there[number])
            known = model.versions.get(number)
            if known is not None and (known.servable or (known.error and known.mark == mark)):
                continue
            version = Version(number, there[number], mark=mark)
            model.versions[number] = version
            try:
                version.servable = await self._in_loader(_load, version.path)
            except Exception as error:
                lines = str(error).strip().splitlines() or [type(error).__name__]
                version.error = errors.shortened(errors.printable(lines[0]), 300)
                version.state = "END"
                self._say(
                    f"warning: {model.name} version {number} cannot be loaded: {version.error}"
                )
                continue
            self._switch(model, version)
            return

    def _switch(self, model: Model, version: Version) -> None:
        """Lets a loaded version answer, and the one before end."""
        loaded = version.servable
        if loaded is None:
            return
        for name, signature in loaded.signatures.items():

            def call(inputs: Mapping[str, np.ndarray], name: str = name) -> values.Tensors:
                return loaded.call(name, inputs)

            version.batchers[name] = batching.Batcher(
                call,
                signature,
                limits=self.limits,
                workers=self.workers,
                meter=self.measures.meter(model.name, name),
            )
        version.state = "AVAILABLE"
        before, model.current = model.current, version
        self.measures.version(model.name, version.number)
        if before is not None:
            self._say(f"{model.name}: version {version.number} answers, {before.number} ends")
            self._retire(model, before)

    def _retire(self, model: Model, version: Version) -> None:
        version.state = "UNLOADING"
        task = asyncio.create_task(self._let_go(model, version))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _let_go(self, model: Model, version: Version) -> None:
        """Waits for the requests of a version, then frees its memory."""
        while version.users:
            await asyncio.sleep(0.05)
        loaded, version.servable, version.state = version.servable, None, "END"
        version.batchers.clear()
        if loaded is not None:
            await self._in_loader(loaded.close)
        ended = [each for each in model.versions.values() if each.state == "END"]
        for each in sorted(ended, key=lambda one: one.number)[:-_ENDED_KEPT]:
            if model.versions.get(each.number) is each:
                del model.versions[each.number]

    async def _in_loader(self, function: Callable[..., Any], *arguments: Any) -> Any:
        future = self._loader.submit(function, *arguments)
        self._loads.add(future)
        future.add_done_callback(self._loads.discard)
        return await asyncio.wrap_future(future)

    @property
    def is_busy(self) -> bool:
        """Whether a thread calls or loads a model."""
        return bool(self.workers.busy or self._loads)

    def close(self) -> None:
        """Ends the threads, once their calls are done; what waits for one is dropped."""
        self.is_ready = False
        self._loader.shutdown(wait=False, cancel_futures=True)
        self.workers.threads.shutdown(wait=False, cancel_futures=True)


def _load(path: pathlib.Path) -> servable.Servable:
    is_quiet = quiet_import.is_installed()  # SentencePiece tells of each tokenizer that it makes
    with quiet_import.without_notices() if is_quiet else contextlib.nullcontext():
        loaded = servable.Servable(path)
        loaded.warm_up()
    return loaded
