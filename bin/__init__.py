"""One thin module a command: its flags, one call, its answer.

Run as `python -m t2t_mm.bin.X`, or by the name that the installation gives it.
"""

import pathlib
import signal
import sys

from t2t_mm.process import signals

# Before anything else is imported, which takes a while: a Ctrl-C then is no fault.
if "--multiprocessing-fork" in sys.orig_argv:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a worker process, whose parent decides
elif (_name := pathlib.Path(sys.argv[0]).name) == "-m" or _name.startswith("mm-"):
    signals.end_at_once("t2t-mm" if _name == "-m" else _name)
