"""Files of media, given by a path, as bytes, or as a part of an archive."""

from __future__ import annotations

import errno
from typing import Any

from t2t_mm import errors

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


_OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def read(value: Any, what: str) -> tuple[str, bytes] | None:
    """Returns a name for errors and the bytes of a file; None for what is no file.

    Args:
      value: a path or anything else that has `read_bytes()`, or the bytes themselves.
      what: it should hold, for errors ("A picture").

    Raises:
      BadExampleError: for a file that cannot be read.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return "bytes", bytes(value)
    if not hasattr(value, "read_bytes"):
        return None
    try:
        return str(value), value.read_bytes()
    except OSError as error:
        if error.errno in _OF_THE_MACHINE:  # no fault of this file, nor the last of its kind
            raise errors.DataError(
                f"{what} cannot be read: {value}",
                received=error.strerror,
                hint="Give the process more (ulimit -n for files), or use fewer --workers",
            ) from error
        raise errors.BadExampleError(
            f"{what} cannot be read: {value}", received=error.strerror or error
        ) from error
    except ValueError as error:  # a name that no file can have, such as one with a NUL
        raise errors.BadExampleError(f"{what} cannot be read: {value}", received=error) from error


def foreign(data: bytes) -> str | None:
    """Returns the name of a format of phones, cameras or the web that is not read, or None.

    Args:
      data: a file that was found to be no picture, or no sound, that is known.
    """
    if data[4:8] == b"ftyp":  # ISO/IEC 14496-12; the brands say what is inside
        brands = data[8:64]
        for mark, name in _BRANDS.items():
            if mark in brands:
                return name
        return "MPEG-4 (.m4a, .mp4)"
    return next((name for head, name in _HEADS.items() if data.startswith(head)), None)
