"""The partial file of a download.

Bytes are written to `.NAME.part`; `.NAME.part.json` says from which URL they came, and the
validator (a strong ETag, or Last-Modified) with which the server may continue them (RFC 9110,
13.1.5).
"""

from __future__ import annotations

import pathlib

from t2t_mm import errors
from t2t_mm.files import atomic


class Part:
    """The partial file of a download, with its validator, beside the final one.

    Args:
      target: the path of the whole file.
    """

    def __init__(self, target: pathlib.Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.part")
        self._origin = target.with_name(f".{target.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes so far; 0 without a file."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def origin(self) -> tuple[str, str]:
        """Returns URL and validator of its bytes; empty texts where they are not known."""
        from t2t_mm.schemas import downloads, json_files

        try:
            read = json_files.read(self._origin, downloads.Partial, error=errors.DataError)
        except (FileNotFoundError, errors.DataError):
            return "", ""
        return read["url"], read["validator"]

    def begin(self, url: str, validator: str) -> None:
        """Notes where its bytes will come from."""
        atomic.write_json(self._origin, {"url": url, "validator": validator})

    def drop(self) -> int:
        """Removes it, and returns the bytes that it had."""
        with atomic.writing(self.path):
            size = self.size
            self.path.unlink(missing_ok=True)
            self._origin.unlink(missing_ok=True)
        return size

    def publish(self) -> None:
        """Renames it to the final path; it is synced already."""
        with atomic.writing(self.target):
            self.path.replace(self.target)
            self._origin.unlink(missing_ok=True)
        atomic.flush_folder(self.target.parent)
