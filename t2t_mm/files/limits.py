"""Limits of what is read into memory at once, which an environment variable may raise."""

from __future__ import annotations

import os

from t2t_mm import errors

LARGEST_FILE_BYTES = 1 << 30
FILE_VARIABLE = "T2T_MM_MAX_FILE_BYTES"
"""A file that is read whole, as pictures, sounds and JSON are, may have so many bytes, or as
many as this variable says."""


def largest_file() -> int:
    """Returns how many bytes a file that is read whole may have."""
    return most(FILE_VARIABLE, LARGEST_FILE_BYTES, "bytes")


def most(variable: str, default: int, unit: str) -> int:
    """Returns a limit: what the environment says, or else the default.

    Args:
      variable: of the environment.
      default: the limit where that is not set.
      unit: what is counted, for errors.

    Raises:
      ConfigError: the variable holds no whole number from 1 on.
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
