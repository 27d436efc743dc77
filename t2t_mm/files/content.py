"""What a file holds, as told by its size and its sha256; sizes in words."""

from __future__ import annotations

import hashlib
import pathlib


def sha256(path: pathlib.Path) -> str:
    """Returns the sha256 of a file's bytes, in hex."""
    return digest(path, "sha256")


def digest(path: pathlib.Path, name: str) -> str:
    """Returns a hash of a file's bytes, in hex; `name` is one of hashlib's, such as "md5"."""
    empty = hashlib.new(name, usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, empty.copy).hexdigest()


def damage(path: pathlib.Path, size: int, digest: str | None = None, *, name: str = "") -> str:
    """Returns what is wrong with a file that was written earlier; empty when it is whole.

    Args:
      path: of the file.
      size: the bytes that it had.
      digest: its sha256; None leaves its content unread.
      name: what to call it; the path if empty.
    """
    name = name or str(path)
    if not path.is_file():
        return f"{name} is missing"
    there = path.stat().st_size
    if there != size:
        return f"{name} has {there:,} bytes instead of {size:,}"
    if digest is not None and sha256(path) != digest:
        return f"{name} has changed since it was written (its sha256 differs)"
    return ""


def mebibytes(count: float) -> str:
    """Returns a number of bytes in words: "1,024 MiB"."""
    return f"{count / 2**20:,.0f} MiB"
