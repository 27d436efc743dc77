"""Stores: files at a URL, read and written whole, by fsspec.

A file arrives under its name whole or not at all: object stores show an upload when it is
complete, and elsewhere a temporary name is used. Size and, where the store tells it, MD5
are compared after each transfer; of an upload whose MD5 is not told, the bytes are read back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import os
import pathlib
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from t2t_mm import errors

T = TypeVar("T")

TIMEOUT_VARIABLE = "T2T_MM_STORE_TIMEOUT_S"
_TIMEOUT_S = 30.0
_TRIES = 4
_PAUSE_S = 0.2  # before the second try; doubled before each further one
_CHUNK_BYTES = 1 << 20
_MD5 = re.compile(r"[0-9a-f]{32}")
_OBJECTS = frozenset(
    ("s3", "s3a", "gs", "gcs", "hf", "az", "abfs", "abfss", "adl", "oci", "oss", "memory")
)
"""Schemes of stores in which an upload appears at its end, as a whole."""

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub"}
_TAGS = ("ETag", "etag", "md5Hash", "LastModified", "updated", "mtime", "created", "blob_id")
_FINAL = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket", "403")
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file in a store: its size in bytes, and what changes whenever its content does."""

    size: int
    tag: str


class _TransferError(OSError):
    """A transfer that ended without an error, but not with the whole file."""


