"""The starts of a training, `starts.jsonl`: command, versions and machine of each.

A run that was interrupted has several, for it may have gone on with another command, or
elsewhere. Nothing here is needed to go on: a report shows it. No TensorFlow.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from t2t_mm.files import atomic

FILE = "starts.jsonl"


def add(path: pathlib.Path, start: Mapping[str, Any]) -> None:
    """Adds a line to the file, in one call.

    Args:
      path: of `starts.jsonl`.
      start: JSON values.

    Raises:
      DataError: the file cannot be written to.
    """
    line = json.dumps(start, ensure_ascii=False) + "\n"
    with atomic.writing(path), path.open("ab") as file:
        file.write(line.encode("utf-8", "backslashreplace"))


def read(path: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the starts of a run, the first one first; what is no start is left out."""
    starts = []
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    for line in lines:
        try:
            start = json.loads(line)
        except ValueError:
            continue
        if isinstance(start, dict):
            starts.append(start)
    return starts
