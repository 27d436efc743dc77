"""The folder of exports: one default for `mm-export`, which fills it, and `mm-serve`."""

from __future__ import annotations

import os
import pathlib

from t2t_mm.files import paths

VARIABLE = "T2T_MM_EXPORT_DIR"
FOLDER = "exports"
DEFAULT = f"${VARIABLE}, or {FOLDER}"


def export_dir(given: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Returns the folder that the user has named, the variable's, or `exports`."""
    return paths.expanded(given or os.environ.get(VARIABLE) or FOLDER)
