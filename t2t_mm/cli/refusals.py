"""One-line errors for refusals of the system (memory, files, threads), which are no bugs.

Python's OSError has an error number. Failed imports, threads and TensorFlow give only its
message.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from t2t_mm import errors

_OF_FILES = {
    errno.EACCES: "No permission",
    errno.EDQUOT: "The disk quota is used up",
    errno.EISDIR: "A folder stands where a file is wanted",
    errno.ENAMETOOLONG: "The name is too long",
    errno.ENOSPC: "The disk is full",
    errno.ENOTDIR: "A file stands where a folder is wanted",
    errno.EPERM: "No permission",
    errno.EROFS: "The disk is read-only",
}
_NO_THREAD = "can't start new thread"
_OF_MEANS = {
    errno.EMFILE: "Too many files are open",
    errno.ENFILE: "All programs of this machine together have too many files open",
    errno.ENOMEM: "The memory is used up",
    errno.EIO: "A disk, or another device, fails",
    errno.ESTALE: "A file is gone from the machine that shares its folder",
}
_IN_WORDS = {os.strerror(number): number for number in (errno.EMFILE, errno.ENFILE)}


def told(error: Exception) -> errors.UserError | None:
    """Returns the error for a user where the system is the reason, else None.

    Args:
      error: whose causes are looked at too, for what the machine lacks.
    """
    if isinstance(error, OSError) and error.errno in _OF_FILES:
        return errors.UserError(_OF_FILES[error.errno], received=error.filename)
    for reason in _causes(error):
        number = reason.errno if isinstance(reason, OSError) else None
        if number not in _OF_MEANS:
            text = str(reason)
            number = next((n for words, n in _IN_WORDS.items() if words in text), None)
        if number is not None:
            place = reason.filename if isinstance(reason, OSError) else None
            return _of_means(number, place)
        if isinstance(reason, RuntimeError) and _NO_THREAD in str(reason):
            return errors.MachineError(
                "The system lets this process have no more threads",
                hint="Raise the limit (ulimit -u), or use fewer --workers",
            )
    return None


def _of_means(number: int, place: object) -> errors.UserError:
    received, hint = place, None
    if number == errno.EMFILE:
        received = f"a limit of {_most_files()} for this process"
        hint = "Raise it, and give the command again: ulimit -n 4096"
    elif number == errno.ENOMEM:
        hint = "Use fewer --workers, or smaller batches"
    return errors.MachineError(_OF_MEANS[number], received=received, hint=hint)


def _most_files() -> str:
    try:
        import resource
    except ImportError:  # there is none on Windows
        return "some"
    return f"{resource.getrlimit(resource.RLIMIT_NOFILE)[0]:,} open files"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error, what it was raised from, and on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
