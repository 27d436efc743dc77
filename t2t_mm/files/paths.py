"""Paths as a user gives them, and as TensorFlow can take them."""

from __future__ import annotations

import atexit
import functools
import os
import pathlib
import re
import shutil
import tempfile

from t2t_mm import errors

_PATTERN = re.compile(r"[*?\[\]\\\ud800-\udfff]")
"""What TensorFlow takes for a pattern, or cannot take: bytes that are no UTF-8."""


def expanded(path: str | os.PathLike[str]) -> pathlib.Path:
    """Returns a path in which a leading `~` or `~NAME` is that user's home folder.

    Raises:
      ConfigError: when there is no such user, or none whose home folder is known.
    """
    given = pathlib.Path(path)
    try:
        return given.expanduser()
    except RuntimeError as error:
        user = given.parts[0]
        raise errors.ConfigError(
            f"The home folder that {user} stands for is not known",
            received=given,
            expected="a path, or ~NAME with the name of a user of this machine",
            hint=f"A folder of that very name is ./{user}",
        ) from error


def for_tensorflow(folder: str | os.PathLike[str]) -> str:
    """Returns a path by which TensorFlow reaches a folder whatever its name.

    It reads the paths of checkpoints as patterns, in which `[`, `*`, `?` and a backslash mean
    something else. Such a folder gets a symbolic link, for as long as this process lives.

    Raises:
      ConfigError: there is no place for the link.
    """
    path = str(pathlib.Path(folder).absolute())
    return _link(path) if _PATTERN.search(path) else path


@functools.cache
def _link(path: str) -> str:
    link = pathlib.Path(_folder_of_links(), str(_link.cache_info().misses))
    link.symlink_to(path)
    return str(link)


@functools.cache
def _folder_of_links() -> str:
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108
        if not _PATTERN.search(parent) and os.access(parent, os.W_OK):
            made = tempfile.mkdtemp(prefix="t2t-mm-", dir=parent)
            atexit.register(shutil.rmtree, made, ignore_errors=True)
            return made
    raise errors.ConfigError(
        "A run in a folder of such a name needs a folder for temporary files",
        received=tempfile.gettempdir(),
        expected="one that can be written to, without [, ], *, ? or backslash in its path",
        hint="Name one by TMPDIR, or the run by other letters",
    )
