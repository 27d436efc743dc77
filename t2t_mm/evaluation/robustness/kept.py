"""The measurements that a run folder keeps: `robustness/PROBLEM.json`, the newest of each."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from t2t_mm import errors
from t2t_mm.files import atomic
from t2t_mm.process import command_output
from t2t_mm.runs import run_folder
from t2t_mm.schemas import json_files
from t2t_mm.schemas import robustness as schema


def keep(folder: run_folder.RunFolder, problem: str, described: Mapping[str, Any]) -> pathlib.Path:
    """Writes what `Robustness.describe` gave of a problem, and returns the file."""
    path = folder.robustness / f"{problem}.json"
    atomic.write_text(path, command_output.to_json(described) + "\n")
    return path


def read(folder: run_folder.RunFolder) -> dict[str, schema.Robustness]:
    """Returns all measurements of a run by problem.

    Raises:
      DataError: for a file that is damaged.
    """
    hint = "mm-eval --robustness measures it again"
    return {
        path.stem: json_files.read(path, schema.Robustness, error=errors.DataError, hint=hint)
        for path in sorted(folder.robustness.glob("*.json"))
    }
