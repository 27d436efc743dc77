"""What one worker has found out, told to all: bytes, over the connections of the training.

Only sums of floats go between the devices of all workers, whatever these are. So each worker
writes its bytes, two to a number, into a row of its own, and the sum of the rows, where all
others have 0, is what everybody gave.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from t2t_mm.training import strategy as strategies

_BLOCK = 2**15
"""Numbers of a row in one sum. The shape is always the same: TensorFlow keeps that of the first."""

_WORD = np.dtype("<u2")
"""16 bits: a float32 holds whole numbers up to 2^24."""


class Exchange:
    """Tells bytes of each worker to all; see `evaluation.sharing.Workers`.

    Args:
      strategy: with several workers.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.index = strategies.worker_index(strategy)
        self.count = strategies.worker_count(strategy)
        self._strategy = strategy
        self._devices = max(1, strategy.num_replicas_in_sync // self.count)
        self._sum = tf.function(self._total, autograph=False)

    def exchange(self, own: bytes) -> list[bytes]:
        """Returns what each worker gave, in their order.

        All must call it at the same points, as they do `strategy.Vote.any`.
        """
        size = np.frombuffer(np.uint32(len(own)).tobytes(), _WORD)
        sizes = [int.from_bytes(row.tobytes(), "little") for row in self._of_all(size)]
        blocks = -(-max(sizes) // (_BLOCK * _WORD.itemsize))
        room = blocks * _BLOCK
        words = np.frombuffer(own.ljust(room * _WORD.itemsize, b"\0"), _WORD)
        parts = [self._of_all(words[start : start + _BLOCK]) for start in range(0, room, _BLOCK)]
        if not parts:
            return [b""] * self.count
        rows = np.concatenate(parts, axis=1)
        return [row.tobytes()[:size] for row, size in zip(rows, sizes, strict=True)]

    def _of_all(self, words: np.ndarray) -> np.ndarray:
        """Returns the words of each worker, [W, N], given [N] of this one."""
        rows = np.zeros([self.count, len(words)], np.float32)
        rows[self.index] = words
        return self._sum(tf.constant(rows)).numpy().astype(_WORD)

    def _total(self, rows: tf.Tensor) -> tf.Tensor:
        def on_replica(rows: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # Of a worker's devices the first one speaks for it.
            speaks = tf.equal(context.replica_id_in_sync_group % self._devices, 0)
            said = tf.where(speaks, rows, tf.zeros_like(rows))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, said)

        return self._strategy.experimental_local_results(
            self._strategy.run(on_replica, args=(rows,))
        )[0]


def of(strategy: tf.distribute.Strategy) -> Exchange | None:
    """Returns the exchange between the workers of a training; None where there is but one."""
    return Exchange(strategy) if strategies.worker_count(strategy) > 1 else None
