"""What keeps a long run from ending badly: signals and full disks heeded in time."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import types
from typing import Any

from t2t_mm import errors
from t2t_mm.files import content
from t2t_mm.process import signals


class Interrupt:
    """Turns Ctrl-C, SIGTERM and SIGHUP into a stop request, which the loop heeds between two steps.

        with guards.Interrupt() as interrupt:
            while step < total and not interrupt.is_requested:
                ...

    A second Ctrl-C raises KeyboardInterrupt at once. Outside the main thread,
    where Python allows no handlers, signals keep their usual effect.
    """

    def __init__(self) -> None:
        self.signal_name = ""
        self._before: dict[signal.Signals, Any] = {}

    @property
    def is_requested(self) -> bool:
        """Has a signal come?"""
        return bool(self.signal_name)

    def __enter__(self) -> Interrupt:
        self._before = {s: signal.signal(s, self._handle) for s in signals.heeded()}
        return self

    def __exit__(self, *unused: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _handle(self, number: int, frame: types.FrameType | None) -> None:
        del frame
        if self.is_requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_name = signal.Signals(number).name


def check_disk(folder: str | os.PathLike[str], needed_bytes: int) -> None:
    """Raises when a disk has no room for what is going to be written.

    Args:
      folder: in which it will be; it need not exist yet.
      needed_bytes: an estimate.

    Raises:
      DataError: names both sizes.
    """
    place = pathlib.Path(folder).absolute()
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    # A file system of no size, such as /proc, has no disk; what it refuses, it says itself.
    if usage.total and usage.free < needed_bytes:
        raise errors.DataError(
            f"The disk that holds {folder} has too little room",
            received=f"{content.mebibytes(usage.free)} free",
            expected=f"{content.mebibytes(needed_bytes)} for checkpoints",
            hint="Free space there, give another --output_dir, or lower "
            "TrainSettings.keep_checkpoints",
        )
