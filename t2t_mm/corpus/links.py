"""Links: whether what is read of a corpus lies in its folder, wherever symbolic links lead.

A corpus may come from a stranger, and a link in it may name any file of the reader's. So what
is read must lie below the folder of the corpus when all links have been followed. That folder
may be a link itself, and links within it are as good as files.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any

from t2t_mm import errors
from t2t_mm.corpus import archives


class Boundary:
    """The folder that holds a corpus, which nothing that is read of it may leave.

    What a folder leads to is looked up once, that of a file each time.

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
          BadExampleError: so that of an example's own file, `--max_bad_examples` may leave
            it out; of any other it ends the work, as every `DataError` does.
        """
        path = pathlib.Path(path)
        if self.follow or "\0" in str(path):  # the latter is no name that any file has
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
        """As `check`, of a value of an example; raises for files below the corpus only.

        Another file is one that the code of the problem has named.
        """
        path = value.archive if isinstance(value, archives.Member) else value
        if self.follow or not isinstance(path, pathlib.Path):
            return
        if any(map(path.is_relative_to, (self.root, self.root.absolute(), self.root.resolve()))):
            self.check(path)

    def _followed(self, path: pathlib.Path) -> str:
        """Returns where a path leads; looks at its last part only, if its folder is known."""
        if path.name in ("", os.pardir) or path.is_symlink():
            return os.path.realpath(path)
        return f"{self._real(path.parent).rstrip(os.sep)}{os.sep}{path.name}"

    def _real(self, folder: pathlib.Path) -> str:
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return self._folders[folder]
