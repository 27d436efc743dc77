"""Streams: files opened for reading, decompressed if needed.

The compression of an archive is recognised by its first bytes, not by its name: browsers
decompress downloads, or save an error page under the file's name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pathlib
import re
import zlib
from typing import Any, BinaryIO

from t2t_mm import errors

FAILURES = (EOFError, OSError, lzma.LZMAError, zlib.error)
"""Errors of reading a file that is unreadable, truncated or damaged."""

ENDINGS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}
"""The compression of a text, by the ending of its name."""

UNPACKERS = {"gzip": "gunzip", "bzip2": "bunzip2", "xz": "unxz"}
"""The commands that decompress such a file."""

HEAD_BYTES = 512
BUFFER_BYTES = 1 << 16

_MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00"}
_OTHERS = {
    "a zip archive": b"PK\x03\x04",
    "a 7z archive": b"7z\xbc\xaf",
    "a PDF file": b"%PDF",
    "a spreadsheet of old Excel (.xls)": b"\xd0\xcf\x11\xe0",
    "a zstd file": b"\x28\xb5\x2f\xfd",
    "a Parquet file": b"PAR1\x15",
    "an Arrow file": b"ARROW1\0",
    "an SQLite database": b"SQLite format 3\0",
}
_BZIP2 = re.compile(rb"BZh[1-9]1AY&SY")
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")
_TAR_MAGIC_PLACE = 257


def head(path: pathlib.Path) -> bytes:
    """Returns the first bytes of a file, as many as a tar's header has."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def packing(start: bytes) -> str | None:
    """Returns the compression by a file's first bytes: `gzip`, `bzip2`, `xz`, or None."""
    return next((name for name, magic in _MAGIC.items() if start.startswith(magic)), None)


def describe(start: bytes) -> str:
    """Describes, for errors, what kind a file with these first bytes seems to be."""
    known = packing(start)
    if known:
        return f"a {known} file"
    for name, magic in _OTHERS.items():
        if start.startswith(magic):
            return name
    if start[_TAR_MAGIC_PLACE:].startswith(b"ustar"):
        return "a tar archive"
    if start.lstrip().lower().startswith(_PAGES):
        return "a web page, as a failed download leaves one"
    return f"a file that begins with {start[:12]!r}" if start else "an empty file"


def binary(start: bytes) -> str | None:
    """Describes a file by its first bytes if these show that it is no text; else None."""
    if start.startswith(_OTHERS["a zip archive"]):
        return "a zip archive, as spreadsheets (.xlsx, .ods) are"
    known = next((name for name, magic in _OTHERS.items() if start.startswith(magic)), None)
    packed = packing(start)
    if known == "a PDF file" or (packed == "bzip2" and not _BZIP2.match(start)):
        return None  # a text may begin with these letters
    return known or (f"a {packed} file" if packed else None)


def unpack(stream: BinaryIO, how: str | None) -> BinaryIO:
    """Returns a decompressing stream; closing it closes `stream` too.

    Args:
      stream: opened for bytes.
      how: the compression, as from `packing`; None returns `stream` itself.
    """
    if how is None:
        return stream
    unpackers: dict[str, Any] = {"gzip": _GzipFile, "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile}
    # Buffered, so that lines are found in C and not by a Python call for each.
    return _Buffered(unpackers[how](stream), stream)


class _GzipFile(gzip.GzipFile):
    """A gzip file around a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(fileobj=stream, mode="rb")


class _Buffered(io.BufferedReader):
    """A buffer in front of a decompressor, which closes the underlying file too."""

    def __init__(self, unpacker: Any, stream: BinaryIO) -> None:
        super().__init__(unpacker, BUFFER_BYTES)
        self._beneath = stream

    def close(self) -> None:
        super().close()
        self._beneath.close()


class Slice(io.RawIOBase):
    """The next `size` bytes of a stream, as a stream.

    Args:
      stream: at the position of the first byte; closed together with this.
      size: in bytes; if the stream has fewer, reading raises EOFError.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._left)
        data = self._stream.read(wanted) if wanted else b""
        if len(data) < wanted:
            raise EOFError(f"{self._left - len(data):,} bytes are missing at the end")
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        super().close()
        self._stream.close()


class Window(io.RawIOBase):
    """A range of a file as a stream; the file is opened for each read only.

    Args:
      path: of the file.
      start: of the range, in bytes.
      size: of the range.
    """

    def __init__(self, path: pathlib.Path, start: int, size: int) -> None:
        self._path, self._start, self._size = path, start, size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._place)
        if wanted <= 0:
            return 0
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._start + self._place)
            count = file.readinto(memoryview(buffer)[:wanted]) or 0
        self._place += count
        return count


def failure(
    path: pathlib.Path, error: Exception, *, wanted: str, where: str = "", layout: str = ""
) -> errors.DataError:
    """Returns the error for a file that could not be read to its end.

    Args:
      path: of the file.
      error: one of `FAILURES`.
      wanted: what it should be ("gzip file").
      where: the position where reading failed ("after line 7").
      layout: of the corpus.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return errors.DataError(
            f"{path} cannot be read", received=error.strerror, expected=layout or None
        )
    seen = describe(head(path))
    return errors.DataError(
        f"{path} is not a whole {wanted}" + (f" ({where})" if where else ""),
        received=f"{seen} ({error})" if str(error) else seen,
        expected=f"a {wanted}",
        hint="Get the file again",
    )
