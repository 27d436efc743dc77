"""Download: a file of a corpus that can be had from a server, as a problem declares it."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import urllib.parse

from t2t_mm import errors

CHECKSUMS = "checksums.json"

_HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "md5": re.compile(r"[0-9a-f]{32}")}
_SCHEMES = ("http", "https")


@dataclasses.dataclass(frozen=True)
class Download:
    """A file at a URL, with what is known of its content.

    Args:
      url: of the file, by http or https.
      size: in bytes; None where it is not published.
      sha256: of its bytes, in hex; empty where it is not published. A file without any hash is
        only taken with `--allow_unverified`.
      md5: the same, where only that is published.
      path: below `MANUAL_DIR/CORPUS`, as in the published layout; by default the last part
        of `url`.
      mirrors: further URLs of the same file, tried in this order.

    Raises:
      PluginError: for a value that cannot be right.
    """

    url: str
    size: int | None = None
    sha256: str = ""
    _: dataclasses.KW_ONLY
    md5: str = ""
    path: str = ""
    mirrors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.mirrors, str):
            raise self._wrong(f"mirrors is a string; write ({self.mirrors!r},)")
        for url in self.urls:
            parts = urllib.parse.urlsplit(url)
            if parts.scheme not in _SCHEMES or not parts.hostname:
                raise self._wrong(f"its URL {url!r} is not one of http or https")
        if self.size is not None and self.size < 1:
            raise self._wrong(f"its size is {self.size:,} bytes")
        for name, pattern in _HEX.items():
            digest = getattr(self, name)
            if digest and not pattern.fullmatch(digest):
                raise self._wrong(f"its {name} is {digest!r}, not lower-case hexadecimal digits")
        parts_of_path = pathlib.PurePosixPath(self.name).parts
        if (
            not parts_of_path
            or any(part[0] in "./" or "\0" in part for part in parts_of_path)
            or self.name == CHECKSUMS
        ):
            raise self._wrong(f"its path {self.name!r} is none below the corpus's folder")

    @property
    def name(self) -> str:
        """The path of the file below the folder of its corpus."""
        last = urllib.parse.urlsplit(self.url).path.rpartition("/")[2]
        return self.path or urllib.parse.unquote(last)

    @property
    def urls(self) -> tuple[str, ...]:
        """The URL and its mirrors, in the order in which they are tried."""
        return (self.url, *self.mirrors)

    @property
    def verified(self) -> bool:
        """Whether a hash of the content is declared."""
        return bool(self.sha256 or self.md5)

    @property
    def digest_words(self) -> str:
        """The declared hash in words: "sha256 1f...", "md5 ...", "no published hash"."""
        if self.sha256:
            return f"sha256 {self.sha256}"
        return f"md5 {self.md5}" if self.md5 else "no published hash"

    @property
    def content_words(self) -> str:
        """Size and hash in words, for messages."""
        size = "a size that is not published" if self.size is None else f"{self.size:,} bytes"
        return f"{size}, {self.digest_words}"

    def _wrong(self, what: str) -> errors.PluginError:
        return errors.PluginError(
            f"A download is declared in a wrong way: {what}", received=self.url
        )
