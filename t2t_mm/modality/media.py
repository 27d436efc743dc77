"""Files of media, given by a path, as bytes, or as a part of an archive."""

from __future__ import annotations

from typing import Any

from t2t_mm import errors


def read(value: Any, what: str) -> tuple[str, bytes] | None:
    """Returns a name for errors and the bytes of a file; None for what is no file.

    Args:
      value: a path or anything else that has `read_bytes()`, or the bytes themselves.
      what: it should hold, for errors ("A picture").

    Raises:
      BadExampleError: for a file that cannot be read.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return "bytes", bytes(value)
    if not hasattr(value, "read_bytes"):
        return None
    try:
        return str(value), value.read_bytes()
    except OSError as error:
        raise errors.BadExampleError(
            f"{what} cannot be read: {value}", received=error.strerror or error
        ) from error
    except ValueError as error:  # a name that no file can have, such as one with a NUL
        raise errors.BadExampleError(f"{what} cannot be read: {value}", received=error) from error
