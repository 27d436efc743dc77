"""How much memory this process holds, so that a run's log shows whether it grows."""

from __future__ import annotations

import pathlib
import resource
import sys

_STATM = pathlib.Path("/proc/self/statm")


def peak_bytes() -> int:
    """Returns the most that was resident at any time since the process began."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def resident_bytes() -> int:
    """Returns what is resident now; where the system does not tell, the peak."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return peak_bytes()
    return pages * resource.getpagesize()
