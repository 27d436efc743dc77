"""RawFiles: the raw files of one corpus, as a problem's generator reads them.

Files that are missing, truncated or of different lengths raise a `DataError` that names
the file and, if there is one, the line. A line that is not UTF-8 makes a bad example, of
which a user may allow some.
"""

from __future__ import annotations

import collections
import html
import io
import itertools
import json
import os
import pathlib
import re
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from t2t_mm import errors
from t2t_mm.corpus import (
    archives,
    corpus_folder,
    folders,
    json_lists,
    parts,
    text_names,
    texts,
)
from t2t_mm.files import limits

if TYPE_CHECKING:
    import sqlite3

    from t2t_mm.corpus import database

T = TypeVar("T")

_SEGMENT = re.compile(r"<seg\b[^>]*>(.*?)</seg>", re.IGNORECASE | re.DOTALL)


class RawFiles(corpus_folder.CorpusFolder):
    """A corpus: its folder, with all that a generator reads of it.

    Args:
      root: the folder.
      layout: the files expected there, in a line or two; shown in errors.
      follow_links: read what symbolic links lead to outside of the folder, too.

    Attributes:
      boundary: refuses such links unless they are to be followed.
      damage: the lines that were not UTF-8, to explain bad examples made of them.
      scratch: a folder that all workers see, for `database`; None stands for one of its own.
      part: of the split that is to be read, by `numbered` and `share`; at first all of it.
    """

    def __init__(
        self, root: str | os.PathLike[str], layout: str = "", *, follow_links: bool = False
    ) -> None:
        super().__init__(root, layout, follow_links=follow_links)
        self._names: dict[bool, list[str]] = {}
        self._skipped: collections.Counter[str] = collections.Counter()
        self.damage = texts.Damage()
        self._folders = folders.Folders(self.boundary)
        self.part = parts.Part()
        self.scratch: pathlib.Path | None = None

    @property
    def skipped(self) -> dict[str, int]:
        """How many examples the generator has left out so far, by reason."""
        return dict(sorted(self._skipped.items()))

    def skip(self, reason: str) -> None:
        """Counts an example that the generator leaves out on purpose, for the manifest.

        For expected cases (a pair of texts that is too long, say); an example with an
        error raises a `BadExampleError` instead.

        Args:
          reason: in a few words, the same for all such examples.
        """
        self._skipped[reason] += 1

    def has_text(self, name: str) -> bool:
        """Says whether `lines` finds a text of this name, packed or not."""
        return self.root.is_dir() and text_names.find(self.boundary, name) is not None

    def names_in(self, folder: str) -> Collection[str]:
        """Returns the names of the files of a folder, unpacked or in a zip; none without one.

        Raises:
          DataError: for a damaged zip, and for a link that leads out of the corpus.
        """
        archive = self._folders.archive(folder)
        if archive is not None:
            self.note_use(archive)
        return self._folders.names(folder)

    def file(self, folder: str, name: str) -> folders.File | errors.BadExampleError:
        """Returns a file of a folder or zip, as the value of a picture or a sound.

        That a folder lacks it, reading tells; for a zip that does, the error is returned.
        """
        try:
            return self._folders.file(folder, name)
        except KeyError:
            return errors.BadExampleError(
                f"A file is not there: {name}",
                received=f"{len(self._folders.names(folder)):,} others of {folder} in "
                f"{self._folders.archive(folder)}",
            )

    def contents(self, name: str, *, endings: tuple[str, ...]) -> Iterator[archives.Content]:
        """Yields the files of a tar, compressed or not, in its order, with their content.

        For a tar that can be read from its beginning only; see `members` for others.

        Raises:
          DataError: when there is no such archive, or it is damaged.
        """
        path = self.path(name)
        self.note_use(path)
        yield from archives.contents(path, endings=endings)

    def names(self, pattern: str, *, packed: bool = True) -> list[str]:
        """Returns the names, for `lines`, of texts whose path ends like `pattern`.

        If the corpus has no folder of its own, so that the folder of all corpora is read,
        only archives at the top of that are searched.

        Args:
          pattern: matched from the right, as by `pathlib.PurePath.match`, ignoring case:
            "*.de-en.de", "dev/*.sgm".
          packed: search archives too; compressed ones must be read to their end for that.
        """
        if packed not in self._names:
            paths = self._paths()
            files = set(paths)
            if packed:
                looked = paths if self._sought is None else [p for p in paths if "/" not in p]
                files.update(text_names.packed_in(self.boundary, looked))
            self._names[packed] = sorted(set(map(text_names.unpacked_name, files)))
        lowered = pattern.lower()
        return [n for n in self._names[packed] if pathlib.PurePosixPath(n.lower()).match(lowered)]

    def _paths(self) -> list[str]:
        try:
            return text_names.files(self.boundary)
        except errors.BadExampleError as error:
            if self._sought is None:
                raise
            # The link may be another corpus; the likelier error is that this one is missing.
            raise errors.DataError(str(error), hint=f"There is no folder {self._sought}") from error

    def members(self, name: str) -> Iterator[archives.Member]:
        """Yields the files of a plain tar archive, to be read in place.

        A `Member` can replace a path as the value of a picture or a sound. For a nested tar
        `Member.members()` yields its files.

        Raises:
          DataError: when there is no such archive, or it is damaged.
        """
        path = self.path(name)
        self.note_use(path)
        yield from archives.members(path)

    def lines(self, name: str) -> Iterator[str]:
        r"""Yields the lines of a UTF-8 text, without their ends.

        Reads `name`, or else `name` with `.gz`, `.bz2` or `.xz`, or else the member of a
        tar (compressed or not) that would have this path if unpacked in place.
        A byte order mark and `\r` of `\r\n` are dropped. Only `\n` ends a line: other
        separators of Unicode occur inside sentences, and would misalign parallel texts.
        Bytes that are not UTF-8 become lone surrogates, so an example made of such a line
        is a bad one.

        Raises:
          DataError: for a text that is missing, unreadable, truncated, in UTF-16, or
            outside of the corpus by a link.
        """
        yield from self._lines(name)

    def numbered(self, *names: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yields the lines of parallel texts as tuples, each with its number, from 0.

        Of a part these are its own lines, with the numbers that they have in the whole: see
        `parts.of_texts`.

        Raises:
          DataError: as `parallel`.
        """
        span = self.part.range_of(names)
        if span is None:
            return  # they are of other parts
        if span.count is None:
            yield from enumerate(self.parallel(*names))
            return
        readers = [
            self._lines(name, offset=offset, first=span.first, count=span.count)
            for name, offset in zip(names, span.offsets, strict=True)
        ]
        yield from enumerate(zip(*readers, strict=True), start=span.first)

    def share(self, units: Iterable[T]) -> Iterator[T]:
        """Yields those of some files or folders that are of the part to be read.

        They must come in the same order each time: see `parts.of_units`.
        """
        return itertools.islice(units, self.part.share, None, self.part.shares)

    def _lines(
        self,
        name: str,
        longest: int | None = None,
        *,
        offset: int = 0,
        first: int = 0,
        count: int | None = None,
    ) -> Iterator[str]:
        text = self._text(name)
        yield from texts.read(
            text,
            self.damage,
            layout=self.layout,
            longest=longest,
            offset=offset,
            first=first,
            count=count,
        )

    def _text(self, name: str) -> texts.Text:
        text = text_names.find(self.boundary, name) if self.root.is_dir() else None
        if text is None:
            self.missing(name)
        self.note_use(text.path)
        return text

    def text(self, name: str) -> str:
        r"""Returns a whole text, with `\n` after each line, found as by `lines`.

        Raises:
          DataError: as `lines`, and for a text that is too large.
        """
        most = limits.largest_file()
        whole = io.StringIO()
        for line in self._lines(name, most):
            whole.write(line)
            whole.write("\n")
            if whole.tell() > most:
                raise errors.DataError(
                    f"{self.root / name} is too large to be read at once",
                    received=f"more than {most:,} characters",
                    hint=f"If it is what it should be, set {limits.FILE_VARIABLE} in the "
                    "environment",
                )
        return whole.getvalue()

    def objects(self, name: str, entry: str) -> Iterator[Any]:
        """Yields the objects of a list of a JSON file's top object, one in memory at a time.

        Args:
          name: of the file, found as by `lines`.
          entry: of the list: {"annotations": [...]}.

        Raises:
          DataError: for a file that is missing, unreadable or not JSON, or has no such list.
        """
        text = self._text(name)
        yield from json_lists.objects(text, entry, layout=self.layout)

    def database(self, name: str, build: database.Build) -> sqlite3.Connection:
        """Opens a SQLite database of annotations, which is made once for all workers.

        Args:
          name: of the database, one for each content.
          build: is called with the empty database, by the first worker that asks.

        Raises:
          DataError: it cannot be written.
        """
        from t2t_mm.corpus import database  # and SQLite: not at the start of every command

        if self.scratch is None:
            self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="t2t-mm-"))
            weakref.finalize(self, shutil.rmtree, self.scratch, ignore_errors=True)
        return database.opened(self.scratch, name, build)

    def json(self, name: str) -> Any:
        """Returns the content of a JSON file, found as by `lines`.

        Raises:
          DataError: for a file that cannot be read, or is not JSON.
        """
        content = self.text(name)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:  # the latter for too deep nesting
            raise errors.DataError(
                f"{self.root / name} is not JSON", received=error, expected=self.layout or None
            ) from error

    def parallel(self, *names: str) -> Iterator[tuple[str, ...]]:
        """Yields the lines of several parallel texts as tuples.

        Raises:
          DataError: at the end, with all counts, when their lengths differ.
        """
        readers = [self.lines(name) for name in names]
        count = 0
        row: tuple[Any, ...] = ()
        for row in itertools.zip_longest(*readers):
            if None in row:
                break
            yield row
            count += 1
        if None in row:
            counts = [
                count + (line is not None) + sum(1 for _ in reader)
                for line, reader in zip(row, readers, strict=True)
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
        segment_texts = segments(self.text(name))
        if not segment_texts:
            raise errors.DataError(
                f"{self.root / name} has no <seg> elements",
                expected=self.layout or "SGML as WMT publishes it",
            )
        yield from segment_texts


def segments(text: str) -> list[str]:
    """Returns the text of every `<seg>` of SGML or XML, without line ends and entities."""
    return [html.unescape(" ".join(segment.split())) for segment in _SEGMENT.findall(text)]
