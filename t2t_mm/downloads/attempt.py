"""One request for a file, or for the rest of it, continued only where that is safe.

Without a validator, only a file whose hash is declared is continued: the hash decides.
"""

from __future__ import annotations

import re
import time
import urllib.parse
from typing import Any

import requests
import urllib3

from t2t_mm import errors, version
from t2t_mm.corpus import streams
from t2t_mm.downloads import control as control_lib
from t2t_mm.downloads import declaration, failures, partial, verification
from t2t_mm.files import atomic, content

_CHUNK_BYTES = 1 << 18
_MOST_REDIRECTS = 8
_SLOWEST_BYTES = 1 << 10
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_PAGES = (".htm", ".html", ".xhtml")
_MARKED_UP = (*_PAGES, ".sgm", ".sgml", ".svg", ".xml")
_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


class Try:
    """One request for a file, or for what is missing of it."""

    def __init__(
        self,
        url: str,
        download: declaration.Download,
        part: partial.Part,
        session: requests.Session,
        control: control_lib.Control,
    ) -> None:
        self._url, self._download, self._part = url, download, part
        self._session, self._control = session, control

    def run(self) -> None:
        """Brings the file to the part, whole and with the declared hash.

        Raises:
          TransferError: in all other cases.
        """
        start = self._start()
        size = self._download.size
        if size is None or start < size:
            self._request(start)
        self._verify(resumed=start > 0)

    def _start(self) -> int:
        """Returns from which byte on to ask; what cannot be continued is dropped."""
        size, limit = self._part.size, self._download.size
        url, validator = self._part.origin()
        same = bool(validator) and url == self._url
        if size and ((limit is not None and size > limit) or not (same or self._download.verified)):
            self._control.watch(-self._part.drop())
            return 0
        return size

    def _request(self, start: int) -> None:
        headers = {
            "Accept-Encoding": "identity",  # the file as it is; a range of it, too
            "User-Agent": f"t2t-mm/{version.__version__}",
        }
        url, validator = self._part.origin()
        if start:
            headers["Range"] = f"bytes={start}-"
            if validator and url == self._url:
                headers["If-Range"] = validator
        patience = self._control.patience
        try:
            with self._open(headers) as response, self._control.tracked(response.raw):
                self._control.check_stop()
                self._receive(response, start)
        except _ERRORS as error:
            self._control.check_stop()
            raise failures.of_error(
                error, connect_s=patience.connect_s, read_s=patience.read_s
            ) from error

    def _open(self, headers: dict[str, str]) -> requests.Response:
        """Sends the request, and follows redirects, but not to where reading is less safe."""
        url = self._url
        patience = self._control.patience
        for _ in range(_MOST_REDIRECTS):
            response = self._session.get(
                url,
                headers=headers,
                stream=True,
                timeout=(patience.connect_s, patience.read_s),
                allow_redirects=False,
            )
            if not response.is_redirect:
                return response
            response.close()
            to = urllib.parse.urljoin(url, response.headers["Location"])
            old, new = (urllib.parse.urlsplit(each).scheme for each in (url, to))
            if new not in ("http", "https"):
                raise failures.TransferError(f"it redirects to {to}, which is no web address")
            if (old, new) == ("https", "http"):
                raise failures.TransferError(f"it redirects to plain http, {to}")
            url = to
        raise failures.TransferError(f"it redirects more than {_MOST_REDIRECTS} times")

    def _receive(self, response: requests.Response, start: int) -> None:
        """Writes the body to the part, from its first byte or from `start` on."""
        validator = _validator(response)
        total = self._total(response, start, validator)
        if response.status_code != requests.codes.partial_content:
            start = 0  # the whole file, whatever was asked for
        decoded = self._is_coded(response, total)
        if decoded:
            validator, total = "", None  # bytes of the coding cannot be continued
        raw = response.raw
        ends = raw.chunked or "Content-Length" in response.headers
        if not (ends or self._download.verified or self._download.size):
            raise failures.TransferError(
                "it does not tell the size, so a part could pass for the whole"
            )
        first = raw.read1(_CHUNK_BYTES, decode_content=decoded)
        if start == 0:
            self._check_kind(first, response)
        if total is not None:
            self._check_size(total)
            self._check_room(total - start)
        had = self._part.size
        if start == 0:
            self._part.begin(self._url, validator)
        with atomic.writing(self._part.path):
            # Unbuffered: what could not be written must not be written again by closing it.
            file = self._part.path.open("r+b" if start else "wb", buffering=0)
        with file:
            self._control.watch(start - had)
            with atomic.writing(self._part.path):
                file.seek(start)
            reached = self._write(file, first, raw, start, decoded=decoded)
            with atomic.writing(self._part.path):
                atomic.flush(file)
        expected = total if total is not None else self._download.size
        if expected is not None and reached != expected:
            if decoded:
                self._control.watch(-self._part.drop())
            raise failures.TransferError(
                f"the file is cut short: {reached:,} of {expected:,} bytes", passing=True
            )

    def _write(self, file: Any, first: bytes, raw: Any, start: int, *, decoded: bool) -> int:
        """Writes piece after piece, and returns the size that the file has then."""
        limit, patience = self._download.size, self._control.patience
        reached, data = start, first
        since, mark = time.monotonic(), start
        while data:
            reached += len(data)
            if limit is not None and reached > limit:
                self._control.watch(-self._part.drop())
                raise failures.TransferError(f"it is longer than the declared {limit:,} bytes")
            with atomic.writing(self._part.path):
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
            self._control.watch(len(data))
            self._control.check_stop()
            now = time.monotonic()
            if now - since > patience.read_s:
                if reached - mark < _SLOWEST_BYTES:
                    raise failures.TransferError(
                        f"the connection stalled: {reached - mark} bytes in {now - since:.0f} s",
                        passing=True,
                    )
                since, mark = now, reached
            data = raw.read1(_CHUNK_BYTES, decode_content=decoded)
        return reached

    def _total(self, response: requests.Response, start: int, validator: str) -> int | None:
        """Returns the size of the whole file by the headers; None where they do not tell.

        Raises:
          TransferError: the answer is none, or does not continue what is there.
        """
        status = response.status_code
        if status == requests.codes.ok:
            length = response.headers.get("Content-Length", "")
            return int(length) if length.isdecimal() else None
        if status == requests.codes.partial_content:
            found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
            url, had = self._part.origin()
            changed = bool(url == self._url and had and validator and had != validator)
            if start and found and int(found[1]) == start and not changed:
                return None if found[2] == "*" else int(found[2])
            self._control.watch(-self._part.drop())
            reason = "the file has changed there" if changed else "it sends another part of it"
            raise failures.TransferError(reason, passing=True)
        if status == requests.codes.requested_range_not_satisfiable:
            self._control.watch(-self._part.drop())
            raise failures.TransferError("it has no such part of the file", passing=True)
        raise failures.of_status(response)

    def _is_coded(self, response: requests.Response, total: int | None) -> bool:
        """Says whether the body is the file in a coding for transport, which was not asked for.

        Some servers call a file that is itself packed one of that coding: its bytes are the
        file's own, as its size tells, or else its name.
        """
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding in ("", "identity"):
            return False
        if coding not in urllib3.response.HTTPResponse.CONTENT_DECODERS:
            raise failures.TransferError(
                f"it sends the file in a coding that is not known, {coding!r}"
            )
        if self._download.size is not None and total is not None:
            return total != self._download.size
        return not self._download.name.lower().endswith((".gz", ".tgz"))

    def _check_kind(self, first: bytes, response: requests.Response) -> None:
        """Raises where a page came in place of the file: of an error, or to log in."""
        name = self._download.name.lower()
        typed = response.headers.get("Content-Type", "").lower().startswith("text/html")
        looks = streams.describe(first[: streams.HEAD_BYTES]).startswith("a web page")
        if (looks and not name.endswith(_MARKED_UP)) or (
            typed and not self._download.verified and not name.endswith(_PAGES)
        ):
            raise failures.TransferError("it sends a web page in place of the file")

    def _check_size(self, total: int) -> None:
        size = self._download.size
        if size is not None and total != size:
            raise failures.TransferError(f"the file has {total:,} bytes there, not {size:,}")

    def _check_room(self, count: int) -> None:
        free = atomic.free_bytes(self._part.target)
        if count > free:
            raise errors.DataError(
                f"The disk has no room for {self._part.target}",
                received=f"{content.mebibytes(free)} free",
                expected=content.mebibytes(count),
                hint="Free some space there, or name another folder with --manual_dir",
            )

    def _verify(self, *, resumed: bool) -> None:
        """Compares the content with what is declared; what is wrong is dropped."""
        wrong = verification.content_wrong(self._part.path, self._download)
        if wrong:
            head = streams.head(self._part.path)
            self._control.watch(-self._part.drop())
            kind = streams.describe(head)
            raise failures.TransferError(
                f"it sends another file ({wrong}; {kind})",
                passing=resumed,  # the file may have changed between two tries
            )


def _validator(response: requests.Response) -> str:
    """Returns what tells two versions of the file apart: only strong ones may be continued."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
