"""Limits of inputs: the largest number of tokens of a text, and which texts are truncated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2t_mm.data import task as task_lib
from t2t_mm.modality.language import declaration as language
from t2t_mm.settings import batching as batching_lib
from t2t_mm.settings import decoding


def of(
    task: task_lib.Task,
    batching: batching_lib.Batching,
    settings: decoding.DecodeSettings,
) -> dict[str, int]:
    """Returns the largest number of tokens of each input text, by its name.

    The end token of a text, and the first output token after a prefix, are not counted.

    Args:
      task: the problem.
      batching: of the run, with the limit of texts that declare none.
      settings: of the search, whose limit includes the prefix.
    """
    limits_by_name = {
        name: (declared.max_length or batching.max_length) - 1
        for name, declared in task.given().items()
        if isinstance(declared, language.Language)
    }
    if task_lib.PREFIX in limits_by_name:
        written = settings.within(task.targets, batching.max_length).max_length
        limits_by_name[task_lib.PREFIX] = min(
            limits_by_name[task_lib.PREFIX], written or limits_by_name[task_lib.PREFIX]
        )
    return limits_by_name


def is_cut(task: task_lib.Task, raw: Mapping[str, bytes], limits: Mapping[str, int]) -> bool:
    """Returns whether a text of an input is truncated.

    Args:
      task: whose input it is.
      raw: record bytes by input name; names that are left out count as empty.
      limits: as of `of`.
    """
    declared: Mapping[str, Any] = task.given()
    return any(
        len(task.vocabularies[declared[name].vocab].encode(raw[name].decode("utf-8"))) > limit
        for name, limit in limits.items()
        if name in raw
    )


def told(inputs: str, limits: Mapping[str, int]) -> str:
    """Returns a message about truncated inputs.

    Args:
      inputs: which, as in "3 of 100 inputs were".
      limits: as of `of`.
    """
    by = "--max_length, " if task_lib.PREFIX in limits else ""
    most = ", ".join(f"{limit:,} tokens of {name}" for name, limit in limits.items())
    return (
        f"Warning: {inputs} longer than what the model reads, and cut to {most} "
        f"({by}max_length of the problem's text, else Batching.max_length)."
    )
