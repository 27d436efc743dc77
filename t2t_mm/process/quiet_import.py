"""Keeps TensorFlow's own lines off the terminal, unless `--debug` asks for them.

A log level silences TensorFlow at work. Its lines during import (whether there is a GPU,
which kernels it uses) come before any level applies: with TF_CPP_MIN_LOG_LEVEL=3 set before,
the import of TensorFlow 2.21 still writes six. SentencePiece inside tensorflow-text ignores
the level. So standard error is captured during the import, and passed on without those lines.

Garbage is not collected during that import either. It makes some million objects and frees
hardly any, and each full collection visits them all: on a machine with slow memory that was
half of the time.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import logging
import os
import re
import sys
import tempfile
import types
from collections.abc import Iterator

from t2t_mm.process import signals

_NOTICE = re.compile(
    rb"^(I\d{4} [^\n]*\n(To enable the following[^\n]*\n)?"
    rb"|WARNING: All log messages before absl[^\n]*\n|\w+\.cc\(\d+\) LOG\(INFO\)[^\n]*\n)",
    re.MULTILINE,
)
_STDERR = 2
_NONE_BUT_FATAL = "3"
"""TensorFlow raises its errors in Python too, so its log lines add nothing."""


_installed = False


def is_installed() -> bool:
    """Returns whether this process keeps TensorFlow quiet."""
    return _installed


def install() -> None:
    """Silences TensorFlow in this process, whenever it is imported."""
    global _installed
    _installed = True
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _NONE_BUT_FATAL)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "tensorflow" not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Wraps the one import of `tensorflow` in `without_notices`."""

    def find_spec(
        self, fullname: str, path: object, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader = spec.loader

            def execute(module: types.ModuleType) -> None:
                del vars(loader)["exec_module"]
                with signals.held_back(), without_notices(), _uncollected():
                    loader.exec_module(module)

            vars(loader)["exec_module"] = execute
        return spec


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Collects no garbage, and takes what stands at the end out of later collections."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


@contextlib.contextmanager
def without_notices(notices: re.Pattern[bytes] = _NOTICE) -> Iterator[None]:
    """Captures file descriptor 2 of the process, and passes on all but notices.

    Args:
      notices: pattern of the lines to drop.
    """
    with contextlib.ExitStack() as stack:
        try:
            captured = stack.enter_context(tempfile.TemporaryFile())
            saved = os.dup(_STDERR)
        except OSError:  # standard error is closed, or there is no place for the file
            yield
            return
        _flush()
        os.dup2(captured.fileno(), _STDERR)
        try:
            yield
        finally:
            _flush()
            os.dup2(saved, _STDERR)
            os.close(saved)
            captured.seek(0)
            text = notices.sub(b"", captured.read())
            with contextlib.suppress(OSError):
                while text:
                    text = text[os.write(_STDERR, text) :]


def _flush() -> None:
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()
