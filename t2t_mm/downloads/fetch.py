"""fetch: brings the files of some corpora to their folders, several at a time.

All is checked first: hashes that are missing, room on the disk, files that are there already.
A file appears under its name only when it is whole; what came of others is kept for the next
call.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import pathlib
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from t2t_mm import errors
from t2t_mm.downloads import checksums, control, declaration, partial, transfer
from t2t_mm.files import atomic, content

AT_ONCE = 4
LOCK = ".downloads.lock"
_TOLD_S = 0.2
_SHOWN = 3


class Report(Protocol):
    """Who is told of the progress; `datagen.progress.Progress` is one."""

    def start(self, what: str, total: int | None = None, *, unit: str = "examples") -> None:
        """A task begins."""

    def update(self, done: int) -> None:
        """So much of it is done."""

    def finish(self, done: int) -> None:
        """It has succeeded."""

    def say(self, text: str) -> None:
        """A line for the user."""


@dataclasses.dataclass(frozen=True)
class _File:
    """A file that is still to come: its declaration, where it goes, who keeps its hash."""

    download: declaration.Download
    part: partial.Part
    checksums: checksums.Checksums


def fetch(
    corpora: Mapping[pathlib.Path, Sequence[declaration.Download]],
    report: Report,
    *,
    offline: bool = False,
    allow_unverified: bool = False,
    patience: control.Patience | None = None,
) -> None:
    """Brings all files of some corpora to their folders.

    A second process waits for the first, and finds what that has brought.

    Args:
      corpora: the files by the folder (`MANUAL_DIR/CORPUS`) that gets them.
      report: is told of the progress, in bytes.
      offline: open no connection; files that are missing are listed, and are an error.
      allow_unverified: take files of which no hash is published. The hash that is seen is
        recorded, and later calls compare.
      patience: of the transfers.

    Raises:
      DataError: a file cannot be had, is another one, or has no room; a file without a
        published hash is not allowed.
    """
    with contextlib.ExitStack() as stack:
        missing: list[_File] = []
        for folder, downloads in sorted(corpora.items()):
            if not offline:
                lock = atomic.lock(folder / LOCK, f"the downloads in {folder}", waiting=report.say)
                stack.enter_context(lock)
            missing += _missing(folder, downloads, allow_unverified=allow_unverified)
        if not missing:
            return
        if offline:
            raise _to_place(missing, report)
        if not allow_unverified:
            _check_verified(missing)
        _check_room(missing)
        _transfer(missing, report, patience or control.Patience())


def _missing(
    folder: pathlib.Path, downloads: Sequence[declaration.Download], *, allow_unverified: bool
) -> list[_File]:
    """Returns the files that are not there; each name once, as problems share corpora."""
    known = checksums.Checksums(folder)
    missing = []
    for name, download in {download.name: download for download in downloads}.items():
        if not (folder / name).exists():
            missing.append(_File(download, partial.Part(folder / name), known))
            continue
        if not known.knows(download) and not allow_unverified:
            raise _unverified([str(folder / name)])
        known.check(download)
    return missing


def _to_place(missing: Sequence[_File], report: Report) -> errors.DataError:
    """Lists the missing files, with the places where to put them, and returns the error."""
    for file in missing:
        expected = file.checksums.expected(file.download)
        urls = " or ".join(file.download.urls)
        report.say(f"place {file.part.target} ({expected.content_words}) from {urls}")
    first = missing[0]
    return errors.DataError(
        f"{_count(len(missing))} not there, and --offline opens no connection",
        received=errors.first_few([str(file.part.target) for file in missing], _SHOWN),
        expected=f"{first.checksums.expected(first.download).content_words}, from "
        f"{first.download.url}" + ("" if len(missing) == 1 else ", and so on as listed above"),
        hint="Place the files there, or leave --offline out",
    )


def _count(number: int) -> str:
    return "1 file of the corpus is" if number == 1 else f"{number:,} files of the corpora are"


def _check_verified(missing: Sequence[_File]) -> None:
    unknown = [file.download.url for file in missing if not file.checksums.knows(file.download)]
    if unknown:
        raise _unverified(unknown)


def _unverified(what: Sequence[str]) -> errors.DataError:
    return errors.DataError(
        f"No hash is published of {errors.first_few(what, _SHOWN)}",
        expected="a declared sha256, with which the content could be compared",
        hint="--allow_unverified takes it as it comes, and records the hash that was seen",
    )


def _check_room(missing: Sequence[_File]) -> None:
    """Raises where a disk has less room than the declared sizes, less what is there, take."""
    needed: collections.Counter[int] = collections.Counter()
    places: dict[int, pathlib.Path] = {}
    for file in missing:
        folder = atomic.existing(file.part.target.parent)
        device = folder.stat().st_dev
        places.setdefault(device, folder)
        needed[device] += max(0, (file.download.size or 0) - file.part.size)
    for device, size in needed.items():
        free = atomic.free_bytes(places[device])
        if size > free:
            raise errors.DataError(
                f"The disk of {places[device]} has no room for "
                + errors.first_few([file.download.name for file in missing], _SHOWN),
                received=f"{content.mebibytes(free)} free",
                expected=content.mebibytes(size),
                hint="Free some space there, or name another folder with --manual_dir",
            )


def _transfer(missing: Sequence[_File], report: Report, patience: control.Patience) -> None:
    """Brings the files in a few threads, and stops all of them at the first failure."""
    done = _Counter(sum(file.part.size for file in missing))
    transfers = transfer.Transfers(patience, watch=done.add, say=report.say)
    sizes = [file.download.size for file in missing]
    known = [size for size in sizes if size is not None]
    names = errors.first_few([file.download.name for file in missing], _SHOWN)
    report.start(
        f"download {names}", sum(known) if len(known) == len(sizes) else None, unit="bytes"
    )
    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="download")
    try:
        left = {pool.submit(_bring, file, transfers) for file in missing}
        while left:
            ended, left = concurrent.futures.wait(
                left, _TOLD_S, return_when=concurrent.futures.FIRST_EXCEPTION
            )
            report.update(done.value)
            for future in ended:
                future.result()
    finally:
        transfers.stop()
        pool.shutdown(cancel_futures=True)
    report.finish(done.value)


def _bring(file: _File, transfers: transfer.Transfers) -> None:
    """Brings one file; runs in a thread."""
    with atomic.writing(file.part.target):
        file.part.target.parent.mkdir(parents=True, exist_ok=True)
    expected = file.checksums.expected(file.download)
    url = transfers.run(expected, file.part)
    file.part.publish()
    file.checksums.add(file.download, url=url)


class _Counter:
    """Bytes on the disk, counted by several threads."""

    def __init__(self, value: int) -> None:
        self.value = value
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self.value += count
