"""External shuffle by hash: from the workers' examples to shards.

The hash of an example's key decides its shard and its place in the shard, so the result
does not depend on the number of workers. Each job appends its examples to one file for
each bucket (the first bits of the hash). A shard is a range of hashes: its buckets are
scanned, sorted by hash and copied. Only hashes and offsets are in memory, never examples,
and of one shard: where there are more shards than buckets, the buckets are split first.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import mmap
import pathlib
import secrets
import struct
from collections.abc import Callable, Iterator

from t2t_mm import errors
from t2t_mm.data import manifest, records
from t2t_mm.files import atomic

HASH_BYTES = 16
BUCKETS = 64
SHARD_BYTES = 64 << 20
"""The number of shards is doubled until their mean size is at most this."""

_HEAD = struct.Struct(f"<{HASH_BYTES}sQI")
"""Of a record in a bucket: hash, bytes, examples in it."""

_CHECK_BYTES = 4


def hash_key(key: bytes, seed: int) -> bytes:
    """Returns the hash by which examples are ordered; it depends on the seed."""
    salt = str(seed).encode()
    return hashlib.blake2b(key, digest_size=HASH_BYTES, key=salt).digest()


def checksum(record: bytes | memoryview) -> int:
    """Returns a hash of a record; such hashes are summed, so that the order does not matter.

    The sum over what was encoded must be that over what is in the shards, modulo 2**64.
    """
    return int.from_bytes(hashlib.blake2b(record, digest_size=8).digest(), "little")


class BucketWriter:
    """The bucket files of one job; a context manager.

    A job may be done twice, as clusters do, even at the same time: each writes files of its
    own, which get their names when all is written.

    Args:
      folder: shared by the jobs of a split.
      job: its number.
    """

    def __init__(self, folder: pathlib.Path, job: int) -> None:
        self._folder = folder
        self._job = job
        self._token = secrets.token_hex(4)
        self._files: dict[str, io.BufferedWriter] = {}

    def __enter__(self) -> BucketWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(keep=kind is None)

    def add(
        self,
        digest: bytes,
        record: bytes | memoryview,
        *,
        examples: int = 1,
        bucket: str | None = None,
    ) -> None:
        """Adds the record of one or more examples.

        Args:
          digest: of the key of the first.
          record: its bytes in a TFRecord file.
          examples: in it. 0 for a key alone, of an example in another's record: it is
            compared with others, and not written to a shard.
          bucket: if not that of the digest.
        """
        name = bucket or _bucket_name(digest[0] * BUCKETS // 256)
        with atomic.writing(self._folder):
            file = self._files.get(name)
            if file is None:
                file = self._files[name] = self._temporary(name).open("wb")
            file.write(_HEAD.pack(digest, len(record), examples))
            file.write(record)

    def close(self, *, keep: bool = True) -> None:
        """Closes every file, even if closing one of them fails (the disk is full).

        Args:
          keep: give them their names.
        """
        failed = None
        for file in self._files.values():
            try:
                file.close()
            except OSError as error:
                failed = error
        with atomic.writing(self._folder):
            if failed:
                raise failed
            for name in self._files if keep else ():
                self._temporary(name).replace(self._folder / f"{name}-{self._job:05d}")
        self._files.clear()

    def _temporary(self, name: str) -> pathlib.Path:
        return self._folder / f".{name}-{self._job:05d}.{self._token}"


def _bucket_name(bucket: int) -> str:
    return f"{bucket:02d}"


def _shard_name(index: int) -> str:
    return f"shard{index:06d}"


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


@dataclasses.dataclass(frozen=True)
class Written:
    """A shard that was written: its entry in the manifest, and the sum of its checksums."""

    shard: manifest.Shard
    checksum: int


@dataclasses.dataclass(frozen=True)
class BucketPlan:
    """A bucket to be split into the shards that share it.

    Args:
      folder: of the bucket files.
      bucket: its number.
      count: number of the split's shards, more than `BUCKETS`.
    """

    folder: pathlib.Path
    bucket: int
    count: int


def split_bucket(plan: BucketPlan, count: Callable[[int], None]) -> None:
    """Splits a bucket into a file for each of its shards, and removes it.

    Of large data a bucket is too much to be sorted at once.

    Args:
      plan: the bucket.
      count: called often with 0; may raise to end the work.
    """
    paths = _files(plan.folder, _bucket_name(plan.bucket))
    with BucketWriter(plan.folder, 0) as out:
        for path in paths:
            count(0)
            with atomic.writing(path), path.open("rb") as file:
                while head := file.read(_HEAD.size):
                    digest, length, examples = _HEAD.unpack(head)
                    name = _shard_name(_shard_of(digest, plan.count))
                    out.add(digest, file.read(length), examples=examples, bucket=name)
    with atomic.writing(plan.folder):
        for path in paths:
            path.unlink(missing_ok=True)


def write_shard(plan: ShardPlan, count: Callable[[int], None]) -> Written:
    """Sorts the examples of one shard from its buckets into its file.

    Args:
      plan: the shard; where shards share a bucket, `split_bucket` comes first.
      count: called often with the number of examples written; may raise to end the work.

    Raises:
      DataError: for a duplicate key, or a full disk.
    """
    path = plan.folder / plan.file
    temporary = path.with_name(f".{plan.file}.{secrets.token_hex(4)}")
    digest = hashlib.sha256()
    examples = written = size = total = 0
    with atomic.writing(path):
        with temporary.open("wb") as file:
            for bucket in _buckets(plan):
                count(examples)
                for record, held in _sorted_records(plan, bucket):
                    file.write(record)
                    digest.update(record)
                    total += checksum(record)
                    examples += held
                    written += 1
                    size += len(record)
            atomic.flush(file)
        temporary.replace(path)
    fewer = written if written < examples else None
    shard = manifest.Shard(plan.file, examples, size, digest.hexdigest(), fewer)
    return Written(shard, total)


def _buckets(plan: ShardPlan) -> list[str]:
    """Returns the names of the buckets with a shard's hashes: several, or one of its own."""
    if plan.count > BUCKETS:
        return [_shard_name(plan.index)]
    ends = [number * BUCKETS // plan.count for number in (plan.index, plan.index + 1)]
    return [_bucket_name(bucket) for bucket in range(*ends)]


def _files(folder: pathlib.Path, bucket: str) -> list[pathlib.Path]:
    return sorted(folder.glob(f"{bucket}-*"))


def _sorted_records(plan: ShardPlan, bucket: str) -> Iterator[tuple[memoryview, int]]:
    """Yields the records of a bucket, sorted by hash, each with the number of its examples."""
    maps = []
    entries: list[tuple[bytes, int, int, int, int]] = []
    try:
        for path in _files(plan.buckets, bucket):
            if not path.stat().st_size:
                continue
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            maps.append(mapped)
            place = 0
            while place < len(mapped):
                digest, length, examples = _HEAD.unpack_from(mapped, place)
                place += _HEAD.size
                entries.append((digest, len(maps) - 1, place, length, examples))
                place += length
        entries.sort()
        previous = None
        for digest, number, place, length, examples in entries:
            record = maps[number][place : place + length]
            if digest == previous:
                key = _key(record)
                raise errors.DataError(
                    f"Two examples of the split {plan.split!r} have the key {key!r}",
                    expected="generate_examples to give each example of a split its own key, and "
                    "to read only the part that is asked for where the problem declares parts",
                )
            previous = digest
            if examples:
                yield memoryview(record), examples
    finally:
        for mapped in maps:
            mapped.close()


def _shard_of(digest: bytes, count: int) -> int:
    return int.from_bytes(digest[:8], "big") * count >> 64


def _key(record: bytes) -> str:
    start = records.OVERHEAD_BYTES - _CHECK_BYTES
    first = next(records.decode_group(record[start:-_CHECK_BYTES]))
    return first["key"][0].decode("utf-8")
