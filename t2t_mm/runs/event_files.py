"""TensorBoard's event files of a run: a folder a split, which goes back when the run does."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.data import records
from t2t_mm.files import atomic, paths

if TYPE_CHECKING:
    import numpy as np

_SETTINGS = "events.out.tfevents.0.settings"
"""Holds what stands once for a run; its name sorts before those of all other event files."""


class EventFiles:
    """Writes what TensorBoard shows of a run.

    Args:
      folder: of the run's event files, with a folder a split in it; made when first needed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = pathlib.Path(folder)
        self._writers: dict[str, Any] = {}
        self._held: set[tuple[str, str]] = set()

    def holds(self, split: str, tag: str) -> bool:
        """Whether a tag was written, by this process or before the last `rewind`."""
        return (split, tag) in self._held

    def numbers(self, step: int, split: str, values: Mapping[str, Any]) -> None:
        """Writes numbers as points of curves, and lists of numbers as histograms.

        Args:
          step: training steps done.
          split: the folder.
          values: by tag; others than numbers and lists are left out.
        """
        import tensorflow as tf

        with self._at(step, split):
            for tag, value in values.items():
                if isinstance(value, list):
                    tf.summary.histogram(tag, value)
                elif isinstance(value, int | float):
                    tf.summary.scalar(tag, value)

    def text(self, step: int, split: str, tag: str, markdown: str) -> None:
        """Writes a text; TensorBoard shows it as Markdown."""
        import tensorflow as tf

        with self._at(step, split):
            tf.summary.text(tag, markdown)
        self._held.add((split, tag))

    def picture(self, step: int, split: str, tag: str, pixels: np.ndarray) -> None:
        """Writes a picture: uint8 `[height, width, channels]`."""
        import tensorflow as tf

        with self._at(step, split):
            tf.summary.image(tag, pixels[None])
        self._held.add((split, tag))

    def sound(self, step: int, split: str, tag: str, samples: np.ndarray, rate: int) -> None:
        """Writes a sound: float32 `[samples, channels]` of -1 to 1, `rate` samples a second."""
        import tensorflow as tf

        with self._at(step, split):
            tf.summary.audio(tag, samples[None], rate, encoding="wav")
        self._held.add((split, tag))

    def replace_settings(self, split: str, summaries: Sequence[bytes]) -> None:
        """Writes what stands once for a run, instead of what was written so before.

        Args:
          split: the folder.
          summaries: serialised `Summary` messages.
        """
        from tensorboard.compat.proto import event_pb2

        now = time.time()
        events = [event_pb2.Event(wall_time=now, file_version="brain.Event:2")]
        for data in summaries:
            event = event_pb2.Event(wall_time=now)
            event.summary.ParseFromString(data)
            events.append(event)
        frames = [records.frame(event.SerializeToString()) for event in events]
        atomic.write_bytes(self._folder / split / _SETTINGS, b"".join(frames))

    def rewind(self, is_kept: Callable[[str, int], bool]) -> None:
        """Drops what is going to be written again.

        Args:
          is_kept: whether what a split has at a step stays.
        """
        self.close()
        self._held.clear()
        for path in sorted(self._folder.glob("*/*tfevents*")):
            if path.name != _SETTINGS:
                self._rewind_file(path, is_kept)

    def flush(self) -> None:
        """Gives all that was written to the disk."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Flushes, and closes the files; what is written afterwards goes to new ones."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _at(self, step: int, split: str) -> Any:
        import tensorflow as tf

        if split not in self._writers:
            self._folder.mkdir(parents=True, exist_ok=True)
            folder = paths.for_tensorflow(self._folder)
            self._writers[split] = tf.summary.create_file_writer(f"{folder}/{split}")
        return self._writers[split].as_default(step=step)

    def _rewind_file(self, path: pathlib.Path, is_kept: Callable[[str, int], bool]) -> None:
        from tensorboard.compat.proto import event_pb2

        split = path.parent.name
        kept: list[bytes] = []
        is_whole, has_summaries = True, False
        try:
            for data in records.read_records(path):
                event = event_pb2.Event.FromString(data)
                if event.HasField("summary"):
                    if not is_kept(split, event.step):
                        is_whole = False
                        continue
                    has_summaries = True
                    self._held.update((split, value.tag) for value in event.summary.value)
                kept.append(data)
        except errors.DataError:  # its end was being written when the process was killed
            is_whole = False
        if not has_summaries:
            path.unlink()
        elif not is_whole:
            atomic.write_bytes(path, b"".join(map(records.frame, kept)))
