"""The log of metrics by step: `metrics.jsonl`, and TensorBoard."""

from __future__ import annotations

import errno
import json
import math
import os
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.files import atomic
from t2t_mm.runs import event_files

Metrics = Mapping[str, float | int | str | Sequence[float] | None]

TRAINING = "train"
"""The "split" of lines that are means of training steps."""


class MetricsLog:
    """Appends one JSON object a line: `{step, time, split, problem, metrics}`.

    A line is written in one call, so a killed process leaves complete lines and at most one
    partial one, which is removed when the log is opened again.

    Args:
      path: of `metrics.jsonl`.
      tensorboard: folder for TensorBoard, with a folder a split in it; None for none.

    Attributes:
      events: writes there, what is no line of the log too; None for none.
    """

    def __init__(
        self, path: str | os.PathLike[str], tensorboard: str | os.PathLike[str] | None = None
    ) -> None:
        self.path = pathlib.Path(path)
        self.events = None if tensorboard is None else event_files.EventFiles(tensorboard)
        self._file = -1
        with atomic.writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _repair(self.path)
            self._open()

    def rewind(self, step: int, *, with_training: bool = True, with_evaluation: bool = True) -> int:
        """Drops all lines after `step`, from which training resumes.

        Args:
          step: of the checkpoint.
          with_training: keep the line of training at `step` itself; not if a line with means
            over more steps will be written for that step.
          with_evaluation: keep lines of an evaluation at `step` itself; not if that was
            interrupted and will be repeated.

        Returns:
          the number of lines dropped.
        """

        def is_kept(split: str, at: int) -> bool:
            if at != step:
                return at < step
            return with_training if split == TRAINING else with_evaluation

        if self.events is not None:
            self.events.rewind(is_kept)
        lines = list(_lines(self.path))
        kept = [line for line, entry in lines if is_kept(entry["split"], entry["step"])]
        if len(kept) < len(lines):
            os.close(self._file)
            atomic.write_text(self.path, "".join(f"{line}\n" for line in kept))
            self._open()
        return len(lines) - len(kept)

    def write(self, step: int, split: str, problem: str, metrics: Metrics) -> None:
        """Appends the metrics of one problem at one step.

        Args:
          step: training steps done.
          split: "train" for the running means of training, else the split evaluated.
          problem: its name, or "" for what concerns the whole run.
          metrics: numbers; lists of numbers (an expert's load each); short texts
            (a BLEU signature), which TensorBoard does not get.
        """
        entry: dict[str, Any] = {
            "step": step,
            "time": round(time.time(), 3),
            "split": split,
            "problem": problem,
            "metrics": {name: _jsonable(value) for name, value in metrics.items()},
        }
        line = json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n"
        with atomic.writing(self.path):
            self._append(line.encode("utf-8"))
        if self.events is not None:
            start = f"{problem}/" if problem else ""
            values = {f"{start}{name}": value for name, value in entry["metrics"].items()}
            self.events.numbers(step, split, values)

    def flush(self) -> None:
        """Gives all that was written to the disk."""
        if self.events is not None:
            self.events.flush()

    def close(self) -> None:
        """Flushes both; the log cannot be written to afterwards."""
        if self.events is not None:
            self.events.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def _append(self, line: bytes) -> None:
        """Writes a line whole, or takes back what a full disk let through of it."""
        before = os.fstat(self._file).st_size
        if os.write(self._file, line) < len(line):
            os.ftruncate(self._file, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)


def read(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Returns the entries of a log; a torn last line is left out.

    Raises:
      DataError: a line elsewhere is not an entry.
    """
    return [entry for _, entry in _lines(pathlib.Path(path))]


def _lines(path: pathlib.Path) -> Iterator[tuple[str, dict[str, Any]]]:
    from t2t_mm.schemas import json_files
    from t2t_mm.schemas import run as run_schemas

    data = path.read_bytes() if path.is_file() else b""
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        entry = json_files.parse(
            line,
            run_schemas.MetricsLine,
            place=f"{path}, line {number},",
            error=errors.DataError,
            hint="Remove the line, or give another --output_dir",
        )
        yield line.decode("utf-8"), dict(entry)


def _repair(path: pathlib.Path) -> None:
    """Removes partial lines at the end, which a kill or a power failure left."""
    if not path.is_file():
        return
    with path.open("rb+") as file:
        data = file.read()
        end = data.rfind(b"\n") + 1
        while end:
            start = data.rfind(b"\n", 0, end - 1) + 1
            if data[start : start + 1] == b"{" and data[end - 2 : end - 1] == b"}":
                break
            end = start
        if end < len(data):
            file.truncate(end)


def _jsonable(value: Any) -> Any:
    """Returns plain numbers, with null for what JSON has no number for."""
    if value is None or isinstance(value, str | bool):
        return value
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_jsonable(part) for part in value]
    if isinstance(value, int):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
