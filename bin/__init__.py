"""One thin module a command: its flags, one call, its answer.

Run as `python -m t2t_mm.bin.X`, or by the name that the installation gives it.
"""

import signal
import sys

_name = sys.argv[0].rpartition("/")[2]
_is_worker = "--multiprocessing-fork" in sys.orig_argv  # its parent decides
_is_command = not _is_worker and (_name == "-m" or _name.startswith("mm-"))

# Before anything else is imported, which takes a while: a Ctrl-C then is no fault.
if _is_worker:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
elif _is_command:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from t2t_mm.process import signals  # noqa: E402 (see above)

if _is_command:
    signals.end_at_once("t2t-mm" if _name == "-m" else _name)
