"""Folders: the files of a corpus's folders, read out of a zip where they are not unpacked."""

from __future__ import annotations

import pathlib
from collections.abc import Collection

from t2t_mm.corpus import links, packed, zips

File = pathlib.Path | zips.ZipMember


class Folders:
    """The folders below the root of a corpus.

    A zip is treated as if unpacked in its place; a folder that is there in fact comes first.

    Args:
      boundary: of the corpus.
    """

    def __init__(self, boundary: links.Boundary) -> None:
        self._boundary = boundary
        self._archives: dict[str, pathlib.Path | None] = {}

    def archive(self, folder: str) -> pathlib.Path | None:
        """Returns the zip out of which a folder is read; None if it is there, or nowhere.

        Raises:
          DataError: for a damaged zip, if the search gets that far, and for a link that leads
            out of the corpus.
        """
        if folder not in self._archives:
            self._archives[folder] = self._find(folder)
        return self._archives[folder]

    def names(self, folder: str) -> Collection[str]:
        """Returns the names of the files of a folder, in no order; none where there is none.

        Raises:
          DataError: as `archive`.
        """
        archive = self.archive(folder)
        if archive is not None:
            return zips.folders(archive)[self._inner(archive, folder)].keys()
        place = self._boundary.root / folder
        return frozenset(path.name for path in place.iterdir()) if place.is_dir() else frozenset()

    def file(self, folder: str, name: str) -> File:
        """Returns a file by its folder and name; without an archive it need not be there.

        Raises:
          DataError: as `archive`.
          KeyError: the folder's archive has no such file.
        """
        archive = self.archive(folder)
        if archive is None:
            return self._boundary.root / folder / name
        inner = self._inner(archive, folder)
        return zips.member(archive, f"{inner}/{name}" if inner else name)

    def _find(self, folder: str) -> pathlib.Path | None:
        root = self._boundary.root
        if (root / folder).is_dir():
            return None
        for above in pathlib.PurePosixPath(folder).parents:
            place = root / above
            for path in sorted(place.iterdir()) if place.is_dir() else ():
                if not packed.is_zip(path) or path.name[0] == ".":
                    continue
                self._boundary.check(path)
                if self._inner(path, folder) in zips.folders(path):
                    return path
        return None

    def _inner(self, archive: pathlib.Path, folder: str) -> str:
        """Returns the path of a folder of the corpus within an archive."""
        above = archive.parent.relative_to(self._boundary.root)
        inner = pathlib.PurePosixPath(folder).relative_to(above.as_posix())
        return "" if inner == pathlib.PurePosixPath() else str(inner)
