"""Resident memory of this process, for the log of a run."""

from __future__ import annotations

import pathlib
import resource
import sys

_STATM = pathlib.Path("/proc/self/statm")


def peak_bytes() -> int:
    """Returns the peak resident memory of the process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def resident_bytes() -> int:
    """Returns the current resident memory; the peak if the system reports only that."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return peak_bytes()
    return pages * resource.getpagesize()
