"""Whether a file is the one that is declared."""

from __future__ import annotations

import pathlib

from t2t_mm.corpus import streams
from t2t_mm.downloads import declaration
from t2t_mm.files import content


def content_wrong(path: pathlib.Path, download: declaration.Download) -> str:
    """Returns how a file differs from what is declared; empty where it does not."""
    size = path.stat().st_size
    if download.size is not None and size != download.size:
        return f"{size:,} bytes"
    for name in ("sha256", "md5"):
        declared = getattr(download, name)
        if declared and (found := content.digest(path, name)) != declared:
            return f"{name} {found}"
    if not download.verified:
        return _other_kind(path, download.name)
    return ""


def _other_kind(path: pathlib.Path, name: str) -> str:
    """Returns what a file without a declared hash is, where its name promises another kind."""
    kinds = {
        ".zip": "a zip archive",
        ".tgz": "a gzip file",
        ".tar": "a tar archive",
        **{ending: f"a {how} file" for ending, how in streams.ENDINGS.items()},
    }
    ending = pathlib.PurePosixPath(name.lower()).suffix
    seen = streams.describe(streams.head(path))
    return "" if kinds.get(ending, seen) == seen else f"not {kinds[ending]}"
