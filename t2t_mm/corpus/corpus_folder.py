"""CorpusFolder: the folder of a corpus, and what is said of a file that it lacks."""

from __future__ import annotations

import os
import pathlib
from typing import NoReturn, Self

from t2t_mm import errors
from t2t_mm.corpus import links

_NAMES_SHOWN = 8


class CorpusFolder:
    """The folder that holds a corpus, in the layout in which it is published.

    Args:
      root: the folder.
      layout: the files expected there, in a line or two; shown in errors.
      follow_links: read what symbolic links lead to outside of the folder, too.

    Attributes:
      boundary: refuses such links unless they are to be followed.
    """

    def __init__(
        self, root: str | os.PathLike[str], layout: str = "", *, follow_links: bool = False
    ) -> None:
        self.root = pathlib.Path(root)
        self.layout = layout
        self.boundary = links.Boundary(self.root, follow=follow_links)
        self._used: dict[str, int] = {}
        self._sought: pathlib.Path | None = None

    @classmethod
    def of(
        cls,
        manual_dir: str | os.PathLike[str],
        corpus: str,
        layout: str = "",
        *,
        follow_links: bool = False,
    ) -> Self:
        """Opens `MANUAL_DIR/CORPUS` where that exists, else `MANUAL_DIR` itself."""
        folder = pathlib.Path(manual_dir)
        inner = folder / corpus
        if inner.is_dir():
            return cls(inner, layout, follow_links=follow_links)
        files = cls(folder, layout, follow_links=follow_links)
        files._sought = inner
        return files

    @property
    def used(self) -> dict[str, int]:
        """The texts and archives read so far, by path below the root, with their sizes."""
        return dict(sorted(self._used.items()))

    def note_use(self, path: pathlib.Path) -> None:
        """Adds a text or archive below the root to those that were read."""
        below = pathlib.Path(os.path.relpath(path, self.root))
        self._used[below.as_posix()] = path.stat().st_size

    def path(self, name: str) -> pathlib.Path:
        """Returns the path of a file or folder that must exist.

        Raises:
          DataError: when it does not, with the files there and those expected. Also when
            a link leads out of the corpus.
        """
        path = self.root / name
        if not path.exists():
            self.missing(name)
        self.boundary.check(path)
        return path

    def exists(self, name: str) -> bool:
        """Says whether a file or folder exists."""
        return (self.root / name).exists()

    def glob(
        self, pattern: str, *, endings: tuple[str, ...] = (), optional: bool = False
    ) -> list[pathlib.Path]:
        """Returns the paths that match `pattern`, sorted, without hidden files and folders.

        Args:
          pattern: a path with wildcards, as for `pathlib.Path.glob`.
          endings: of names, in lower case; names are compared in lower case:
            `glob("photos/*", endings=(".jpg", ".jpeg"))`.
          optional: whether there may be no match.

        Raises:
          DataError: without a match unless `optional`, or when a link leads out of the corpus.
        """
        above = len(self.root.parts)
        matches = sorted(
            path
            for path in self.root.glob(pattern)
            if (not endings or path.name.lower().endswith(endings))
            and not any(part[0] == "." for part in path.parts[above:])
        )
        if not matches and not optional:
            self.missing(pattern + (endings[0] if endings else ""), verb="matches")
        for path in matches:
            self.boundary.check(path)
        return matches

    def missing(self, name: str, *, verb: str = "is named") -> NoReturn:
        """Raises the error for a file that is not there.

        Args:
          name: of the file, or a pattern.
          verb: of the message, "No raw file VERB NAME".
        """
        if not self.root.is_dir():
            raise errors.DataError(
                f"The folder of raw files {self.root} does not exist",
                expected=self.layout or None,
                hint="Name its place with --manual_dir",
            )
        folder = (self.root / name).parent
        while not folder.is_dir():
            folder = folder.parent
        near = sorted(p.name for p in folder.iterdir())
        hint = errors.did_you_mean(pathlib.PurePath(name).name, near)
        if hint is None and self._sought is not None:
            hint = f"There is no folder {self._sought} either"
        raise errors.DataError(
            f"No raw file {verb} {name!r} in {self.root}",
            received=f"{errors.first_few(near, _NAMES_SHOWN) or 'nothing'} in {folder}",
            expected=self.layout or None,
            hint=hint,
        )
