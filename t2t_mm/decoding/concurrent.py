"""Work on batches that know nothing of each other, two of them at a time.

Most operations of a decoding step are too small for all cores of a processor, and follow
one another. While those of one batch leave a core idle, another batch's run on it.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")

AT_ONCE = 2
"""A third gained nothing on two cores, and each holds the state of its batch in memory."""


def each(
    work: Callable[[Batch], Result], batches: Iterable[Batch]
) -> Iterator[tuple[Batch, Result]]:
    """Yields every batch with what `work` makes of it, in the order of the batches.

    The first is worked on alone: what it compiles is there for all others. An error of
    `work` is raised where its result would have come. Who stops early waits for the batches
    in hand.

    Args:
      work: called in other threads, but for the first batch.
      batches: taken as they are needed, a few ahead of what is yielded.
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
