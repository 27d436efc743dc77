"""Concurrent batches: two independent ones are decoded at a time.

Most operations of a decoding step are too small for all cores, and depend on one another.
While one batch leaves a core idle, operations of another batch run on it.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")

AT_ONCE = 2
"""Batches at a time. A third gains nothing on two cores, and each takes memory for its state."""


def each(
    work: Callable[[Batch], Result], batches: Iterable[Batch]
) -> Iterator[tuple[Batch, Result]]:
    """Yields every batch with the result of `work`, in order.

    The first batch runs alone, so that its functions are compiled once for all others. An
    error of `work` is raised in place of its result. A caller that stops early waits for the
    batches in progress.

    Args:
      work: called in other threads, except for the first batch.
      batches: consumed lazily, a few ahead of the results.
    """
    remaining = iter(batches)
    for first in remaining:
        yield first, work(first)
        break
    waiting: collections.deque[tuple[Batch, futures.Future[Result]]] = collections.deque()
    with futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batches") as pool:
        for batch in remaining:
            waiting.append((batch, pool.submit(work, batch)))
            if len(waiting) > AT_ONCE:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
