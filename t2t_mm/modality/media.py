"""Reading image and sound files: from a path, from bytes, or from an archive."""

from __future__ import annotations

import errno
import pathlib
import stat
from typing import Any

from t2t_mm import errors
from t2t_mm.files import limits

_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"hei": "HEIC", b"hev": "HEIC", b"mif1": "HEIF"}
_HEADS = {
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "Windows Media (.wma)",
    b"\x1a\x45\xdf\xa3": "Matroska or WebM",
    b"\xff\xf1": "AAC",
    b"\xff\xf9": "AAC",
    b"#!AMR": "AMR",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"8BPS": "Photoshop",
    b"%PDF": "PDF",
    b"<svg": "SVG",
}


_OF_THE_FILE = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.EILSEQ,
    errno.EINVAL,
    errno.ENXIO,
)
"""Errors that concern one file, and make a bad example. All others (too many open files, a
failing disk, a server that does not answer) would concern the next file too."""

_OF_MEANS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def read(value: Any, what: str) -> tuple[str, bytes] | None:
    """Returns a name for errors and the bytes of a file; None if `value` is no file.

    Args:
      value: a path or anything else that has `read_bytes()`, or the bytes themselves.
      what: it should hold, for errors ("A picture").

    Raises:
      BadExampleError: for a file that cannot be read.
      MachineError: where the machine, not the file, is the reason.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return "bytes", bytes(value)
    if not hasattr(value, "read_bytes"):
        return None
    return str(value), content(value, what)


def content(
    value: Any, what: str, *, most: int | None = None, variable: str = limits.FILE_VARIABLE
) -> bytes:
    """Returns the bytes of a file, after checking its kind and size.

    Args:
      value: a path or anything else that has `read_bytes()`.
      what: it should hold, for errors.
      most: bytes that it may have; `limits.largest_file()` by default.
      variable: of the environment that raises `most`.

    Raises:
      BadExampleError: for a file that cannot be read, or is too large.
      MachineError: where the machine, not the file, is the reason.
    """
    try:
        _check_size(value, what, most or limits.largest_file(), variable)
        data: bytes = value.read_bytes()
    except OSError as error:
        raise unreadable(f"{what} cannot be read: {value}", error) from error
    except ValueError as error:  # a name that no file can have, such as one with a NUL
        raise errors.BadExampleError(f"{what} cannot be read: {value}", received=error) from error
    return data


def unreadable(what: str, error: OSError) -> errors.DataError:
    """Returns the error for a file that cannot be read: a bad example, or the machine's fault."""
    if error.errno is None or error.errno in _OF_THE_FILE:
        return errors.BadExampleError(what, received=error.strerror or error)
    return errors.MachineError(
        what,
        received=error.strerror,
        hint="Give the process more (ulimit -n for files), or use fewer --workers"
        if error.errno in _OF_MEANS
        else "That is a matter of the disk or the machine, not of this file",
    )


def _check_size(value: Any, what: str, most: int, variable: str) -> None:
    """Raises for files too large for memory, and for pipes and devices, which may not end."""
    size = getattr(value, "size", 0)  # of a part of an archive
    if isinstance(value, pathlib.Path):
        status = value.stat()
        size = status.st_size
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise errors.BadExampleError(
                f"{what} cannot be read: {value}",
                received="a pipe, socket or device",
                expected="a plain file",
            )
    if size > most:
        raise errors.BadExampleError(
            f"{what} is too large to be read: {value}",
            received=f"{size:,} bytes",
            expected=f"{most:,} bytes at most",
            hint=f"If it is what it should be, set {variable} in the environment",
        )


def foreign(data: bytes) -> str | None:
    """Returns the name of a known format that is not supported (of phones, cameras), or None.

    Args:
      data: a file that no decoder accepted.
    """
    if data[4:8] == b"ftyp":  # ISO/IEC 14496-12; the brands say what is inside
        brands = data[8:64]
        for mark, name in _BRANDS.items():
            if mark in brands:
                return name
        return "MPEG-4 (.m4a, .mp4)"
    return next((name for head, name in _HEADS.items() if data.startswith(head)), None)
