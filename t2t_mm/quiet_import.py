"""Keeps TensorFlow's notices off the terminal while it is imported.

Its C++ side says twice on every machine without a GPU that it found none, before
any log level can apply; SentencePiece inside tensorflow-text heeds no level at all.
Warnings and errors are passed on.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import sys
import threading
import types
from collections.abc import Iterator, Sequence

_NOTICE = re.compile(
    rb"^(I\d{4} [^\n]*|WARNING: All log messages before absl[^\n]*"
    rb"|\w+\.cc\(\d+\) LOG\(INFO\)[^\n]*)\n",
    re.MULTILINE,
)
_STDERR = 2


def install() -> None:
    """Makes the first `import tensorflow` of this process a quiet one."""
    if "tensorflow" not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        with without_notices():
            self._loader.exec_module(module)


@contextlib.contextmanager
def without_notices() -> Iterator[None]:
    """Passes all that is written to file descriptor 2 through a filter."""
    sys.stderr.flush()
    saved = os.dup(_STDERR)
    reading, writing = os.pipe()
    os.dup2(writing, _STDERR)
    os.close(writing)

    def pass_on() -> None:
        rest = b""  # a line may come in parts
        while chunk := os.read(reading, 65_536):
            lines, end, rest = (rest + chunk).rpartition(b"\n")
            os.write(saved, _NOTICE.sub(b"", lines + end))
        os.write(saved, rest)

    thread = threading.Thread(target=pass_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, _STDERR)  # closes the pipe's last writing end
        thread.join()
        os.close(reading)
        os.close(saved)
