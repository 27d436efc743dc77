"""Joins the rows of concurrent requests to batches, and parts the answers again.

A request is cut into pieces of a batch at most. Pieces whose rows have the same shapes, and
whose shared inputs (a seed) the same values, may share a call. If a call fails, each piece is
tried by itself, then each row: a bad row costs no other one its answer.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from t2t_mm.serving import joining, refusals, settings, values
from t2t_mm.serving import measures as measures_lib
from t2t_mm.serving import signature as signature_lib

Call = Callable[[Mapping[str, np.ndarray]], values.Tensors]

_PAUSE = 0.25
"""Share of the longest wait without a new row, after which a batch goes."""


class Workers:
    """The threads in which models run, and the turns that are taken for them.

    Args:
      count: of threads.
    """

    def __init__(self, count: int) -> None:
        self.turns = asyncio.Semaphore(count)
        self.threads = concurrent.futures.ThreadPoolExecutor(count, "model")
        self.busy = 0
        """Calls that run now."""


@dataclasses.dataclass(eq=False)
class _Request:
    """What a client sent; `waiting` counts those of its pieces that no call has taken."""

    rows: int | None
    waiting: int = 0
    is_dropped: bool = False


@dataclasses.dataclass(eq=False)
class _Piece:
    """Rows of one request that stay together, from number `start` on.

    `rows` is None where there is no such axis.
    """

    request: _Request
    inputs: values.Tensors
    start: int
    rows: int | None
    key: tuple[object, ...]
    arrived: float
    answer: asyncio.Future[list[joining.Part]]


class Batcher:
    """The queue of one signature of one loaded version.

    Args:
      call: runs the model on one batch; called in a thread.
      signature: what it takes and gives.
      limits: sizes and waits.
      workers: shared by all batchers.
      meter: of the signature.
    """

    def __init__(
        self,
        call: Call,
        signature: signature_lib.Signature,
        *,
        limits: settings.Limits,
        workers: Workers,
        meter: measures_lib.Meter,
    ) -> None:
        self._call, self._signature = call, signature
        self._limits, self._workers = limits, workers
        self.meter = meter
        self._queue: collections.deque[_Piece] = collections.deque()
        self._requests = 0
        self._more = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def answer(self, inputs: values.Tensors) -> values.Tensors:
        """Returns the outputs for the rows of one request.

        Cancelled, it drops the pieces that no call has taken yet.

        Raises:
          RequestError: the queue is full (429), or the model cannot answer (400, 500, 503).
        """
        if self._requests >= self._limits.max_queue:
            raise refusals.RequestError(
                429,
                "queue_full",
                "Too many requests are waiting",
                received=f"{self._requests:,} before this one",
                expected=f"{self._limits.max_queue:,} at most",
                headers=refusals.RETRY_AFTER,
            )
        request = _Request(values.check_rows(inputs, self._signature))
        pieces = self._cut(request, inputs)
        request.waiting = len(pieces)
        self._count(1)
        self._queue.extend(pieces)
        if self._is_full():
            self._more.set()
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._take_turns())
        try:
            if len(pieces) == 1:
                found = [await pieces[0].answer]
            else:
                found = await asyncio.gather(*(piece.answer for piece in pieces))
        finally:
            request.is_dropped = True
            if request.waiting:
                request.waiting = 0
                self._count(-1)
        return joining.outputs([part for parts in found for part in parts])

    def _count(self, change: int) -> None:
        self._requests += change
        self.meter.waiting(self._requests)

    def _cut(self, request: _Request, inputs: values.Tensors) -> list[_Piece]:
        loop = asyncio.get_running_loop()
        rows = request.rows
        per_row, shared = self._signature.row_inputs, self._signature.shared_inputs
        key: tuple[object, ...] = ()
        if self._signature.can_join and rows:
            key = (
                *(inputs[name].shape[1:] for name in per_row),
                *(inputs[name].tobytes() for name in shared),
            )
        step = self._limits.max_batch_size
        if not self._signature.has_rows or not rows or rows <= step:
            starts, step = range(1), rows or 0
        else:
            starts = range(0, rows, step)
        pieces = []
        for start in starts:
            part = inputs
            if len(starts) > 1 and rows:
                part = {
                    name: value[start : start + step] if name in per_row else value
                    for name, value in inputs.items()
                }
            size = None if rows is None else min(step, rows - start)
            future: asyncio.Future[list[joining.Part]] = loop.create_future()
            pieces.append(_Piece(request, part, start, size, key, loop.time(), future))
        return pieces

    async def _take_turns(self) -> None:
        """Calls the model, batch by batch, until nothing waits any more."""
        while self._queue:
            await self._wait_for_more()
            await self._workers.turns.acquire()
            batch = self._next_batch()
            if not batch:
                self._workers.turns.release()
                continue
            task = asyncio.create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _wait_for_more(self) -> None:
        """Waits until a batch is full, or until no more rows are to be expected.

        The clients of a batch that is done send their next requests one after the other, some
        milliseconds each: while they come, it is worth to wait.
        """
        loop, wait_s = asyncio.get_running_loop(), self._limits.batch_wait_s
        while self._queue:
            if self._is_full():
                return
            if self._requests <= 1 and not self._workers.busy:
                return
            first, last = self._queue[0], self._queue[-1]
            end = min(first.arrived + wait_s, last.arrived + wait_s * _PAUSE)
            left = end - loop.time()
            if left <= 0:
                return
            self._more.clear()
            try:
                async with asyncio.timeout(left):
                    await self._more.wait()
            except TimeoutError:
                continue  # more may have come: then the wait goes on

    def _is_full(self) -> bool:
        """Whether the first piece, with what may join it, is to wait for no more rows."""
        first = self._queue[0]
        rows = sum(piece.rows or 0 for piece in self._queue if piece.key == first.key)
        return not first.key or rows >= self._limits.max_batch_size

    def _next_batch(self) -> list[_Piece]:
        """Takes the first piece from the queue, and what may join it, in order."""
        batch: list[_Piece] = []
        left: collections.deque[_Piece] = collections.deque()
        room = self._limits.max_batch_size
        while self._queue:
            piece = self._queue.popleft()
            if piece.request.is_dropped or piece.answer.done():
                continue
            if not batch or (piece.key and piece.key == batch[0].key and (piece.rows or 0) <= room):
                batch.append(piece)
                room -= piece.rows or 0
                piece.request.waiting -= 1
                if not piece.request.waiting:
                    self._count(-1)
                if not piece.key or room <= 0:
                    break
            else:
                left.append(piece)
        left.extend(self._queue)
        self._queue = left
        return batch

    async def _run(self, batch: Sequence[_Piece]) -> None:
        """Answers the pieces of a batch; each gets its outputs or its error."""
        self._workers.busy += 1
        try:
            rows = sum(piece.rows or 0 for piece in batch)
            self.meter.batch(rows)
            try:
                outputs = await self._in_thread(
                    joining.inputs([piece.inputs for piece in batch], self._signature)
                )
                if len(batch) > 1 and any(len(value) != rows for value in outputs.values()):
                    raise ValueError("the model did not answer a row for a row")
            except Exception as error:
                # Whatever it was, it may be the fault of one row: each piece is on its own now.
                for piece in batch:
                    await self._alone(piece, failed=error if len(batch) == 1 else None)
            else:
                start = 0
                for piece in batch:
                    part = outputs
                    if len(batch) > 1:
                        end = start + (piece.rows or 0)
                        part = {name: value[start:end] for name, value in outputs.items()}
                        start = end
                    _settle(piece, [part])
        finally:
            self._workers.busy -= 1
            self._workers.turns.release()

    async def _alone(self, piece: _Piece, *, failed: Exception | None) -> None:
        """Calls the model for one piece, unless that has failed; then for its rows."""
        if piece.request.is_dropped:
            return
        if failed is None:
            try:
                _settle(piece, [await self._in_thread(piece.inputs)])
                return
            except Exception as error:
                failed = error
        if self._signature.has_rows and (piece.rows or 0) > 1:
            _settle(piece, await self._row_by_row(piece))
        else:
            is_part = (piece.request.rows or 0) > 1
            _settle(piece, [refusals.of_call(failed, row=piece.start if is_part else None)])

    async def _row_by_row(self, piece: _Piece) -> list[joining.Part]:
        """Returns the answers of single rows, and the errors of those that fail."""
        per_row = self._signature.row_inputs
        answers: list[joining.Part] = []
        for number in range(piece.rows or 0):
            row = {
                name: value[number : number + 1] if name in per_row else value
                for name, value in piece.inputs.items()
            }
            try:
                answers.append(await self._in_thread(row))
            except Exception as error:
                answers.append(refusals.of_call(error, row=piece.start + number))
        return answers

    async def _in_thread(self, inputs: Mapping[str, np.ndarray]) -> values.Tensors:
        loop = asyncio.get_running_loop()
        call = functools.partial(self._call, inputs)
        return await loop.run_in_executor(self._workers.threads, call)


def _settle(piece: _Piece, parts: list[joining.Part]) -> None:
    if not piece.answer.done():  # its client may be gone
        piece.answer.set_result(parts)
