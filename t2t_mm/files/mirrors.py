"""Mirrors: folders at URLs (s3://, gs://, hf:// and so on) as folders of this machine.

TensorFlow's readers and checkpoints know plain files only. So the folder at a URL has a mirror in
a cache, `T2T_MM_CACHE_DIR`: `fetch` brings what is new there, before it is read, and `push`
takes what was written. Files that say of others that they are whole (all JSON files: manifests,
sidecars of checkpoints) go last, and before a file is replaced, its folder's go first. So the
store holds old data, or new, or none that counts, whenever a transfer ends.

One process writes to a URL at a time: a lock holds on one machine only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from t2t_mm import errors
from t2t_mm.files import atomic

if TYPE_CHECKING:
    from t2t_mm.files import stores

CACHE_VARIABLE = "T2T_MM_CACHE_DIR"
_CACHE = "~/.cache/t2t-mm"
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<rest>.*)", re.DOTALL)
_COLLAPSED = re.compile(r"(?P<scheme>s3a?|gs|gcs|hf|az|abfss?|memory):/(?P<rest>[^/].*)", re.DOTALL)
"""A URL that has been a `pathlib.Path` in between, which has no double slash."""

_STATES = ".states"
_ALWAYS_LOCAL = ("raw_sample",)  # corpora that are made up again where they are wanted

_mirrors: dict[pathlib.Path, Mirror] = {}


def is_url(path: str | os.PathLike[str]) -> bool:
    """Says whether a path is a URL, such as "s3://bucket/data"."""
    return _matched(path) is not None


def local(path: str | os.PathLike[str]) -> pathlib.Path:
    """Returns the folder or file of this machine that mirrors a URL; nothing is read yet.

    Raises:
      ConfigError: for a URL without a bucket, or with parts like `..`.
    """
    match = _matched(path)
    if match is None:
        raise errors.ConfigError("That is no URL", received=os.fspath(path))
    scheme, parts = match["scheme"].lower(), match["rest"].strip("/").split("/")
    if not parts[0] or {"", ".", ".."} & set(parts) or "\0" in match["rest"]:
        raise errors.ConfigError(
            "A URL does not name a folder in a store",
            received=os.fspath(path),
            expected="SCHEME://BUCKET/FOLDER, such as s3://my-bucket/data",
        )
    cache = atomic.real(pathlib.Path(os.environ.get(CACHE_VARIABLE) or _CACHE).expanduser())
    root = cache.joinpath(scheme, *parts)
    slash = "/" if match["rest"].startswith("/") else ""  # of file:///absolute
    url = f"{scheme}://{slash}{'/'.join(parts)}"
    if root not in _mirrors or _mirrors[root].url != url:
        digest = hashlib.sha256(url.encode()).hexdigest()[:16]
        _mirrors[root] = Mirror(url, root, cache / _STATES / f"{digest}.json")
    return root


def fetch(path: pathlib.Path) -> None:
    """Brings what is new at the URL of a folder; does nothing for one that mirrors no URL.

    A folder is looked at once in a process.

    Raises:
      ConfigError: the store's package is missing.
      DataError: when the store cannot be read; then what was there before is as it was.
    """
    mirror = _of(path)
    if mirror is not None:
        mirror.fetch(path.relative_to(mirror.root).as_posix())


def push(path: pathlib.Path) -> None:
    """Takes what was written below a folder to its URL; does nothing without one.

    Raises:
      DataError: when the store cannot be written to.
    """
    mirror = _of(path)
    if mirror is not None:
        mirror.push()


def push_all() -> None:
    """Does `push` for all mirrors of this process, unless one has failed before."""
    for mirror in list(_mirrors.values()):
        if not mirror.has_failed:
            mirror.push()


def url_of(path: pathlib.Path) -> str | None:
    """Returns the URL that a path of this machine mirrors, or None."""
    mirror = _of(path)
    if mirror is None:
        return None
    below = path.relative_to(mirror.root).as_posix()
    return mirror.url if below == "." else f"{mirror.url}/{below}"


def shown(path: str | os.PathLike[str]) -> str:
    """Returns a path for people and command lines: the URL where it mirrors one."""
    return url_of(pathlib.Path(path)) or os.fspath(path)


def _matched(path: str | os.PathLike[str]) -> re.Match[str] | None:
    text = os.fspath(path)
    return _URL.fullmatch(text) or _COLLAPSED.fullmatch(text)


def _of(path: pathlib.Path) -> Mirror | None:
    """Returns the innermost mirror that holds a path."""
    if not _mirrors:
        return None
    return next((_mirrors[at] for at in (path, *path.parents) if at in _mirrors), None)


@dataclasses.dataclass(frozen=True)
class _Held:
    """What was last the same here and there: size and time of change here, size and tag there."""

    size: int
    changed_ns: int
    there: tuple[int, str]


class Mirror:
    """One URL and its folder.

    Args:
      url: of the folder, or of a file.
      root: the folder here.
      state: the file that keeps what is the same here and there.

    Attributes:
      has_failed: whether the last transfer did.
    """

    def __init__(self, url: str, root: pathlib.Path, state: pathlib.Path) -> None:
        self.url, self.root = url, root
        self.has_failed = False
        self._state = state
        self._fetched: set[str] = set()
        self._present: set[str] = set()  # seen here by this process: their absence is a removal
        self._held_store: stores.Store | None = None

    @property
    def _store(self) -> stores.Store:
        if self._held_store is None:
            from t2t_mm.files import stores

            self._held_store = stores.Store(self.url)
        return self._held_store

    def fetch(self, below: str) -> None:
        """Brings what is new below a folder of the URL; "." is the URL itself."""
        below = "" if below == "." else below
        if any(done in ("", below) or below.startswith(f"{done}/") for done in self._fetched):
            return
        self.has_failed = True
        there = self._store.listing(below)
        held, pending = self._read()
        known = {name: one for name, one in held.items() if _is_below(name, below)}
        is_other = {n: (e.size, e.tag) for n, e in there.items() if n not in pending} != {
            n: one.there for n, one in known.items() if n not in pending
        }
        try:
            for name in sorted(there, key=_order):
                entry, one, path = there[name], known.get(name), self.root / name
                same = one is not None and one.there == (entry.size, entry.tag)
                ours = same or name in pending
                if path.is_file() and ((ours and not is_other) or (same and _is_as(path, one))):
                    continue  # what was changed here and not there is still to be pushed
                self._store.get(name, path, entry)
                held[name] = _held(path, entry)
            if is_other:
                for name in self._names(below) - there.keys():
                    (self.root / name).unlink(missing_ok=True)
                    held.pop(name, None)
                pending = {name for name in pending if not _is_below(name, below)}
        finally:
            self._write(held, pending)
        self._present |= self._names(below)
        self._fetched.add(below)
        self.has_failed = False

    def push(self) -> None:
        """Takes what has changed to the URL; opens no connection where nothing has."""
        held, _ = self._read()
        names = self._names("")
        changed = {name for name in names if not _is_as(self.root / name, held.get(name))}
        gone = self._present & held.keys() - names
        if not changed and not gone:
            return
        self.has_failed = True
        pending = changed | gone
        self._write(held, pending)  # a push that is cut off is not taken for another's work
        try:
            for name in sorted(_outdated(changed | gone, held)):
                self._store.remove(name)
                del held[name]
            for name in sorted(changed, key=_order):
                self._take(name, held)
            for name in sorted(gone & held.keys(), key=_order, reverse=True):
                self._store.remove(name)
                del held[name]
            pending = set()
        finally:
            self._write(held, pending)
        self._present |= names
        self.has_failed = False

    def _take(self, name: str, held: dict[str, _Held]) -> None:
        """Writes one file to the URL; one that changes meanwhile, as logs do, goes next time."""
        path = self.root / name
        if not path.exists():
            return
        before = path.stat()
        entry = self._store.put(path, name)
        held[name] = _Held(before.st_size, before.st_mtime_ns, (entry.size, entry.tag))

    def _names(self, below: str) -> set[str]:
        """Returns the files here, below a folder, that are to be at the URL too."""
        return set(_walk(self.root, below))

    def _read(self) -> tuple[dict[str, _Held], set[str]]:
        """Returns what is the same here and there, and the names of a push that was cut off."""
        try:
            kept = json.loads(self._state.read_text("utf-8"))
            held = {
                name: _Held(size, changed, (there_size, tag))
                for name, (size, changed, there_size, tag) in kept["files"].items()
            }
            return held, set(kept["pending"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}, set()  # then all is compared anew

    def _write(self, held: Mapping[str, _Held], pending: set[str]) -> None:
        files = {name: [one.size, one.changed_ns, *one.there] for name, one in held.items()}
        values = {"url": self.url, "files": files, "pending": sorted(pending)}
        atomic.write_json(self._state, values)


def _walk(root: pathlib.Path, below: str) -> Iterator[str]:
    """Yields the paths of files below `root`, hidden ones and those that stay here left out."""
    if root.is_file():
        yield ""
    for folder, inner, names in os.walk(root / below):
        place = pathlib.Path(folder).relative_to(root)
        inner[:] = [
            name
            for name in sorted(inner)
            if name[0] != "." and not (place == pathlib.Path() and name in _ALWAYS_LOCAL)
        ]
        for name in names:
            if name[0] != ".":
                yield (place / name).as_posix()


def _is_below(name: str, below: str) -> bool:
    return not below or name == below or name.startswith(f"{below}/")


def _is_as(path: pathlib.Path, held: _Held | None) -> bool:
    """Says whether a file is as it was when it was last the same here and there."""
    if held is None:
        return False
    status = path.stat()
    return (status.st_size, status.st_mtime_ns) == (held.size, held.changed_ns)


def _held(path: pathlib.Path, entry: stores.Entry) -> _Held:
    status = path.stat()
    return _Held(status.st_size, status.st_mtime_ns, (entry.size, entry.tag))


def _closes(name: str) -> bool:
    """Says whether a file tells that others are whole."""
    return name.endswith(".json")


def _order(name: str) -> tuple[int, str]:
    """Returns a sort key: JSON files come last, after the graph of a SavedModel."""
    rank = 2 if _closes(name) else 1 if name.endswith("saved_model.pb") else 0
    return (rank, name)


def _outdated(touched: set[str], held: Mapping[str, _Held]) -> set[str]:
    """Returns the JSON files there that are about to tell what is no longer so.

    They are those that change themselves, in a folder of which another file is replaced or
    removed.
    """
    folders = {name.rpartition("/")[0] for name in touched if name in held and not _closes(name)}
    return {
        name
        for name in touched
        if name in held and _closes(name) and name.rpartition("/")[0] in folders
    }
