"""Atomic writing of files and folders.

Everything is written under a temporary name in the same folder, synced to disk and
renamed. So a file under its final name is always complete, no matter when the writer was
killed. Symbolic links are followed and kept; a pipe or device is written to directly.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

from t2t_mm import errors
from t2t_mm.files import content

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SURROGATE = re.compile("[\ud800-\udfff]")
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_OPEN = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")
_PAUSE_S = 0.2
_STATES = ("making", "old", "done")
_TEMPORARY = re.compile(r"\.(.{1,48})\.[0-9a-f]{8}\.tmp", re.DOTALL)
_NEW_S = 1
_NAME = 48  # characters of a name within a temporary one, for there are 255 bytes at most
_CLOSED = (  # by what the path is; nothing else is mended by another one
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENOENT,  # of a folder that could not be made, as in /proc, or is gone
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes `data` to `path` atomically, creating its folder if needed.

    An existing file keeps its permissions.

    Raises:
      DataError: when the disk is full or the path cannot be written to.
    """
    with writing(path):
        opened = _as_it_stands(path)
        if opened is not None:
            with os.fdopen(opened, "wb") as file:
                file.write(data)
            return
        path = real(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.name)
        temporary = path.with_name(f".{path.name[:_NAME]}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("wb") as file:
                with contextlib.suppress(OSError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # marks the file as in use
                file.write(data)
                flush(file)
            if path.exists():
                shutil.copymode(path, temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        flush_folder(path.parent)


def remove_leftovers(folder: pathlib.Path, name: str = "") -> None:
    """Removes temporary files of processes that were killed while they wrote to `folder`.

    Args:
      folder: need not exist.
      name: of the file that they wrote; by default all, for folders that hold only files
        of this library.
    """
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            match = _TEMPORARY.fullmatch(entry.name)
            if match and name[:_NAME] in ("", match[1]) and _is_left(pathlib.Path(entry.path)):
                pathlib.Path(entry.path).unlink(missing_ok=True)


def _is_left(path: pathlib.Path) -> bool:
    """Says whether a temporary file is a leftover: no process is writing it any more."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or time.time() - status.st_mtime < _NEW_S:
            return False  # its writer may be about to lock it
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # held, or on a file system without locks
    return True


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` as UTF-8, like `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Writes `value` as indented JSON with a final line end, like `write_bytes`."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # File names may hold bytes that are not UTF-8, which Python keeps as surrogates.
    text = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    write_text(path, f"{text}\n")


@contextlib.contextmanager
def folder(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Yields an empty folder that becomes `path` if the block succeeds.

    An existing folder of this name stays intact until then. Leftovers of a killed process
    are removed, or renamed if it died between the two renames; `recover` does only that.
    Only one process at a time may do this: hold a `lock`.
    """
    with writing(path):
        path = real(path)
        recover(path)
        making = _beside(path, "making")
        making.mkdir(parents=True)
    try:
        yield making
        with writing(path):
            replace_folder(path)
    except BaseException:
        with contextlib.suppress(OSError):
            recover(path)
        raise


def replace_folder(path: pathlib.Path) -> None:
    """Renames the old folder at `path` aside, then the finished one to `path`."""
    making, old = _beside(path, "making"), _beside(path, "old")
    flush_folder(making)
    # The mark says that the folder is complete, in case we die between the renames.
    done = _beside(path, "done")
    done.touch()
    if path.exists():
        path.rename(old)
    making.rename(path)
    done.unlink(missing_ok=True)
    flush_folder(path.parent)
    with contextlib.suppress(OSError):
        _remove(old)


def recover(path: str | os.PathLike[str]) -> None:
    """Cleans up after a process that was killed while it created or replaced `path`."""
    path = real(path)
    making, old, done = (_beside(path, state) for state in _STATES)
    if not path.exists():
        if done.exists() and making.exists():
            making.rename(path)
        elif old.exists():
            old.rename(path)
    for leftover in (making, old):
        _remove(leftover)
    done.unlink(missing_ok=True)


def unfinished(parent: pathlib.Path) -> list[pathlib.Path]:
    """Returns the unfinished folders in `parent` that killed processes left."""
    left = [path for state in _STATES for path in parent.glob(f".*.{state}")]
    return sorted({parent / path.name.removeprefix(".").rpartition(".")[0] for path in left})


@contextlib.contextmanager
def lock(
    path: str | os.PathLike[str], what: str, *, waiting: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Holds a lock file; the system releases it if the process is killed.

    Args:
      path: of the file.
      what: is locked, for messages.
      waiting: if given, waits for another process, and is called once with a message.

    Raises:
      LockedError: another process holds it, and `waiting` is not given.
      DataError: the file cannot be written.
    """
    path = pathlib.Path(path)
    missing = [parent for parent in path.parents if not parent.exists()]
    file = _locked(path)
    if file is None and waiting is not None:
        waiting(f"waiting for another process that is at work on {what}")
        while file is None:
            time.sleep(_PAUSE_S)
            file = _locked(path)
    if file is None:
        raise errors.LockedError(
            f"Another process is at work on {what}",
            received=f"the lock {path}",
            hint="Wait until it has ended",
        )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()
        # A failure leaves nothing behind, not even an empty folder.
        with contextlib.suppress(OSError):
            for parent in missing:
                parent.rmdir()


def _locked(path: pathlib.Path) -> IO[str] | None:
    """Returns the file at `path`, locked, or None where another process has locked it."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who held it until now may have removed the file that we opened.
        if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
    except BlockingIOError:
        pass
    except OSError:
        return file  # a file system without locks
    file.close()
    return None


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Converts an OSError of writing, such as a full disk, to a DataError."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        if error.errno in _FULL:
            raise errors.DataError(
                f"The disk is full; could not write {place}",
                received=f"{_free(pathlib.Path(path))} free",
                hint="Free some space there, or name another folder",
            ) from error
        raise errors.DataError(
            f"Cannot write {place}",
            received=error.strerror or error,
            hint="Name a folder that you may write to" if error.errno in _CLOSED else None,
        ) from error


def flush(file: Any) -> None:
    """Flushes and syncs a file to disk."""
    file.flush()
    os.fsync(file.fileno())


def flush_folder(path: pathlib.Path) -> None:
    """Syncs a folder's entries to disk, if the system supports it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def real(path: str | os.PathLike[str]) -> pathlib.Path:
    """Returns a path with all symbolic links resolved, also if it does not exist."""
    return pathlib.Path(os.path.realpath(path))


def _as_it_stands(path: str | os.PathLike[str]) -> int | None:
    """Opens a pipe, a device or an open descriptor for writing; None for a plain file."""
    name = os.fspath(path)
    number = _STREAMS.get(name) or ((found := _OPEN.fullmatch(name)) and int(found[1]))
    if number:
        return os.dup(number)  # shares the shell's file position
    try:
        mode = pathlib.Path(path).stat().st_mode
    except OSError:
        return None
    plain = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    return None if plain else os.open(path, os.O_WRONLY)


def _remove(path: pathlib.Path) -> None:
    """Removes a folder, or a link to one, if it exists."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _beside(path: pathlib.Path, state: str) -> pathlib.Path:
    return path.with_name(f".{path.name}.{state}")


def free_bytes(path: pathlib.Path) -> int:
    """Returns the free space of the disk on which a path lies, or would lie."""
    return shutil.disk_usage(existing(path)).free


def existing(path: pathlib.Path) -> pathlib.Path:
    """Returns a path, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _free(path: pathlib.Path) -> str:
    return content.mebibytes(free_bytes(path))
