"""Limits on what is read into memory at once, which environment variables may raise."""

from __future__ import annotations

import os

from t2t_mm import errors

LARGEST_FILE_BYTES = 1 << 30
FILE_VARIABLE = "T2T_MM_MAX_FILE_BYTES"
"""Environment variable for the largest file in bytes that is read whole (pictures, sounds,
JSON), instead of that number."""


def largest_file() -> int:
    """Returns the largest size in bytes of a file that is read whole."""
    return most(FILE_VARIABLE, LARGEST_FILE_BYTES, "bytes")


def most(variable: str, default: int, unit: str) -> int:
    """Returns a limit from an environment variable, or the default.

    Args:
      variable: of the environment.
      default: the limit if that is not set.
      unit: of the limit, for errors.

    Raises:
      ConfigError: the variable is not a positive whole number.
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise errors.ConfigError(
            f"{variable} is no number of {unit}",
            received=repr(text),
            expected=f"1 or more; {default:,} where it is not set",
        )
    return int(text)
