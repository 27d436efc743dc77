"""Paths as a user gives them."""

from __future__ import annotations

import os
import pathlib

from t2t_mm import errors


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
