"""Expansion of users' paths and URLs, and paths that TensorFlow accepts."""

from __future__ import annotations

import atexit
import functools
import os
import pathlib
import re
import shutil
import tempfile

from t2t_mm import errors
from t2t_mm.files import mirrors

_PATTERN = re.compile(r"[*?\[\]\\\ud800-\udfff]")
"""Characters that TensorFlow takes for a pattern, or does not accept (not UTF-8)."""


def expanded(path: str | os.PathLike[str]) -> pathlib.Path:
    """Returns a path with a leading `~` or `~NAME` expanded to the user's home folder.

    Every path that a user names comes through here. Of a URL, such as "s3://bucket/data", it is
    the folder that mirrors it: see `mirrors`.

    Raises:
      ConfigError: for an unknown user, or one without a known home folder; for a bad URL.
    """
    if mirrors.is_url(path):
        return mirrors.local(path)
    original = pathlib.Path(path)
    try:
        return original.expanduser()
    except RuntimeError as error:
        user = original.parts[0]
        raise errors.ConfigError(
            f"The home folder that {user} stands for is not known",
            received=original,
            expected="a path, or ~NAME with the name of a user of this machine",
            hint=f"A folder of that very name is ./{user}",
        ) from error


def for_tensorflow(folder: str | os.PathLike[str]) -> str:
    """Returns a path of a folder that TensorFlow accepts, whatever the folder's name.

    TensorFlow takes paths of checkpoints for patterns, in which `[`, `*`, `?` and backslash
    are special. For such a folder a symbolic link is created, until this process ends.

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
            folder = tempfile.mkdtemp(prefix="t2t-mm-", dir=parent)
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            return folder
    raise errors.ConfigError(
        "A run in a folder of such a name needs a folder for temporary files",
        received=tempfile.gettempdir(),
        expected="one that can be written to, without [, ], *, ? or backslash in its path",
        hint="Name one by TMPDIR, or the run by other letters",
    )
