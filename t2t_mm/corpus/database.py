"""A database made of annotations once, by the first worker of data generation that needs it.

Annotations of a photo lie anywhere in a file of hundreds of megabytes. SQLite, which comes with
Python, sorts and joins them on the disk, so no worker holds them in memory or reads the file again.
"""

from __future__ import annotations

import pathlib
import secrets
import sqlite3
import urllib.parse
from collections.abc import Callable

from t2t_mm import errors
from t2t_mm.files import atomic

Build = Callable[[sqlite3.Connection], None]


def opened(folder: pathlib.Path, name: str, build: Build) -> sqlite3.Connection:
    """Opens a database for reading; the first caller of all processes makes it, others wait.

    Args:
      folder: that all of them see; whoever made the folder removes it.
      name: of the database.
      build: fills the empty database.

    Raises:
      DataError: the disk is full, or does not let SQLite write; or a text is no Unicode.
    """
    path = folder / f".{name}.sqlite"
    if not path.exists():
        lock = atomic.lock(folder / f".{name}.lock", f"the database {path}", waiting=_silent)
        with lock:
            if not path.exists():
                _make(path, build)
    return sqlite3.connect(f"file:{urllib.parse.quote(str(path))}?mode=ro&immutable=1", uri=True)


def _make(path: pathlib.Path, build: Build) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        connection = sqlite3.connect(temporary)
        try:
            # It is made anew after a failure, so no journal is needed.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            build(connection)
            connection.commit()
        finally:
            connection.close()
        temporary.replace(path)
    except sqlite3.OperationalError as error:
        raise errors.DataError(
            f"Cannot write {path}",
            received=f"{error}; {atomic.free_bytes(path) >> 20:,} MiB free",
            hint="Free some space there, or name another --data_dir",
        ) from error
    except UnicodeEncodeError as error:
        raise errors.DataError(
            "The annotations hold a text that is not valid Unicode",
            received=errors.shortened(ascii(error.object)),
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _silent(text: str) -> None:
    """Says nothing: workers of one command wait for each other."""
