"""Texts: a text of a corpus, and the lines of it.

A text may be a plain file, a compressed one (`.gz`, `.bz2`, `.xz`), or a member of a tar or zip.
"""

from __future__ import annotations

import codecs
import collections
import dataclasses
import functools
import io
import itertools
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, cast

from t2t_mm import errors
from t2t_mm.corpus import packed, streams
from t2t_mm.files import limits

LONGEST_LINE_BYTES = 1 << 24
LINE_VARIABLE = "T2T_MM_MAX_LINE_BYTES"
"""Environment variable for the largest line in bytes, instead of that number: a compressed
file of some kB may hold a line that fills the memory."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ZEROS_OF_UTF16 = (0.2, 0.6)
"""A line with a fraction of zero bytes between these is taken for UTF-16 without a mark: in
ASCII text every other byte is zero."""

_LINES_KEPT = 100
_ESCAPED = re.compile("[\udc80-\udcff]")
"""The surrogates to which bytes that are not UTF-8 are decoded."""


@dataclasses.dataclass(frozen=True)
class Text:
    """A text: a file, or a member of an archive.

    Args:
      path: of the file or archive.
      member: name in the archive, or empty.
    """

    path: pathlib.Path
    member: str = ""

    def open(self) -> BinaryIO:
        """Opens it as a decompressed byte stream."""
        if self.member:
            stream = packed.open_member(self.path, self.member)
        else:
            stream = self.path.open("rb")
        return streams.unpack(stream, self._packing)

    @property
    def is_plain(self) -> bool:
        """Whether it is a file of its own that is not compressed, to be read from any byte on."""
        return not self.member and self._packing is None

    @property
    def packed_bytes(self) -> int:
        """Its size in bytes as it is stored."""
        if self.member:
            return packed.sizes(self.path)[self.member]
        return self.path.stat().st_size

    def failure(self, error: Exception, *, line: int, layout: str) -> errors.DataError:
        """Returns the error for a text whose reading failed with one of `streams.FAILURES`."""
        kind = "archive" if self.member else f"{self._packing or 'text'} file"
        where = f"{self.member + ', ' if self.member else ''}after line {line:,}"
        return streams.failure(self.path, error, wanted=kind, where=where, layout=layout)

    @property
    def _packing(self) -> str | None:
        suffix = pathlib.PurePosixPath(self.member or self.path.name).suffix
        return streams.ENDINGS.get(suffix.lower())

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)


def open_text(text: Text) -> BinaryIO:
    """Opens a text that is not read by lines, such as JSON, behind its byte order mark.

    Raises:
      DataError: for UTF-16, and for what is no text.
    """
    stream = io.BufferedReader(cast("io.RawIOBase", text.open()), streams.BUFFER_BYTES)
    head = stream.peek(streams.HEAD_BYTES)[: streams.HEAD_BYTES]
    _check_first(head.partition(b"\n")[0] + b"\n", text)
    if head.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    return stream


def read(
    text: Text,
    damage: Damage,
    *,
    layout: str,
    longest: int | None = None,
    offset: int = 0,
    first: int = 0,
    count: int | None = None,
) -> Iterator[str]:
    r"""Yields the lines of a UTF-8 text, without their ends.

    A byte order mark at the start of a line (the first one, or where files were
    concatenated) and `\r` of `\r\n` are dropped; only `\n` ends a line. Bytes that are not
    UTF-8 become lone surrogates, which no modality accepts: the line stays aligned with
    parallel texts, and makes a bad example.

    Args:
      text: to read.
      damage: collects the lines that are not UTF-8.
      layout: of the corpus, for errors.
      longest: bytes of a line; `LONGEST_LINE_BYTES` by default.
      offset: of the first line to read, in bytes; only of a plain text.
      first: number of that line, from 0.
      count: of lines to read; all by default.

    Raises:
      DataError: for UTF-16, for line ends of `\r` alone, and for a file that is unreadable
        or truncated, or has fewer lines than `count`.
    """
    number = first
    most = longest or limits.most(LINE_VARIABLE, LONGEST_LINE_BYTES, "bytes")
    try:
        with text.open() as stream:
            if offset:
                stream.seek(offset)
            found = iter(functools.partial(stream.readline, most), b"")
            for line in itertools.islice(found, count):
                number += 1
                if number == 1:
                    _check_first(line, text)
                if len(line) == most:
                    raise errors.DataError(
                        f"{text} is not a text of lines",
                        received=f"{most:,} bytes and more in line {number:,}",
                        hint=None
                        if longest
                        else f"If it is one, set {LINE_VARIABLE} in the environment",
                    )
                line = line.removeprefix(codecs.BOM_UTF8).removesuffix(b"\n").removesuffix(b"\r")
                try:
                    decoded = line.decode("utf-8")
                except UnicodeDecodeError:
                    decoded = line.decode("utf-8", "surrogateescape")
                    damage.note(decoded, f"{text}, line {number:,}")
                yield decoded
        if count is not None and number < first + count:
            raise errors.DataError(
                f"{text} has become shorter while it was read",
                received=f"an end after line {number:,}",
                expected=f"{first + count:,} lines at least",
            )
    except streams.FAILURES as error:
        raise text.failure(error, line=number, layout=layout) from error


class Damage:
    """The last lines that were not UTF-8, with their places."""

    def __init__(self) -> None:
        self._lines: collections.deque[tuple[str, str]] = collections.deque(maxlen=_LINES_KEPT)

    def note(self, line: str, place: str) -> None:
        """Keeps a line, as it was yielded, and the place to be named in errors."""
        self._lines.append((line, place))

    def explain(self, values: Mapping[str, Any]) -> errors.BadExampleError | None:
        """Returns the error for an example made of such a line.

        Args:
          values: of the example, by feature.

        Returns:
          the error, with file and line; None if no value comes from such a line.
        """
        for name, value in values.items():
            for text in value if isinstance(value, list | tuple) else [value]:
                if not isinstance(text, str) or not _ESCAPED.search(text):
                    continue
                for line, place in reversed(self._lines):
                    wrong = _ESCAPED.search(line)
                    if wrong and text.strip() in line:
                        return errors.BadExampleError(
                            f"{name}: A line is not UTF-8: {place}",
                            received=f"byte {ord(wrong[0]) - 0xDC00:#04x} at position "
                            f"{wrong.start() + 1:,} of the line",
                            hint="Where all of the file is in another encoding, convert it, for "
                            "example with iconv -f latin1 -t utf-8",
                        )
        return None


def _check_first(line: bytes, text: Text) -> None:
    known = streams.binary(line)
    if known is not None:
        how = streams.packing(line)
        ending = next((end for end, name in streams.ENDINGS.items() if name == how), "")
        raise errors.DataError(
            f"{text} is no text",
            received=known,
            expected="lines of text in UTF-8",
            hint=f"Name it as what it is: NAME{ending}"
            if how
            else "Save or convert it as text, a spreadsheet as CSV in UTF-8",
        )
    if line.startswith(_UTF16):
        raise errors.DataError(
            f"{text}, line 1, is not UTF-8",
            received="the byte order mark of UTF-16",
            hint="Convert the file, for example with iconv -f utf-16 -t utf-8",
        )
    zeros = line.count(0)
    if zeros > 2 and _ZEROS_OF_UTF16[0] <= zeros / len(line) <= _ZEROS_OF_UTF16[1]:
        raise errors.DataError(
            f"{text}, line 1, is not UTF-8",
            received=f"{zeros:,} zero bytes of {len(line):,}, as in UTF-16",
            hint="Convert the file, for example with iconv -f "
            f"utf-16{'le' if line[0] else 'be'} -t utf-8",
        )
    returns = line.count(b"\r")
    if not line.endswith(b"\n") and b"\r" in line[:-1]:
        raise errors.DataError(
            f"{text} has no line ends but those of old Macintosh computers",
            received=rf"{returns:,} \r and no \n",
            expected=r"lines that end in \n or \r\n",
            hint=r"Convert the file, for example with tr '\r' '\n'",
        )
