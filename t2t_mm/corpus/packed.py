"""Archives of any kind, tar or zip, as far as texts are read from them."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import BinaryIO

from t2t_mm.corpus import archives, zips

ENDINGS = (*archives.ENDINGS, zips.ENDING)
"""File name endings of archives."""


def is_zip(path: pathlib.Path) -> bool:
    """Says whether a file is a zip, by its name."""
    return path.name.lower().endswith(zips.ENDING)


def sizes(path: pathlib.Path) -> Mapping[str, int]:
    """Returns the size of each file of an archive, in bytes, by its name.

    Raises:
      DataError: as `archives.listing` and `zips.folders`.
    """
    if is_zip(path):
        return {
            f"{folder}/{name}" if folder else name: entry.size
            for folder, entries in zips.folders(path).items()
            for name, entry in entries.items()
        }
    return {name: size for name, (_, size) in archives.listing(path).items()}


def has(path: pathlib.Path, name: str) -> bool:
    """Says whether an archive has a file of this name; raises as `sizes`."""
    if is_zip(path):
        folder, _, last = name.rpartition("/")
        return last in zips.folders(path).get(folder, {})
    return name in archives.listing(path)


def first_file(path: pathlib.Path) -> tuple[str, int] | None:
    """Returns name and size of an archive's first file, reading no further than needed."""
    if is_zip(path):
        return next(iter(sizes(path).items()), None)
    return archives.first_file(path)


def open_member(path: pathlib.Path, name: str) -> BinaryIO:
    """Opens a file of an archive; raises as its kind's own function."""
    return zips.open_member(path, name) if is_zip(path) else archives.open_member(path, name)
