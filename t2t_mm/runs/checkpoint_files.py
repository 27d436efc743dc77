"""The files of checkpoints: hashing, moving in, finding, comparing and removing them.

A checkpoint of step 500 is `ckpt-500-0.index`, `ckpt-500-0.data-*` (TensorFlow's format)
and its sidecar `ckpt-500.json`, which lists them with their sha256 and is written last:
files without a sidecar were never published. No TensorFlow in here.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
from collections.abc import Mapping
from typing import Any

from t2t_mm import errors
from t2t_mm.files import content

Hashed = dict[str, Any]
"""Of a file its size and sha256: `{"bytes": ..., "sha256": ...}`."""

FORMAT = 1
MARK = "publishing"
_SIDECAR = re.compile(r"^ckpt-(\d+)\.json$")
_ANY = re.compile(r"^ckpt-\d+(-\d+)?\.(json|index|data-.*)$")


def steps(folder: pathlib.Path) -> list[int]:
    """Returns the steps of the published checkpoints, oldest first."""
    if not folder.is_dir():
        return []
    published = (_SIDECAR.match(path.name) for path in folder.iterdir())
    return sorted(int(match.group(1)) for match in published if match)


def sidecar_path(folder: pathlib.Path, step: int) -> pathlib.Path:
    """Returns the file whose presence publishes a checkpoint."""
    return folder / f"ckpt-{step}.json"


def read_sidecar(folder: pathlib.Path, step: int) -> dict[str, Any]:
    """Returns what the sidecar says: files, prefix, fingerprint, extra.

    Raises:
      CheckpointError: it does not read.
    """
    from t2t_mm.schemas import checkpoint as checkpoint_schemas
    from t2t_mm.schemas import json_files

    path = sidecar_path(folder, step)
    try:
        sidecar = json_files.read(
            path, checkpoint_schemas.Sidecar, error=errors.CheckpointError, finite=False
        )
    except FileNotFoundError as error:
        raise errors.CheckpointError(f"{path} is missing") from error
    for field, expected in (("format", FORMAT), ("step", step)):
        if sidecar[field] != expected:  # type: ignore[literal-required]
            raise errors.CheckpointError(
                f"{path} is damaged: {field}",
                received=sidecar[field],  # type: ignore[literal-required]
                expected=expected,
            )
    strange = [name for name in sidecar["files"] if not name.startswith(f"{sidecar['prefix']}.")]
    if strange:
        raise errors.CheckpointError(
            f"{path} is damaged: files", received=strange[0], expected=f"{sidecar['prefix']}.*"
        )
    return dict(sidecar)


def damage(folder: pathlib.Path, step: int) -> str:
    """Says what is damaged in a published checkpoint, by its hashes; empty if it is whole."""
    try:
        files = read_sidecar(folder, step)["files"]
        for name, expected in files.items():
            wrong = content.damage(folder / name, expected["bytes"], expected["sha256"], name=name)
            if wrong:
                return wrong
    except errors.CheckpointError as error:
        return str(error).rstrip(".")
    except OSError as error:
        return f"it does not read ({error.strerror}: {error.filename})"
    return ""


def remains(folder: pathlib.Path) -> list[str]:
    """Returns the files of checkpoints, without those never published."""
    if not folder.is_dir():
        return []
    never = _unpublished(folder)
    return sorted(p.name for p in folder.iterdir() if _ANY.match(p.name) and p.stem != never)


def without_sidecar(folder: pathlib.Path) -> list[str]:
    """Returns index files whose `ckpt-STEP.json` was published and is missing.

    Files older than every published checkpoint are not among them: their removal was
    interrupted.
    """
    published = steps(folder)
    orphans = []
    for name in remains(folder):
        match = re.fullmatch(r"ckpt-(\d+)-\d+\.index", name)
        step = int(match[1]) if match else -1
        if match and step not in published and step > min(published, default=-1):
            orphans.append(name)
    return orphans


def new_prefix(folder: pathlib.Path, step: int) -> str:
    """Returns a name for tensor files of `step` that no file has yet."""
    generation = 0
    while any(folder.glob(f"ckpt-{step}-{generation}.*")):
        generation += 1
    return f"ckpt-{step}-{generation}"


def hashed(scratch: pathlib.Path) -> dict[str, Hashed]:
    """Returns size and sha256 of the files `ckpt.*` of a scratch folder, by name."""
    return {
        path.name: {"bytes": path.stat().st_size, "sha256": content.sha256(path)}
        for path in sorted(scratch.glob("ckpt.*"))
    }


def move_in(
    scratch: pathlib.Path, folder: pathlib.Path, prefix: str, hashed: Mapping[str, Hashed]
) -> dict[str, Hashed]:
    """Moves hashed files from a scratch folder to their final names; returns them by these.

    A mark in the scratch folder names the files being moved, so that after a kill they are
    recognised as never published, and not taken for lost ones.
    """
    (scratch / MARK).write_text(prefix, encoding="utf-8")
    files = {}
    for name, known in hashed.items():
        path = scratch / name
        flush(path)
        final = prefix + name.removeprefix("ckpt")
        path.replace(folder / final)
        files[final] = known
    return files


def remove_unpublished(folder: pathlib.Path) -> None:
    """Removes files that were moved in, but whose sidecar was never written."""
    prefix = _unpublished(folder)
    if prefix is not None:
        for path in folder.glob(f"{prefix}.*"):
            path.unlink()


def remove_strays(folder: pathlib.Path) -> None:
    """Removes tensor files that no sidecar names; none while a sidecar does not read."""
    named: set[str] = set()
    for step in steps(folder):
        try:
            named |= set(read_sidecar(folder, step)["files"])
        except errors.CheckpointError:
            return
    for path in folder.iterdir():
        if _ANY.match(path.name) and path.suffix != ".json" and path.name not in named:
            path.unlink(missing_ok=True)


def link(source: pathlib.Path, target: pathlib.Path) -> None:
    """Creates a hard link, or a copy if the file system has no links."""
    if target.exists() and target.samefile(source):
        return
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        flush(target)


def flush(path: pathlib.Path) -> None:
    """Syncs a written file to disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _unpublished(folder: pathlib.Path) -> str | None:
    """Returns the prefix that a killed process was about to publish, if any."""
    for mark in folder.glob(f".writing-*/{MARK}"):
        prefix = mark.read_text(encoding="utf-8", errors="replace")
        match = re.fullmatch(r"ckpt-(\d+)-\d+", prefix)
        if match is None:
            continue
        sidecar = sidecar_path(folder, int(match.group(1)))
        if not sidecar.is_file() or f'"{prefix}"' not in sidecar.read_text("utf-8", "replace"):
            return prefix
    return None
