"""Names of texts: which texts a corpus has, and where one of them lies.

A text has the path below the corpus that it would have if all were unpacked in place: archives
(tar, zip) and compressed files (`.gz`, `.bz2`, `.xz`) are searched for it.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Sequence

from t2t_mm import errors
from t2t_mm.corpus import links, packed, streams, texts

_OF_THE_DISK = "lost+found"  # at the top of a disk, closed to all but its administrator


def find(boundary: links.Boundary, name: str) -> texts.Text | None:
    """Returns the text `name` (a path below the corpus), or None.

    Searched in this order: the file, a compressed file, either in another case, a member of
    an archive in its own folder, or in a folder above that.

    Raises:
      DataError: for an unreadable archive, if the search gets that far, and for a link that
        leads out of the corpus.
    """
    root = boundary.root
    endings = [*streams.ENDINGS, *map(str.upper, streams.ENDINGS)]
    names = [name, *(name + ending for ending in endings)]
    for possible in names:
        if (root / possible).exists():
            boundary.check(root / possible)
            return texts.Text(root / possible)
    if (other := _in_other_case(root, names)) is not None:
        boundary.check(other)
        return texts.Text(other)
    for folder in pathlib.PurePosixPath(name).parents:
        for archive in _archives(root / folder):
            boundary.check(archive)
            for possible in names:
                member = str(pathlib.PurePosixPath(possible).relative_to(folder))
                if packed.has(archive, member):
                    return texts.Text(archive, member)
    return None


def files(boundary: links.Boundary) -> list[str]:
    """Returns the paths of all files of a corpus, sorted; hidden ones are left out.

    Raises:
      DataError: for a folder outside of the corpus by a link, or unreadable.
    """
    root = boundary.root
    paths, seen = [], set()
    for folder, inner, names in os.walk(root, onerror=_refuse, followlinks=True):
        seen.add(os.path.realpath(folder))
        inner[:] = [
            n
            for n in inner
            if n[0] != "."
            and n != _OF_THE_DISK
            and os.path.realpath(pathlib.Path(folder, n)) not in seen
        ]
        for name in inner:
            boundary.check(pathlib.Path(folder, name))
        below = pathlib.Path(folder).relative_to(root)
        paths += [(below / n).as_posix() for n in names if n[0] != "."]
    return sorted(paths)


def _refuse(error: OSError) -> None:
    """Raises for a folder that cannot be listed; its files would silently be missing."""
    raise errors.DataError(
        f"A folder of the corpus cannot be read: {error.filename}", received=error.strerror
    ) from error


def packed_in(boundary: links.Boundary, paths: list[str]) -> list[str]:
    """Returns the paths that files in archives would have if unpacked, sorted.

    An archive whose first file lies unpacked beside it is skipped: most people keep their
    downloads.

    Args:
      boundary: of the corpus.
      paths: of its files, archives among them.

    Raises:
      DataError: for an archive outside of the corpus by a link.
    """
    root = boundary.root
    inside: set[str] = set()
    for path in paths:
        if not path.lower().endswith(packed.ENDINGS):
            continue
        folder = pathlib.PurePosixPath(path).parent
        boundary.check(root / path)
        first = packed.first_file(root / path)
        if first is None:
            continue
        beside = root / folder / first[0]
        if beside.is_file() and beside.stat().st_size == first[1]:
            continue
        members = (n for n in packed.sizes(root / path) if not re.search(r"(^|/)\.", n))
        inside.update((folder / member).as_posix() for member in members)
    return sorted(inside)


def unpacked_name(name: str) -> str:
    """Returns the name of a text without the ending of its compression."""
    ending = next(filter(name.lower().endswith, streams.ENDINGS), "")
    return name[: len(name) - len(ending)]


def _archives(folder: pathlib.Path) -> list[pathlib.Path]:
    if not folder.is_dir():
        return []
    return sorted(
        p for p in folder.iterdir() if p.name.lower().endswith(packed.ENDINGS) and p.name[0] != "."
    )


def _in_other_case(root: pathlib.Path, names: Sequence[str]) -> pathlib.Path | None:
    """Returns the file with one of some names, ignoring case, as on discs and cameras."""
    folder = (root / names[0]).parent
    if not folder.is_dir():
        return None
    lowered = {pathlib.PurePosixPath(name).name.lower(): None for name in names}
    by_lowered = {path.name.lower(): path for path in sorted(folder.iterdir(), reverse=True)}
    return next((by_lowered[name] for name in lowered if name in by_lowered), None)
