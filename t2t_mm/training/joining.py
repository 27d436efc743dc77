"""Joining the other workers: TensorFlow's call, with a bound in time and heeding signals.

TensorFlow joins in one call of C, `TFE_EnableCollectiveOps`, which waits for the others without a
limit, holds Python's lock while it waits, so that no handler and no thread runs, and catches
SIGTERM itself. Here a thread makes the same call through ctypes, which gives the lock back, and
the main thread waits for it as Python waits for anything.
"""

from __future__ import annotations

import contextlib
import ctypes
import pathlib
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python import pywrap_tfe  # TensorFlow has no public way to its calls of C,
from tensorflow.python.framework import errors_impl  # nor from their codes to its exceptions

from t2t_mm.process import signals

_LIBRARY = "libtensorflow_cc*"
_CALL = "TFE_EnableCollectiveOps"
_TICK_S = 0.2


@contextlib.contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Bounds the time that the making of a strategy of several workers may take.

    Where this TensorFlow has no such library (its wheels for Linux have), nothing is changed.

    Args:
      seconds: after which a TimeoutError is raised. TensorFlow's call cannot be taken back:
        the process has to end then.
    """
    libraries = list(pathlib.Path(tf.sysconfig.get_lib()).glob(_LIBRARY))
    library = ctypes.CDLL(str(libraries[0])) if libraries else None
    if library is None or not hasattr(library, _CALL):
        yield
        return
    original = getattr(pywrap_tfe, _CALL)
    setattr(pywrap_tfe, _CALL, lambda *args: _wait(_Call(library, *args), seconds))
    try:
        yield
    finally:
        setattr(pywrap_tfe, _CALL, original)


def _wait(call: _Call, seconds: float) -> None:
    """Waits for a call; signals have their handlers of before, whatever TensorFlow installs."""
    handlers = {number: signal.getsignal(number) for number in signals.heeded()}
    end = time.monotonic() + seconds
    call.start()
    while call.is_alive():
        call.join(_TICK_S)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if call.is_alive() and time.monotonic() > end:
            raise TimeoutError(f"TensorFlow has not joined all workers within {seconds:.0f} s")
    if call.code:
        raise errors_impl.exception_type_from_error_code(call.code)(None, None, call.message)


class _Call(threading.Thread):
    """The call of C, with the code and the message of its status.

    Args:
      library: of TensorFlow's C functions.
      context: the capsule of a `TFE_Context*`.
      definition: of the servers, a serialized ServerDef.
    """

    def __init__(self, library: ctypes.CDLL, context: Any, definition: bytes) -> None:
        super().__init__(name=_CALL, daemon=True)
        self._library, self._context, self._definition = library, context, definition
        self.code, self.message = 0, ""

    def run(self) -> None:
        library = self._library
        library.TF_NewStatus.restype = ctypes.c_void_p
        library.TF_Message.restype = ctypes.c_char_p
        ctypes.pythonapi.PyCapsule_GetPointer.restype = ctypes.c_void_p
        pointer = ctypes.pythonapi.PyCapsule_GetPointer(ctypes.py_object(self._context), None)
        status = ctypes.c_void_p(library.TF_NewStatus())
        size = ctypes.c_size_t(len(self._definition))
        getattr(library, _CALL)(ctypes.c_void_p(pointer), self._definition, size, status)
        self.code = library.TF_GetCode(status)
        self.message = library.TF_Message(status).decode(errors="replace")
        library.TF_DeleteStatus(status)
