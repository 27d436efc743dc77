"""The folder of exports: one default for `mm-export`, which fills it, and `mm-serve`."""

from __future__ import annotations

import os
import pathlib

from t2t_mm.files import mirrors, paths

VARIABLE = "T2T_MM_EXPORT_DIR"
FOLDER = "exports"
DEFAULT = f"${VARIABLE}, or {FOLDER}"


def export_dir(given: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Returns the folder that the user has named, the variable's, or `exports`."""
    folder = paths.expanded(given or os.environ.get(VARIABLE) or FOLDER)
    mirrors.fetch(folder)
    return folder
