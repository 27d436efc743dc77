"""The limits of a server."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much a server takes at once, and how long it works or waits.

    Args:
      max_batch_size: rows of one call of a model.
      batch_wait_s: for which an incomplete batch waits for more rows, at most; it goes sooner
        where none came for a quarter of it, and at once where nothing else is being answered.
      max_queue: requests of a signature that wait for a batch; more are refused.
      max_rows: rows of one request.
      max_body_bytes: of one request.
      max_held_bytes: of all bodies together that are being read or answered.
      timeout_s: from the end of a request to its answer.
      read_s: in which a body has to arrive.
      drain_s: for which requests may go on after the first signal to end.
      poll_s: between two looks for new versions.
      threads: calls of models at the same time.
    """

    max_batch_size: int = 32
    batch_wait_s: float = 0.02
    max_queue: int = 256
    max_rows: int = 1024
    max_body_bytes: int = 32 << 20
    max_held_bytes: int = 256 << 20
    timeout_s: float = 60.0
    read_s: float = 30.0
    drain_s: float = 30.0
    poll_s: float = 1.0
    threads: int = 2
