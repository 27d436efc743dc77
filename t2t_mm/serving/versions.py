"""The versions of a server's models, loaded and let go while requests are answered."""

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
from t2t_mm.serving import batching, exports, servable, settings, values
from t2t_mm.serving import measures as measures_lib

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


class Versions:
    """Takes up what appears in the folders of exports, and lets go what is replaced or gone.

    Args:
      roots: folders to look into.
      limits: sizes and waits.
      measures: counters.
      workers: the threads in which models run.
      say: takes a line for the people who run the server.
    """

    def __init__(
        self,
        roots: Sequence[exports.Root],
        *,
        limits: settings.Limits,
        measures: measures_lib.Measures,
        workers: batching.Workers,
        say: Callable[[str], None],
    ) -> None:
        self.models: dict[str, Model] = {}
        """By name."""
        self._roots, self._say = roots, say
        self._limits, self._measures, self._workers = limits, measures, workers
        self._loader = concurrent.futures.ThreadPoolExecutor(1, "loader")
        self._loads: set[concurrent.futures.Future[Any]] = set()
        self._retiring: set[asyncio.Task[None]] = set()

    def names(self) -> list[str]:
        """Returns the names of the models that can answer."""
        return sorted(name for name, model in self.models.items() if model.current)

    async def start(self) -> None:
        """Loads and warms up the newest version of every model.

        Raises:
          UserError: there is nothing to serve, or nothing that loads.
        """
        await self.look()
        if not self.names():
            found = [each.error for m in self.models.values() for each in m.versions.values()]
            where = ", ".join(str(root.path) for root in self._roots)
            if not found:
                raise errors.DataError(
                    "There is no export to serve",
                    received=where,
                    expected="NAME/VERSION/saved_model.pb in it",
                    hint="mm-export --export_dir=FOLDER makes one of a run",
                )
            raise errors.DataError("No export can be loaded", received=found[0], hint=where)

    async def watch(self) -> None:
        """Looks for new versions, models and those that are gone, until it is cancelled."""
        while True:
            await asyncio.sleep(self._limits.poll_s)
            try:
                await self.look()
            except errors.UserError as error:
                self._say(f"warning: {error}")

    async def look(self) -> None:
        """Looks once into the folders, and takes up what is new."""
        found = await self._in_loader(exports.scan, self._roots)
        for name in list(self.models):
            if name not in found:
                self._look_gone(self.models[name])
        for name in found:
            self.models.setdefault(name, Model(name)).looks_gone = 0
        for name, (_, there) in sorted(found.items()):
            await self._take_up(self.models[name], there)

    def _look_gone(self, model: Model) -> None:
        model.looks_gone += 1
        if model.looks_gone < _GONE_LOOKS:
            return
        del self.models[model.name]
        if model.current is not None:
            self._say(f"{model.name} is gone, and no longer served")
            self._measures.version(model.name, None)
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
                limits=self._limits,
                workers=self._workers,
                meter=self._measures.meter(model.name, name),
            )
        version.state = "AVAILABLE"
        before, model.current = model.current, version
        self._measures.version(model.name, version.number)
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
    def is_loading(self) -> bool:
        """Whether a thread loads a model, or frees one."""
        return bool(self._loads)

    def close(self) -> None:
        """Ends the thread that loads, once its call is done."""
        self._loader.shutdown(wait=False, cancel_futures=True)


def _load(path: pathlib.Path) -> servable.Servable:
    is_quiet = quiet_import.is_installed()  # SentencePiece tells of each tokenizer that it makes
    with quiet_import.without_notices() if is_quiet else contextlib.nullcontext():
        loaded = servable.Servable(path)
        loaded.warm_up()
    return loaded
