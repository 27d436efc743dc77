"""Examples of generated data that an export keeps, for pages that show some."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Callable
from typing import Any

from t2t_mm import errors
from t2t_mm.data import records
from t2t_mm.data import task as task_lib
from t2t_mm.exporting import description

FOLDER = "examples"
_BEGUN = 3
"""Words of a text that its example begins with, for a problem that has no inputs."""


def take(
    task: task_lib.Task, count: int, making: pathlib.Path, *, warn: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Returns the first examples of the split that follows the training one.

    Pictures and sounds are written to files within the version.

    Args:
      task: the problem; without data at hand there are no examples.
      count: how many at most.
      making: folder of the version.
      warn: is told in a line of data that cannot be read.
    """
    splits = task.splits[1:] or task.splits
    if not count or not task.has_data():
        return []
    try:
        files = task.manifest().files(splits[0])
        held = itertools.chain.from_iterable(map(records.read_examples, files))
        return [_one(task, n, e, making) for n, e in enumerate(itertools.islice(held, count))]
    except (errors.DataError, OSError) as error:
        warn(f"No examples of {task.name}: {error}")
        return []


def _one(
    task: task_lib.Task, number: int, example: dict[str, bytes], making: pathlib.Path
) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    reference = example[task_lib.TARGETS].decode("utf-8", "replace")
    begun = " ".join(reference.split()[:_BEGUN]).encode()
    for name, declared in task.given().items():
        data = example.get(name, begun)  # no record holds a prefix
        if declared.is_text:
            inputs[name] = data.decode("utf-8", "replace")
            continue
        file = f"{number}-{name}{declared.view().suffix(data)}"
        place = pathlib.Path(description.EXTRA, FOLDER, task.name, file)
        (making / place).parent.mkdir(parents=True, exist_ok=True)
        (making / place).write_bytes(data)
        inputs[name] = {"file": place.as_posix()}
    return {"inputs": inputs, "reference": reference}
