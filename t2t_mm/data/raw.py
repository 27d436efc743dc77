"""RawFiles: the raw files of one corpus, as a problem's generator reads them.

Whatever is wrong with them (missing, cut short, not UTF-8, of different
lengths) is a `DataError` that names the file, and the line where there is one.
"""

from __future__ import annotations

import codecs
import gzip
import html
import os
import pathlib
import re
import zlib
from collections.abc import Iterator
from typing import NoReturn

from t2t_mm import errors

_SEGMENT = re.compile(r"<seg\b[^>]*>(.*?)</seg>", re.IGNORECASE | re.DOTALL)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NAMES_SHOWN = 8


class RawFiles:
    """The folder that holds a corpus, in the layout in which it is published.

    Args:
      root: the folder.
      layout: the files expected there, in a line or two; shown in errors.
    """

    def __init__(self, root: str | os.PathLike[str], layout: str = "") -> None:
        self.root = pathlib.Path(root)
        self.layout = layout
        self._used: dict[str, int] = {}
        self._sought: pathlib.Path | None = None

    @classmethod
    def of(cls, manual_dir: str | os.PathLike[str], corpus: str, layout: str = "") -> RawFiles:
        """Opens `MANUAL_DIR/CORPUS` where that exists, else `MANUAL_DIR` itself."""
        folder = pathlib.Path(manual_dir)
        inner = folder / corpus
        if inner.is_dir():
            return cls(inner, layout)
        files = cls(folder, layout)
        files._sought = inner
        return files

    @property
    def used(self) -> dict[str, int]:
        """The texts read so far, by path below the root, with their bytes."""
        return dict(sorted(self._used.items()))

    def path(self, name: str) -> pathlib.Path:
        """Returns the path of a file or folder that must exist.

        Raises:
          DataError: when it does not; says what lies there and what should.
        """
        path = self.root / name
        if not path.exists():
            self._missing(name)
        return path

    def exists(self, name: str) -> bool:
        """Says whether a file or folder exists."""
        return (self.root / name).exists()

    def glob(self, pattern: str, *, optional: bool = False) -> list[pathlib.Path]:
        """Returns what matches `pattern`, sorted; hidden files are left out.

        Raises:
          DataError: when nothing does and it is not `optional`.
        """
        found = sorted(p for p in self.root.glob(pattern) if not p.name.startswith("."))
        if not found and not optional:
            self._missing(pattern, verb="matches")
        return found

    def lines(self, name: str) -> Iterator[str]:
        r"""Yields the lines of a UTF-8 text, plain or gzipped, without their ends.

        Takes `name`, or `name + ".gz"` where only that exists. A byte order mark
        and `\r\n` are dropped; only `\n` ends a line (not the other separators
        of Unicode, which occur inside sentences and would tear parallel texts).

        Raises:
          DataError: for bytes that are not UTF-8, with the number of the line, and
            for an archive that is cut short.
        """
        if not self.exists(name) and self.exists(name + ".gz"):
            name += ".gz"
        path = self.path(name)
        self._used[name] = path.stat().st_size
        opener = gzip.open if path.suffix == ".gz" else open
        number = 0
        try:
            with opener(path, "rb") as file:
                for number, line in enumerate(file, start=1):
                    if number == 1:
                        line = _without_mark(line, path)
                    yield line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            wrong = error.object[error.start : error.start + 1]
            raise errors.DataError(
                f"{path}, line {number}, is not UTF-8",
                received=f"byte 0x{wrong.hex()} at position {error.start + 1} of the line",
                hint="Convert the file, for example with iconv -f latin1 -t utf-8",
            ) from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise errors.DataError(
                f"{path} is not a whole gzip file (after line {number})",
                received=str(error),
                hint="Get the file again",
            ) from error
        except OSError as error:
            raise errors.DataError(
                f"{path} cannot be read", received=error.strerror, expected=self.layout or None
            ) from error

    def parallel(self, *names: str) -> Iterator[tuple[str, ...]]:
        """Yields the lines of several texts side by side.

        Raises:
          DataError: at the end, with all counts, when they are of different lengths.
        """
        texts = [self.lines(name) for name in names]
        count = 0
        while True:
            row = [next(text, None) for text in texts]
            whole = [line for line in row if line is not None]
            if len(whole) < len(row):
                break
            yield tuple(whole)
            count += 1
        if whole:
            counts = [
                count + (line is not None) + sum(1 for _ in text)
                for line, text in zip(row, texts, strict=True)
            ]
            raise errors.DataError(
                f"Parallel texts in {self.root} are of different lengths",
                received=", ".join(
                    f"{name} {count:,} lines" for name, count in zip(names, counts, strict=True)
                ),
                expected="line n of one to be the translation of line n of the other",
            )

    def sgml_segments(self, name: str) -> Iterator[str]:
        """Yields the text of every `<seg>` of a WMT SGML file.

        Raises:
          DataError: when it has none.
        """
        text = "\n".join(self.lines(name))
        found = _SEGMENT.findall(text)
        if not found:
            raise errors.DataError(
                f"{self.root / name} has no <seg> elements",
                expected=self.layout or "SGML as WMT publishes it",
            )
        for segment in found:
            yield html.unescape(" ".join(segment.split()))

    def _missing(self, name: str, *, verb: str = "is named") -> NoReturn:
        """Raises the error for a file that is not there."""
        if not self.root.is_dir():
            raise errors.DataError(
                f"The folder of raw files {self.root} does not exist",
                expected=self.layout or None,
                hint="Name its place with --manual_dir",
            )
        folder = (self.root / name).parent
        while not folder.is_dir():
            folder = folder.parent
        near = sorted(p.name for p in folder.iterdir())
        hint = errors.did_you_mean(pathlib.PurePath(name).name, near)
        if hint is None and self._sought is not None:
            hint = f"There is no folder {self._sought} either"
        shown = ", ".join(near[:_NAMES_SHOWN]) or "nothing"
        more = len(near) - _NAMES_SHOWN
        raise errors.DataError(
            f"No raw file {verb} {name!r} in {self.root}",
            received=f"{shown}{f' and {more:,} more' if more > 0 else ''} in {folder}",
            expected=self.layout or None,
            hint=hint,
        )


def _without_mark(line: bytes, path: pathlib.Path) -> bytes:
    if line.startswith(_UTF16):
        raise errors.DataError(
            f"{path}, line 1, is not UTF-8",
            received="the byte order mark of UTF-16",
            hint="Convert the file, for example with iconv -f utf-16 -t utf-8",
        )
    return line.removeprefix(codecs.BOM_UTF8)