class Store:
    """The files below a URL.

    Args:
      url: of a folder.

    Raises:
      ConfigError: for a scheme that fsspec does not know, or whose package is missing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._scheme = url.partition("://")[0].lower()
        self._fs, self._root = _opened(url, self._scheme)
        if hasattr(self._fs, "retries"):
            self._fs.retries = 1  # of s3fs; see `_settings`

    def listing(self, below: str = "") -> dict[str, Entry]:
        """Returns the files below a folder of the URL, by their path below the URL itself.

        A name with a part that begins with a dot is hidden, and left out.

        Raises:
          DataError: when the store cannot be read.
        """
        place = self._place(below)

        def find() -> dict[str, Any]:
            self._fs.invalidate_cache()
            found = dict(self._fs.find(place, detail=True))
            if not found:
                self._check_bucket()
            return found

        found = self._tried("read", below, find)
        files = {}
        for key, about in found.items():
            name = str(key).removeprefix(self._root).strip("/")
            if about.get("type") == "file" and not hidden(name) and not str(key).endswith("/"):
                files[name] = _entry(about)
        return files

    def get(self, name: str, path: pathlib.Path, entry: Entry) -> None:
        """Reads a file to `path`, which is replaced when all of it has arrived.

        Args:
          name: below the URL.
          path: on this machine.
          entry: as of `listing`.

        Raises:
          DataError: when it cannot be read whole.
        """
        temporary = path.with_name(f".{path.name[:48]}.{secrets.token_hex(4)}.tmp")

        def read() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fs.get_file(self._place(name), str(temporary))
            size, md5 = _measured(temporary)
            if size != entry.size:
                raise _TransferError(f"{size:,} of {entry.size:,} bytes arrived")
            if _MD5.fullmatch(entry.tag) and md5 != entry.tag:
                raise _TransferError(f"the bytes have MD5 {md5[:12]}, not {entry.tag[:12]}")
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)

        try:
            self._tried("read", name, read)
        finally:
            temporary.unlink(missing_ok=True)

    def put(self, path: pathlib.Path, name: str) -> Entry:
        """Writes a file under a name, whole or not at all, and compares what is there.

        Raises:
          DataError: when it cannot be written.
        """
        return self._tried("write", name, functools.partial(self._put, path, name))

    def _put(self, path: pathlib.Path, name: str) -> Entry:
        place = self._place(name)
        size, md5 = _measured(path)  # one that changes before it is sent is measured again
        if self._scheme in _OBJECTS:
            self._fs.put_file(str(path), place)
        else:
            folder, _, last = place.rpartition("/")
            self._fs.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/.{last[:48]}.{secrets.token_hex(4)}.tmp"
            try:
                self._fs.put_file(str(path), temporary)
                self._fs.mv(temporary, place)
            finally:
                with contextlib.suppress(OSError):
                    self._fs.rm_file(temporary)
        self._fs.invalidate_cache()
        entry = _entry(self._fs.info(place))
        if entry.size != size:
            raise _TransferError(f"{entry.size:,} of {size:,} bytes are there")
        if entry.tag != md5 and self._md5(place) != md5:
            # Not each store, nor each kind of encryption, tells the MD5.
            raise _TransferError("other bytes are there than were written")
        return entry

    def remove(self, name: str) -> None:
        """Removes a file, if it is there.

        Raises:
          DataError: when it cannot be removed.
        """

        def remove() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._place(name))

        self._tried("write", name, remove)

    def _md5(self, place: str) -> str:
        digest = hashlib.md5(usedforsecurity=False)
        with self._fs.open(place, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def _place(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _check_bucket(self) -> None:
        """Raises FileNotFoundError for a bucket that does not exist; it looks empty otherwise."""
        bucket = self._root.strip("/").partition("/")[0]
        if self._scheme in ("s3", "s3a", "gs", "gcs") and bucket:
            self._fs.ls(bucket, refresh=True)

    def _tried(self, verb: str, name: str, work: Callable[[], T]) -> T:
        """Returns what `work` does, tried again where that may help.

        Raises:
          DataError: it fails, in whatever way the store's library puts it.
        """
        where = f"{self.url.rstrip('/')}/{name}" if name else self.url
        for tried in range(_TRIES):
            try:
                return work()
            except errors.UserError:
                raise
            except Exception as error:  # each store's library has errors of its own
                if tried == _TRIES - 1 or _is_final(error):
                    raise _told(verb, where, error) from error
                time.sleep(_PAUSE_S * 2**tried)
        raise AssertionError  # the last try returns or raises


def hidden(name: str) -> bool:
    """Says whether a path below a folder has a part that begins with a dot."""
    return any(part.startswith(".") for part in name.split("/"))


def _opened(url: str, scheme: str) -> tuple[Any, str]:
    """Returns the file system of a URL, and its path there."""
    hint = "Install it: pip install 't2t-mm[storage]'"
    try:
        import fsspec

        fs, root = fsspec.core.url_to_fs(url, **_settings(scheme))
    except ImportError as error:
        package = _PACKAGES.get(scheme, "fsspec")
        raise errors.ConfigError(
            f"{url} needs the package {package.replace('_', '-')}", received=error, hint=hint
        ) from error
    except ValueError as error:
        from fsspec.registry import known_implementations

        raise errors.ConfigError(
            f"There is no storage of the kind {scheme}://",
            received=url,
            expected="s3://, gs://, hf:// or another that fsspec knows, or a path",
            hint=errors.did_you_mean(scheme, known_implementations),
        ) from error
    return fs, str(root).rstrip("/")


def _settings(scheme: str) -> Mapping[str, Any]:
    """Returns what a file system is opened with: bounds of time, for none would hang else."""
    if scheme not in ("s3", "s3a"):
        return {}
    timeout = _timeout_s()
    return {
        "config_kwargs": {
            "connect_timeout": min(timeout, 10.0),
            "read_timeout": timeout,
            "retries": {"total_max_attempts": 1},  # here is one loop of tries, not three
        }
    }


def _timeout_s() -> float:
    text = os.environ.get(TIMEOUT_VARIABLE, "")
    try:
        seconds = float(text) if text else _TIMEOUT_S
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise errors.ConfigError(
            f"Bad value of {TIMEOUT_VARIABLE}", received=text, expected="seconds, more than 0"
        )
    return seconds


def _entry(about: Mapping[str, Any]) -> Entry:
    """Returns the size and the tag of a file out of what a store tells of it."""
    tag = next((str(about[name]) for name in _TAGS if about.get(name)), "")
    return Entry(int(about.get("size") or 0), tag.strip('"'))


def _measured(path: pathlib.Path) -> tuple[int, str]:
    """Returns the bytes of a file, and their MD5 in hex."""
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _is_final(error: Exception) -> bool:
    """Says whether another try would fail as this one."""
    return (
        isinstance(error, FileNotFoundError | PermissionError | NotImplementedError)
        or type(error).__name__ in _NO_CREDENTIALS
        or any(word in str(error) for word in _FINAL)
    )


def _told(verb: str, where: str, error: Exception) -> errors.DataError:
    name, text = type(error).__name__, " ".join(str(error).split())
    if isinstance(error, FileNotFoundError) or "NoSuchBucket" in text:
        what, hint = "it does not exist", "Is the bucket right?"
    elif isinstance(error, PermissionError) or name in _NO_CREDENTIALS or _is_final(error):
        what = f"the store refuses it: {text or name}"
        hint = "Are the credentials right, and allowed to do this?"
    else:
        what = f"{text or name}, after {_TRIES} tries"
        hint = "What was written before is whole; the same command goes on when the store does"
    return errors.DataError(f"Cannot {verb} {where}", received=what, hint=hint)
