"""`export.json`: what an export says of itself, for servers and pages that read no Python."""

from __future__ import annotations

import datetime as dt
import pathlib
from collections.abc import Mapping
from typing import Any

from t2t_mm import version
from t2t_mm.exporting import signature
from t2t_mm.files import atomic
from t2t_mm.runs import loaded_run

FORMAT = 1
FILE = "export.json"
EXTRA = "assets.extra"
"""The folder of a SavedModel for files that TensorFlow does not read."""


def make(
    run: loaded_run.LoadedRun,
    *,
    name: str,
    number: int,
    sha256: str,
    signatures: Mapping[str, signature.Signature],
    examples: Mapping[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """Returns what `export.json` holds.

    Args:
      run: that was exported.
      name: of the export.
      number: the version.
      sha256: of the file of weights.
      signatures: by their names.
      examples: by name of problem, see `examples.take`.
    """
    return {
        "format": FORMAT,
        "name": name,
        "version": number,
        "run": str(run.folder.path.resolve()),
        "step": run.step,
        "model": run.folder.model_name,
        "precision": run.model.compute_dtype,
        "t2t_mm": version.__version__,
        "weights_sha256": sha256,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "signatures": {
            key: {**_described(one), "examples": examples.get(one.task.name, [])}
            for key, one in signatures.items()
        },
    }


def write(making: pathlib.Path, value: Mapping[str, Any]) -> None:
    """Writes `export.json` into the folder of a version."""
    atomic.write_json(making / EXTRA / FILE, value)


def _described(one: signature.Signature) -> dict[str, Any]:
    return {
        "problem": one.task.name,
        "inputs": {name: declared.describe() for name, declared in one.inputs.items()},
        "targets": one.task.targets.describe(),
        "search": one.settings.describe() if one.writes else {"n_best": one.n_best},
        "n_best": one.n_best,
        "samples": one.samples,
        "outputs": one.outputs,
        "metrics": list(one.task.metrics),
    }
