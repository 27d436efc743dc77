"""Tar archives, read in place without unpacking them to disk.

`members` walks a plain tar from header to header and yields a `Member` for each file, whose
content is read only when needed. A compressed tar can only be read from its beginning;
`listing` and `open_member` do that for texts. Directories, links and devices are skipped,
and nothing is ever written.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import pathlib
import re
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NoReturn

from t2t_mm import errors
from t2t_mm.corpus import streams
from t2t_mm.files import limits

ENDINGS = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
"""File name endings of archives."""

_FAILURES = (*streams.FAILURES, tarfile.TarError)
_SEPARATORS = re.compile(r"[\\/]")
_BLOCK_BYTES = tarfile.BLOCKSIZE
_LONGEST_HEAD_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A file in a plain tar, with the interface of a `pathlib.Path`.

    Attributes:
      archive: the tar file.
      member: full name of the file in the archive.
      offset: of its first byte in `archive`.
      size: in bytes.
    """

    archive: pathlib.Path
    member: str
    offset: int
    size: int

    @property
    def name(self) -> str:
        """The last part of `member`, as of a path."""
        return self.member.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its last ending."""
        return pathlib.PurePosixPath(self.member).stem

    @property
    def suffix(self) -> str:
        """The last ending of the name, with its dot."""
        return pathlib.PurePosixPath(self.member).suffix

    @property
    def parent(self) -> pathlib.PurePosixPath:
        """The folder in the archive."""
        return pathlib.PurePosixPath(self.member).parent

    def read_bytes(self) -> bytes:
        """Returns the whole content.

        Raises:
          DataError: when the archive has become shorter.
        """
        with self.archive.open("rb") as file:
            file.seek(self.offset)
            data = file.read(self.size)
        if len(data) < self.size:
            fail(self.archive, "is cut short", f"{self.member!r} ends beyond its last byte")
        return data

    def members(self) -> Iterator[Member]:
        """Yields the files of this file, itself a tar (a nested archive).

        Raises:
          DataError: as `members` does.
        """
        window = _window(self.archive, self.offset, self.size)
        for name, offset, size in _walk(window, str(self), end=self.size, nested=True):
            yield Member(self.archive, name, self.offset + offset, size)

    def __str__(self) -> str:
        return f"{self.archive}/{self.member}"


def members(path: pathlib.Path) -> Iterator[Member]:
    """Yields the files of a plain tar, in order, while reading its headers.

    It keeps no list of them, and no file open between two of them, so a generator may
    interleave a thousand tars.

    Raises:
      DataError: when it is compressed, damaged, truncated or no tar, or has a member whose
        name leads out of the folder.
    """
    size = _sized(path)
    for name, offset, length in _walk(_window(path, 0, size), str(path), end=size):
        yield Member(path, name, offset, length)


@dataclasses.dataclass(frozen=True, slots=True)
class Content(Member):
    """A file out of a compressed tar, which is read from its beginning only: with its bytes.

    Attributes:
      data: its content.
    """

    data: bytes

    def read_bytes(self) -> bytes:
        return self.data


def contents(path: pathlib.Path, *, endings: tuple[str, ...]) -> Iterator[Content]:
    """Yields the files of a tar, plain or compressed, in its order, each with its content.

    It is read once from beginning to end; only one file is held at a time.

    Args:
      path: of the archive.
      endings: of the names of the files to take, in lower case.

    Raises:
      DataError: as `listing`; also for a file that is larger than `limits.largest_file()`.
    """
    most = limits.largest_file()
    with _open(path) as stream:
        for name, offset, size in _walk(stream, str(path)):
            if not name.lower().endswith(endings):
                continue
            if size > most:
                fail(path, "holds a file that is too large to be read at once", repr(name))
            try:
                stream.seek(offset)
                data = stream.read(size)
            except _FAILURES as error:
                fail(path, f"is not a whole tar archive (in {name!r})", str(error))
            if len(data) < size:
                fail(path, "is cut short", f"only a part of {name!r}")
            yield Content(path, name, offset, size, data=data)


def listing(path: pathlib.Path) -> Mapping[str, tuple[int, int]]:
    """Returns offset and size of each file of a tar, plain or compressed, by its name.

    Offsets are in the uncompressed tar. A compressed archive is read to its end for this,
    once in a process.

    Raises:
      DataError: as `members`, except for compression.
    """
    status = path.stat()
    return _listing(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _listing(path: pathlib.Path, size: int, changed_ns: int) -> dict[str, tuple[int, int]]:
    del size, changed_ns  # part of the cache key, so that a changed file is read again
    with _open(path) as stream:
        return {name: (offset, length) for name, offset, length in _walk(stream, str(path))}


def first_file(path: pathlib.Path) -> tuple[str, int] | None:
    """Returns name and size of the first file of a tar, reading no further.

    Raises:
      DataError: as `listing`, for the part that is read.
    """
    with _open(path) as stream:
        member = next(_walk(stream, str(path)), None)
    return member and (member[0], member[2])


def open_member(path: pathlib.Path, name: str) -> BinaryIO:
    """Opens a file of a tar, plain or compressed.

    Reading it raises one of `streams.FAILURES` if the archive is damaged.

    Raises:
      DataError: as `listing`.
      KeyError: when there is no such file.
    """
    offset, size = listing(path)[name]
    stream = _open(path)
    try:
        stream.seek(offset)
    except BaseException:
        stream.close()
        raise
    return io.BufferedReader(streams.Slice(stream, size), streams.BUFFER_BYTES)


def _window(path: pathlib.Path, start: int, size: int) -> BinaryIO:
    """Opens a range of a file, with a small buffer: a header and little more at a time."""
    return io.BufferedReader(streams.Window(path, start, size), 2 * _BLOCK_BYTES)


def _open(path: pathlib.Path) -> BinaryIO:
    """Opens a tar, decompressed."""
    _sized(path)
    return streams.unpack(path.open("rb"), streams.packing(streams.head(path)))


def _sized(path: pathlib.Path) -> int:
    """Returns the size of an archive, after checking that it can be one."""
    try:
        size = path.stat().st_size
        start = streams.head(path)
    except OSError as error:
        raise streams.failure(path, error, wanted="tar archive") from error
    if not start:
        fail(path, "is an empty file", "")
    return size


def _walk(
    stream: Any, place: str, *, end: int | None = None, nested: bool = False
) -> Iterator[tuple[str, int, int]]:
    """Yields name, offset and size of each file of a tar.

    Args:
      stream: of the tar, uncompressed.
      place: of the tar, for errors.
      end: the size of `stream` if known.
      nested: whether it lies in another tar, which gives its size.
    """
    last, start = "", b""
    try:
        start = stream.read(streams.HEAD_BYTES)
        _check_plain(start, place)
        stream.seek(0)
        tar: Any = tarfile.TarFile(fileobj=_Heads(stream))
        while (entry := tar.next()) is not None:
            tar.members = []  # or tarfile would keep all members
            name = safe_name(entry.name, place)
            if not entry.isreg():
                continue
            if entry.issparse():
                fail(place, "has a sparse file", repr(name), "Pack it anew without --sparse")
            if end is not None and entry.offset_data + entry.size > end:
                fail(place, "is cut short", f"only a part of {name!r}")
            last = name
            yield name, entry.offset_data, entry.size
        # tarfile takes a damaged header for the end.
        stream.seek(tar.offset)
        block = stream.read(_BLOCK_BYTES)
    except _FAILURES as error:
        seen = streams.describe(start) if start and not (last or _is_tar(start)) else error
        fail(place, f"is not a whole tar archive{_after(last)}", str(seen))
    if block.strip(b"\0") or not (block or nested):
        fail(place, f"is damaged or cut short{_after(last)}", "no mark of its end")


class _Heads(io.RawIOBase):
    """A stream that limits the size of a read to that of a header.

    For long names and other extended headers tarfile reads as much as the header claims: a
    compressed archive of some kB could fill the memory.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEAD_BYTES:
            raise tarfile.ReadError(f"a head of {size:,} bytes")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _check_plain(start: bytes, place: str) -> None:
    how = streams.packing(start)
    if how is not None:
        fail(
            place,
            "is compressed, so its members cannot be read one by one",
            f"a {how} file",
            f"Unpack it once, by {streams.UNPACKERS[how]} -k",
        )


def _after(member: str) -> str:
    return f" after {member!r}" if member else ""


def _is_tar(start: bytes) -> bool:
    return streams.describe(start) == "a tar archive"


def safe_name(name: str, place: str) -> str:
    """Returns a member's name without `./`; raises a DataError if it leads out of the folder."""
    parts = _SEPARATORS.split(name)
    if not name or not parts[0] or ".." in parts:
        fail(
            place,
            "holds a member that would leave the folder in which it is unpacked",
            f"the name {name!r}",
            "Do not unpack it; get it from the corpus's own place",
            expected="names without .. that do not begin at the root",
        )
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def fail(
    place: pathlib.Path | str,
    what: str,
    received: str,
    hint: str = "Get the file again",
    *,
    expected: str = "",
    kind: str = "tar archive",
) -> NoReturn:
    """Raises the error for an archive that is wrong.

    Args:
      place: of the archive.
      what: is wrong with it; goes on after its name.
      received: what was found.
      hint: what to do.
      expected: by default a whole archive of its kind.
      kind: of archive.
    """
    raise errors.DataError(
        f"{place} {what}",
        received=received or None,
        expected=expected or f"a {kind}, whole",
        hint=hint,
    )
