"""The decoded outputs that a run keeps in `decodes/`, for a report."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from typing import Any

from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import base
from t2t_mm.runs import run_folder


@dataclasses.dataclass(frozen=True)
class KeptDecodes:
    """The answers of a run to a whole split of one problem.

    Attributes:
      path: of the file.
      split: that was decoded.
      step: of the checkpoint.
      search: the settings of the search as the file's name tells them; empty for classes.
      inputs: of each example as they can be printed.
      scores: of each output, its log-probability.
      places: of each example in the split.
      decodes: outputs and references.
      damaged: lines that could not be read.
    """

    path: pathlib.Path
    split: str
    step: int
    search: str
    inputs: list[Any]
    scores: list[float]
    places: list[int]
    decodes: base.Decodes
    damaged: int = 0

    def __len__(self) -> int:
        return len(self.places)

    def key(self, row: int) -> str:
        """Returns the key of an example, or its place in the split where no key was kept."""
        return self.decodes.keys[row] if self.decodes.keys else f"number {self.places[row]}"

    def rows(self) -> dict[str, int]:
        """Returns the row of each example by its `key`."""
        return {self.key(row): row for row in range(len(self))}


def find(
    run: run_folder.RunFolder,
    task: task_lib.Task,
    split: str | None = None,
    *,
    step: int | None = None,
) -> KeptDecodes | None:
    """Returns the decodes of a problem: of the newest step, and of these the last written.

    Args:
      run: with the decodes.
      task: the problem.
      split: to be found; any if None.
      step: to be found; any if None.
    """
    found = [
        (own_step, path.stat().st_mtime, path, own_split, search)
        for path, (own_split, own_step, search) in _files(run, task).items()
        if split in (None, own_split) and step in (None, own_step)
    ]
    for own_step, _, path, own_split, search in sorted(found, reverse=True):
        kept = _read(path, own_split, own_step, search)
        if len(kept):
            return kept
    return None


def splits(run: run_folder.RunFolder, task: task_lib.Task) -> set[str]:
    """Returns the splits of a problem of which a run keeps decodes."""
    return {split for split, *_ in _files(run, task).values()}


def _files(
    run: run_folder.RunFolder, task: task_lib.Task
) -> dict[pathlib.Path, tuple[str, int, str]]:
    """Returns the files of a problem's decodes, with split, step and search of each."""
    paths = run.decodes.glob(f"{task.name}.*.jsonl") if run.decodes.is_dir() else ()
    named = {path: _parsed(path.name, task) for path in paths}
    return {path: parsed for path, parsed in named.items() if parsed is not None}


def _parsed(name: str, task: task_lib.Task) -> tuple[str, int, str] | None:
    """Returns split, step and search of a file's name; see `decoding.decode.kept_path`."""
    rest = name.removeprefix(f"{task.name}.").removesuffix(".jsonl")
    for split in sorted(task.splits, key=len, reverse=True):
        match = re.fullmatch(rf"{re.escape(split)}\.(\d+)(?:\.(.*))?", rest)
        if match:
            return split, int(match[1]), match[2] or ""
    return None


def _read(path: pathlib.Path, split: str, step: int, search: str) -> KeptDecodes:
    outputs: list[str] = []
    references: list[tuple[str, ...]] = []
    keys: list[str] = []
    measured: list[dict[str, float]] = []
    inputs: list[Any] = []
    scores: list[float] = []
    places: list[int] = []
    damaged = 0
    with path.open("rb") as file:
        for place, line in enumerate(file):
            try:
                answer = json.loads(line)
                own = tuple(map(str, answer.get("references") or [answer["reference"]]))
                output, score = str(answer["outputs"]), float(answer["score"])
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                damaged += 1
                continue
            outputs.append(output)
            references.append(own)
            scores.append(score)
            places.append(place)
            inputs.append(answer.get("inputs"))
            if isinstance(answer.get("key"), str):
                keys.append(answer["key"])
            if isinstance(answer.get("measured"), dict):
                measured.append(answer["measured"])
    decodes = base.Decodes(
        outputs,
        references,
        keys if len(keys) == len(outputs) else (),
        measured if len(measured) == len(outputs) else (),
    )
    return KeptDecodes(path, split, step, search, inputs, scores, places, decodes, damaged)
