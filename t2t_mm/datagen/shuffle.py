"""External shuffle by hash: from the workers' examples to shards.

The hash of an example's key decides its shard and its place in the shard, so the result
does not depend on the number of workers. Each worker appends its examples to one file for
each bucket (the first bits of the hash). A shard is a range of hashes: its buckets are
scanned, sorted by hash and copied. Only hashes and offsets are in memory, never examples.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import mmap
import pathlib
import struct
from collections.abc import Callable, Iterator

from t2t_mm import errors
from t2t_mm.data import manifest, records
from t2t_mm.files import atomic

HASH_BYTES = 16
BUCKETS = 64
SHARD_BYTES = 64 << 20
"""The number of shards is doubled until their mean size is at most this."""

_HEAD = struct.Struct(f"<{HASH_BYTES}sQ")
_CHECK_BYTES = 4


def hash_key(key: bytes, seed: int) -> bytes:
    """Returns the hash by which examples are ordered; it depends on the seed."""
    salt = str(seed).encode()
    return hashlib.blake2b(key, digest_size=HASH_BYTES, key=salt).digest()


class BucketWriter:
    """The bucket files of one worker.

    Args:
      folder: shared by the workers of a split.
      worker: index of the worker.
    """

    def __init__(self, folder: pathlib.Path, worker: int) -> None:
        self._folder = folder
        self._worker = worker
        self._files: dict[int, io.BufferedWriter] = {}

    def add(self, digest: bytes, data: bytes) -> int:
        """Adds one serialised example and returns the bytes of its record."""
        bucket = digest[0] * BUCKETS // 256
        record = records.frame(data)
        with atomic.writing(self._folder):
            file = self._files.get(bucket)
            if file is None:
                path = self._folder / f"{bucket:02d}-{self._worker:05d}"
                file = self._files[bucket] = path.open("wb")
            file.write(_HEAD.pack(digest, len(record)))
            file.write(record)
        return len(record)

    def close(self) -> None:
        """Closes every file, even if closing one of them fails (the disk is full)."""
        failed = None
        for file in self._files.values():
            try:
                file.close()
            except OSError as error:
                failed = error
        if failed:
            with atomic.writing(self._folder):
                raise failed


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """One shard to be written.

    Args:
      buckets: the folder of the workers' bucket files.
      folder: of the shard.
      split: its split.
      index: its number.
      count: number of the split's shards, a power of two.
    """

    buckets: pathlib.Path
    folder: pathlib.Path
    split: str
    index: int
    count: int

    @property
    def file(self) -> str:
        """The shard's file name."""
        return f"{self.split}-{self.index:05d}-of-{self.count:05d}.tfrecord"


def shard_count(size_bytes: int) -> int:
    """Returns how many shards a split of so many bytes gets, a power of two."""
    count = 1
    while size_bytes > count * SHARD_BYTES:
        count *= 2
    return count


def write_shard(plan: ShardPlan, count: Callable[[int], None]) -> manifest.Shard:
    """Sorts the examples of one shard from its buckets into its file.

    Args:
      plan: the shard.
      count: called often with the number of examples written; may raise to end the work.

    Raises:
      DataError: for a duplicate key, or a full disk.
    """
    path = plan.folder / plan.file
    digest = hashlib.sha256()
    examples = size = 0
    with atomic.writing(path), path.open("wb") as file:
        for bucket in _buckets(plan):
            count(examples)
            for record in _sorted_records(plan, bucket):
                file.write(record)
                digest.update(record)
                examples += 1
                size += len(record)
        atomic.flush(file)
    return manifest.Shard(plan.file, examples, size, digest.hexdigest())


def _buckets(plan: ShardPlan) -> range:
    """Returns the buckets with a shard's hashes: several, or one that shards share."""
    first = plan.index * BUCKETS // plan.count
    return range(first, max((plan.index + 1) * BUCKETS // plan.count, first + 1))


def _sorted_records(plan: ShardPlan, bucket: int) -> Iterator[memoryview]:
    """Yields the records of a bucket that belong to the shard, sorted by hash."""
    maps = []
    entries: list[tuple[bytes, int, int, int]] = []
    try:
        for path in sorted(plan.buckets.glob(f"{bucket:02d}-*")):
            if not path.stat().st_size:
                continue
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            maps.append(mapped)
            place = 0
            while place < len(mapped):
                digest, length = _HEAD.unpack_from(mapped, place)
                place += _HEAD.size
                if _shard_of(digest, plan.count) == plan.index:
                    entries.append((digest, len(maps) - 1, place, length))
                place += length
        entries.sort()
        previous = None
        for digest, number, place, length in entries:
            record = maps[number][place : place + length]
            if digest == previous:
                key = _key(record)
                raise errors.DataError(
                    f"Two examples of the split {plan.split!r} have the key {key!r}",
                    expected="generate_examples to give each example of a split its own key",
                )
            previous = digest
            yield memoryview(record)
    finally:
        for mapped in maps:
            mapped.close()


def _shard_of(digest: bytes, count: int) -> int:
    return int.from_bytes(digest[:8], "big") * count >> 64


def _key(record: bytes) -> str:
    start = records.OVERHEAD_BYTES - _CHECK_BYTES
    return records.decode_example(record[start:-_CHECK_BYTES])["key"].decode("utf-8")
