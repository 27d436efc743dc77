"""Headers of sound files: what WAV, AU, NIST SPHERE, Ogg and MP3 claim, by their bytes alone.

libsndfile reads most truncated files without an error, and stops at a length of 0 that a
program wrote which could not know it. So lengths are looked at here, before it opens a file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

UNKNOWN_SIZE = 0x7FFF0000
"""A program that writes to a pipe does not know the size, and writes this or more, or 0."""

_OGG_HEAD = struct.Struct("<4sBBqIIIB")


def claimed_rate(data: bytes) -> int | None:
    """Returns the sample rate in the header of a WAV file; None for other files."""
    for name, place, _ in _wav_chunks(data) if _is_wav(data) else ():
        if name == b"data":
            return None
        if name == b"fmt " and place + 8 <= len(data):
            return int(struct.unpack_from("<I", data, place + 4)[0])
    return None


def sphere_fields(data: bytes) -> dict[str, str]:
    """Returns the fields of a NIST SPHERE header; empty for other files."""
    if not data.startswith(b"NIST_1A"):
        return {}
    lines = data[:65_536].split(b"\nend_head")[0].decode("latin-1").splitlines()
    fields = {"head_bytes": lines[1].strip()} if len(lines) > 1 else {}
    for line in lines[2:]:
        words = line.split(maxsplit=2)
        if len(words) == 3:
            fields[words[0]] = words[2].strip()
    return fields


def mpeg_start(data: bytes) -> int:
    """Returns the offset of an MP3's first frame: after an ID3 tag, if it has one."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for octet in data[6:10]:
        size = size << 7 | octet & 0x7F
    return 10 + size


def with_size(data: bytes) -> bytes:
    """Returns a WAV or AU file with a length of 0 in its header replaced by "unknown"."""
    if _is_wav(data):
        chunks = list(_wav_chunks(data))
        ends = [place + size + size % 2 for _, place, size in chunks]
        for (name, place, size), _ in zip(chunks, ends, strict=True):
            rest = len(data) - place
            if name == b"data" and size == 0 and rest and ends[-1] != len(data):
                return data[: place - 4] + struct.pack("<I", rest) + data[place:]
    elif data[:4] == b".snd" and data[8:12] == bytes(4):
        return data[:8] + b"\xff" * 4 + data[12:]
    return data


def missing_part(data: bytes) -> str | None:
    """Describes how much of a truncated file is there; None if it is complete."""
    if _is_wav(data):
        present, size = _wav_data(data)
    elif data.startswith(b"NIST_1A"):
        present, size = _sphere_data(data)
    elif data.startswith(b"OggS"):
        return None if _ogg_page_ends(data) else "an Ogg stream whose last page is cut"
    else:
        return None
    return f"{present:,} of {size:,} bytes of samples" if present < size else None


def _is_wav(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def _wav_data(data: bytes) -> tuple[int, int]:
    """Returns the bytes of samples that a WAV file has, and that it should have."""
    for name, place, size in _wav_chunks(data):
        if name == b"data":
            present = len(data) - place
            return present, present if size >= UNKNOWN_SIZE else size
    return 0, 0


def _wav_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, offset and size of every chunk of a WAV file."""
    place = 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        yield name, place + 8, size
        place += 8 + size + size % 2


def _sphere_data(data: bytes) -> tuple[int, int]:
    """As `_wav_data`, for a SPHERE file; without a length in the header nothing is missing."""
    head = sphere_fields(data)
    try:
        count = int(head["sample_count"]) * int(head.get("channel_count", "1"))
        size = count * int(head["sample_n_bytes"])
        return len(data) - int(head["head_bytes"]), size
    except (KeyError, ValueError):
        return 0, 0


def _ogg_page_ends(data: bytes) -> bool:
    """Says whether the last page of an Ogg file is complete; it need not be marked as last."""
    place = data.rfind(b"OggS")
    if place + _OGG_HEAD.size > len(data):
        return False
    segments = _OGG_HEAD.unpack_from(data, place)[-1]
    table = data[place + _OGG_HEAD.size :][:segments]
    end = place + _OGG_HEAD.size + segments + sum(table)
    return len(table) == segments and end <= len(data)
