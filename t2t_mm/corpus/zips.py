"""Zip archives, read in place without unpacking them to disk.

The names come from the archive's directory, at its end, so a photo of a hundred thousand is found
and read without the others. Files are read one at a time, and none is kept open.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

from t2t_mm.corpus import archives, streams
from t2t_mm.files import limits

ENDING = ".zip"

_FAILURES = (*streams.FAILURES, zipfile.BadZipFile, NotImplementedError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEAD = struct.Struct("<4s22xHH")  # of a file: its mark, and the lengths of name and extra field
_HEAD_MARK = b"PK\x03\x04"
_KIND = "zip archive"


class Entry(NamedTuple):
    """What an archive's directory says of a file: where its head is, and its sizes in bytes."""

    offset: int
    packed_size: int
    size: int
    method: int
    crc: int


@dataclasses.dataclass(frozen=True, slots=True)
class ZipMember(archives.Member):
    """A file in a zip, with the interface of a `pathlib.Path`.

    Attributes:
      packed_size: bytes that it takes in the archive.
      method: of compression, as `zipfile` numbers them.
      crc: the checksum of its content.
    """

    packed_size: int
    method: int
    crc: int

    def read_bytes(self) -> bytes:
        """Returns the whole content.

        Raises:
          DataError: when the archive is damaged, or the content has more than
            `limits.largest_file()` bytes.
        """
        if self.size > limits.largest_file():
            archives.fail(
                self.archive,
                "holds a file that is too large to be read at once",
                f"{self.member!r}, {self.size:,} bytes",
                f"If it is what it should be, set {limits.FILE_VARIABLE} in the environment",
                kind=_KIND,
            )
        with self.archive.open("rb") as file:
            file.seek(self.offset)
            head = file.read(_HEAD.size)
            mark, *lengths = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", 0)
            file.seek(sum(lengths), io.SEEK_CUR)
            data = file.read(self.packed_size)
        content = b""
        if mark == _HEAD_MARK and len(data) == self.packed_size:
            try:
                content = self._unpacked(data)
            except zlib.error:
                mark = b""
        if mark != _HEAD_MARK or len(content) != self.size or zlib.crc32(content) != self.crc:
            archives.fail(self.archive, "is damaged", f"in {self.member!r}", kind=_KIND)
        return content

    def _unpacked(self, data: bytes) -> bytes:
        if self.method == zipfile.ZIP_STORED:
            return data
        # No more than the directory says, and a byte to see that it is not more.
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, self.size + 1)


def folders(path: pathlib.Path) -> Mapping[str, Mapping[str, Entry]]:
    """Returns the files of a zip by folder (empty at its top) and name; read once in a process.

    Raises:
      DataError: it is no whole zip, is encrypted or packed in a way that is not read, or has a
        name that leads out of the folder.
    """
    status = path.stat()
    return _folders(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _folders(path: pathlib.Path, size: int, changed_ns: int) -> dict[str, dict[str, Entry]]:
    del size, changed_ns  # part of the cache key, so that a changed file is read again
    found: dict[str, dict[str, Entry]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if info.flag_bits & 1 or info.compress_type not in _METHODS:
                    archives.fail(
                        path,
                        "holds a file that cannot be read in place",
                        f"{info.filename!r}, encrypted or packed by an unusual method",
                        "Unpack it once, by unzip",
                        kind=_KIND,
                    )
                folder, _, name = archives.safe_name(info.filename, str(path)).rpartition("/")
                entry = Entry(
                    info.header_offset,
                    info.compress_size,
                    info.file_size,
                    info.compress_type,
                    info.CRC,
                )
                found.setdefault(folder, {})[name] = entry
    except _FAILURES as error:
        seen = streams.describe(streams.head(path)) if path.is_file() else "nothing"
        archives.fail(path, "is not a whole zip archive", f"{seen} ({error})", kind=_KIND)
    return found


def member(path: pathlib.Path, name: str) -> ZipMember:
    """Returns a file of a zip.

    Raises:
      DataError: as `folders`.
      KeyError: there is no such file.
    """
    folder, _, last = name.rpartition("/")
    entry = folders(path)[folder][last]
    return ZipMember(
        path,
        name,
        entry.offset,
        entry.size,
        packed_size=entry.packed_size,
        method=entry.method,
        crc=entry.crc,
    )


def open_member(path: pathlib.Path, name: str) -> BinaryIO:
    """Opens a file of a zip as a stream.

    Reading it raises one of `streams.FAILURES` if the archive is damaged.

    Raises:
      DataError: as `folders`.
      KeyError: there is no such file.
    """
    if name.rpartition("/")[2] not in folders(path).get(name.rpartition("/")[0], {}):
        raise KeyError(name)
    return io.BufferedReader(_Stream(path, name), streams.BUFFER_BYTES)


class _Stream(io.RawIOBase):
    """A file of a zip, decompressed as it is read; damage is an OSError, as of other streams."""

    def __init__(self, path: pathlib.Path, name: str) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise OSError(str(error)) from error
        try:
            infos = {each.filename: each for each in self._archive.infolist()}
            info = infos.get(name) or next(
                each
                for each in infos.values()
                if archives.safe_name(each.filename, str(path)) == name
            )
            self._file = self._archive.open(info)
        except BaseException as error:
            self._archive.close()
            if isinstance(error, (zipfile.BadZipFile, NotImplementedError)):
                raise OSError(str(error)) from error
            raise

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._file.read(len(buffer))
        except zipfile.BadZipFile as error:
            raise OSError(str(error)) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        super().close()
        self._file.close()
        self._archive.close()
