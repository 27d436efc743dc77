"""Symbolic links: refuses those that lead out of a corpus's folder.

A corpus may come from a stranger, and a link in it may point to any private file. So the
real path of each file read must lie below the real path of the corpus's folder. Links within
the folder are allowed, and the folder itself may be a link.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any

from t2t_mm import errors
from t2t_mm.corpus import archives


class Boundary:
    """The folder of a corpus, below which all files that are read must lie.

    Real paths of folders are cached, those of files are not.

    Args:
      root: the folder.
      follow: whether links may lead out of it.
    """

    def __init__(self, root: pathlib.Path, *, follow: bool = False) -> None:
        self.root = root
        self.follow = follow
        self._folders: dict[pathlib.Path, str] = {}

    def check(self, path: str | os.PathLike[str]) -> None:
        """Raises for a path that leads out of the corpus.

        Raises:
          BadExampleError: so that `--max_bad_examples` can allow it for an example's own
            file; for any other file it ends the work, as every `DataError` does.
        """
        path = pathlib.Path(path)
        if self.follow or "\0" in str(path):  # no file name contains NUL
            return
        top, real = self._real(self.root), self._followed(path)
        if real != top and not real.startswith(top.rstrip(os.sep) + os.sep):
            raise errors.BadExampleError(
                f"{path} leads out of the folder of the corpus",
                received=f"a link to {real}",
                expected=f"what lies in {self.root}",
                hint="Remove it if you do not know what it is for; --follow_links of mm-datagen "
                "reads what links lead to, wherever it is",
            )

    def check_value(self, value: Any) -> None:
        """As `check`, for a value of an example; only paths below the corpus are checked.

        Any other path was chosen by the problem's code.
        """
        path = value.archive if isinstance(value, archives.Member) else value
        if self.follow or not isinstance(path, pathlib.Path):
            return
        if any(map(path.is_relative_to, (self.root, self.root.absolute(), self.root.resolve()))):
            self.check(path)

    def _followed(self, path: pathlib.Path) -> str:
        """Returns the real path; only its last part is resolved if its folder is cached."""
        if path.name in ("", os.pardir) or path.is_symlink():
            return os.path.realpath(path)
        return f"{self._real(path.parent).rstrip(os.sep)}{os.sep}{path.name}"

    def _real(self, folder: pathlib.Path) -> str:
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return self._folders[folder]
