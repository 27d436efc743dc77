"""Finds exports in folders: EXPORT_DIR/NAME/VERSION, as TensorFlow Serving lays them out."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from t2t_mm import errors

MODEL_FILE = "saved_model.pb"
_DETAILS = pathlib.PurePath("assets.extra", "export.json")
_MOST_DETAILS_BYTES = 16 << 20


@dataclasses.dataclass(frozen=True)
class Root:
    """A folder given as `--export_dir`.

    Args:
      path: of the folder.
      is_export: whether it holds the versions of one export, not a folder for each export.
    """

    path: pathlib.Path
    is_export: bool


def roots(folders: Sequence[pathlib.Path]) -> list[Root]:
    """Returns what the folders are, once the server starts.

    Raises:
      ConfigError: one is no folder, or a version of an export.
    """
    return [_root(folder) for folder in folders]


def _root(folder: pathlib.Path) -> Root:
    if not folder.is_dir():
        raise errors.ConfigError(
            "--export_dir is no folder",
            received=folder,
            expected="a folder of exports, as mm-export writes it",
        )
    if (folder / MODEL_FILE).is_file():
        raise errors.ConfigError(
            "--export_dir is a version of an export",
            received=folder,
            expected="the folder of its versions, or one of several exports",
            hint=f"Give --export_dir={folder.absolute().parent}",
        )
    own = _versions(folder)
    is_export = any((path / MODEL_FILE).is_file() for path in own.values())
    return Root(folder, is_export or (bool(own) and not _exports_within(folder)))


def scan(found: Iterable[Root]) -> dict[str, tuple[pathlib.Path, dict[int, pathlib.Path]]]:
    """Returns the folder of each export and of its versions, by name and number.

    Raises:
      ConfigError: two folders hold exports of one name.
    """
    exports: dict[str, tuple[pathlib.Path, dict[int, pathlib.Path]]] = {}
    for root in found:
        if root.is_export:
            here = {root.path.absolute().name: (root.path, _versions(root.path))}
        else:
            here = _exports_within(root.path)
        for name, export in here.items():
            if name in exports and not export[0].samefile(exports[name][0]):
                raise errors.ConfigError(
                    f"Two exports are called {name}",
                    received=f"{exports[name][0]} and {export[0]}",
                    expected="one of them",
                )
            exports[name] = export
    return {name: export for name, export in exports.items() if export[1]}


def _exports_within(folder: pathlib.Path) -> dict[str, Any]:
    found = {child.name: (child, _versions(child)) for child in _folders(folder)}
    return {name: export for name, export in found.items() if export[1]}


def _versions(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """Returns the folders whose name is a whole number, by it."""
    found: dict[int, pathlib.Path] = {}
    for child in _folders(folder):
        if child.name.isascii() and child.name.isdecimal() and len(child.name) < 19:
            found.setdefault(int(child.name), child)
    return found


def _folders(folder: pathlib.Path) -> list[pathlib.Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:  # it was removed meanwhile, or may not be read: nothing is to be served there
        return []


def fingerprint(version: pathlib.Path) -> tuple[tuple[str, int, int], ...]:
    """Returns name, size and time of a version's files: another one may load where it did not."""
    found = []
    for path in sorted(version.rglob("*")):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((str(path.relative_to(version)), status.st_size, status.st_mtime_ns))
    return tuple(found)


def details(version: pathlib.Path) -> Mapping[str, Any]:
    """Returns `export.json` of a version; nothing where there is none, or none to be read."""
    path = version / _DETAILS
    try:
        if path.stat().st_size > _MOST_DETAILS_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
