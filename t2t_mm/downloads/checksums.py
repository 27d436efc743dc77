"""Checksums: what is known of the files that were downloaded, in `checksums.json`."""

from __future__ import annotations

import pathlib
import threading
from typing import Any

from t2t_mm import errors
from t2t_mm.downloads import declaration, verification
from t2t_mm.files import atomic, content


class Checksums:
    """`checksums.json` of a corpus's folder; written anew with each file that comes.

    One process at a time: hold a lock. Its own threads may share it.

    Args:
      folder: `MANUAL_DIR/CORPUS`.

    Raises:
      DataError: when the file is damaged.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        from t2t_mm.schemas import downloads, json_files

        self.folder = folder
        self.path = folder / declaration.CHECKSUMS
        self._lock = threading.Lock()
        self._files: dict[str, Any] = {}
        try:
            read = json_files.read(
                self.path,
                downloads.Checksums,
                error=errors.DataError,
                hint="Remove it: what is there is compared with its declaration again",
            )
        except (FileNotFoundError, NotADirectoryError):
            return
        self._files = dict(read["files"])

    def knows(self, download: declaration.Download) -> bool:
        """Says whether a hash of the file is known: declared, or seen by an earlier call."""
        return download.verified or download.name in self._files

    def expected(self, download: declaration.Download) -> declaration.Download:
        """Returns the download with the hash that was seen, where none is declared."""
        seen = self._files.get(download.name)
        if download.verified or seen is None:
            return download
        return declaration.Download(
            download.url,
            seen["size"],
            seen["sha256"],
            path=download.name,
            mirrors=download.mirrors,
        )

    def check(self, download: declaration.Download) -> None:
        """Checks that a file is as declared, or as seen before, and records its hash.

        It is read again only when it was changed since its hash was computed.

        Raises:
          DataError: it is another one.
        """
        path = self.folder / download.name
        seen = self._files.get(download.name, {})
        status = path.stat()
        declared = self.expected(download)
        same = (
            seen.get("size") == status.st_size
            and seen.get("mtime_ns") == status.st_mtime_ns
            and declared.size in (None, status.st_size)
            and declared.sha256 in ("", seen.get("sha256"))
        )
        if same:
            return
        try:
            wrong = verification.content_wrong(path, declared)
        except OSError as error:
            raise errors.DataError(
                f"{path} cannot be read", received=error.strerror or error
            ) from error
        if wrong:
            raise errors.DataError(
                f"{path} is not the file that is to be downloaded there",
                received=wrong,
                expected=declared.content_words
                + ("" if download.verified else f", as {self.path} says"),
                hint="Remove it, to download it anew",
            )
        self.add(download, url=str(seen.get("url") or download.url))

    def add(self, download: declaration.Download, *, url: str) -> None:
        """Records a whole file that lies at its final path.

        Args:
          download: of the file.
          url: that it came from.
        """
        path = self.folder / download.name
        status = path.stat()
        digest = download.sha256 or content.sha256(path)
        with self._lock:
            self._files[download.name] = {
                "size": status.st_size,
                "sha256": digest,
                "url": url,
                "verified": download.verified,
                "mtime_ns": status.st_mtime_ns,
            }
            atomic.write_json(self.path, {"files": dict(sorted(self._files.items()))})
