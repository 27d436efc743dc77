"""Parts: pieces of a split's raw files that can each be read without the others.

A corpus of lines is cut into ranges of lines, one of many files (photos, recordings) into
shares of these. A worker then reads its own parts only. The part decides which examples are
read, never what they are: keys and line numbers are those of the whole corpus.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from t2t_mm.corpus import text_names, texts

if TYPE_CHECKING:
    from t2t_mm.corpus import raw

PART_BYTES = 8 << 20
"""Lines are cut into ranges of about so many bytes; smaller texts make a part together."""

_CHUNK_BYTES = 1 << 22
_PACKED_RATIO = 3  # bytes of a text for each of its compressed file, about


@dataclasses.dataclass(frozen=True)
class Range:
    """Lines of some parallel texts, by default all of them.

    Args:
      names: of the texts, as they are read.
      first: number of the first line, from 0.
      count: of lines; None for all from the first on.
      offsets: in bytes, of the first line in each text.
    """

    names: tuple[str, ...]
    first: int = 0
    count: int | None = None
    offsets: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a split, by default the whole of it.

    Args:
      size_bytes: about, to share the work fairly; 0 where it is not known.
      ranges: the lines that `RawFiles.numbered` reads; None for all of all texts.
      units: how many things `RawFiles.share` is given at least, such as files or folders:
        into so many shares the part can be cut further.
      share: number of the share that `RawFiles.share` takes.
      shares: how many there are.
    """

    size_bytes: int = 0
    ranges: tuple[Range, ...] | None = None
    units: int = 1
    share: int = 0
    shares: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the split."""
        return self.ranges is None and self.shares == 1

    def range_of(self, names: tuple[str, ...]) -> Range | None:
        """Returns the lines to be read of some texts; None if they are of other parts."""
        if self.ranges is None:
            return Range(names)
        return self._by_names.get(names)

    @functools.cached_property
    def _by_names(self) -> dict[tuple[str, ...], Range]:
        return {one.names: one for one in self.ranges or ()}


def of_units(units: int, size_bytes: int = 0) -> tuple[Part, ...]:
    """Returns the parts of a corpus of many files or folders, which `RawFiles.share` shares.

    Args:
      units: their number.
      size_bytes: of all of them, if known.
    """
    return (Part(size_bytes, units=max(units, 1)),)


def of_texts(
    files: raw.RawFiles,
    groups: Sequence[tuple[str, ...]],
    *,
    uncut: Collection[tuple[str, ...]] = (),
) -> tuple[Part, ...]:
    """Returns the parts of a corpus of lines, which `RawFiles.numbered` reads.

    Plain texts are cut into ranges of lines, after one pass that only counts line ends.
    Compressed ones, and those in archives, can be read from their beginning only: such a
    text is never cut.

    Args:
      files: of the corpus.
      groups: names of texts; those of a group are parallel.
      uncut: those of them that are to be read from beginning to end.

    Raises:
      DataError: when a text is missing.
    """
    found = [_found(files, names) for names in groups]
    sizes = [sum(_size(text) for text in group) for group in found]
    if sum(sizes) <= PART_BYTES:
        return (Part(sum(sizes)),)
    parts: list[Part] = []
    together: list[tuple[int, Range]] = []
    for names, group, size in zip(groups, found, sizes, strict=True):
        cuttable = size > PART_BYTES and names not in uncut
        if cuttable and (ranges := _cut(names, group, size)):
            parts += [Part(size // len(ranges), (one,)) for one in ranges]
            continue
        if together and size + sum(held for held, _ in together) > PART_BYTES:
            parts.append(_joined(together))
            together = []
        together.append((size, Range(names)))
    return (*parts, _joined(together)) if together else tuple(parts)


def _joined(ranges: Sequence[tuple[int, Range]]) -> Part:
    return Part(sum(size for size, _ in ranges), tuple(one for _, one in ranges))


def _found(files: raw.RawFiles, names: tuple[str, ...]) -> list[texts.Text]:
    found = []
    for name in names:
        text = text_names.find(files.boundary, name) if files.root.is_dir() else None
        found.append(text or files.missing(name))
    return found


def _size(text: texts.Text) -> int:
    """Returns the bytes of a text; of one that is compressed, about."""
    size = text.packed_bytes
    return size if text.is_plain else size * _PACKED_RATIO


def _cut(names: tuple[str, ...], group: Sequence[texts.Text], size: int) -> list[Range]:
    """Returns ranges of lines; none of texts that cannot be cut, or differ in their lengths."""
    if not all(text.is_plain for text in group):
        return []
    first, *others = [text.path for text in group]
    count = -(-size // PART_BYTES)
    whole = first.stat().st_size
    places = sorted({number * whole // count for number in range(1, count)} - {0})
    starts, lines = _line_starts(first, places)
    numbers = [number for number, _ in starts]
    offsets = [[offset for _, offset in starts]]
    for other in others:
        found, its_lines = _offsets(other, numbers)
        if its_lines != lines:
            return []  # reading them to the end tells both lengths
        offsets.append(found)
    firsts = [0, *numbers]
    counts = [end - start for start, end in zip(firsts, [*numbers, lines], strict=True)]
    columns = [[0, *column] for column in offsets]
    return [
        Range(names, start, lines_in, tuple(column[number] for column in columns))
        for number, (start, lines_in) in enumerate(zip(firsts, counts, strict=True))
        if lines_in
    ]


def _line_starts(path: pathlib.Path, places: Sequence[int]) -> tuple[list[tuple[int, int]], int]:
    """Returns where lines start: the first after each place in bytes, and how many there are.

    Returns:
      number (from 0) and offset of each of these lines, without repeats; the count of lines.
    """
    starts: dict[int, int] = {}
    waiting = list(reversed(places))
    number = end = 0
    last = b"\n"
    for offset, chunk in _chunks(path):
        place = 0
        while waiting and waiting[-1] < offset + len(chunk):
            line_end = chunk.find(b"\n", max(waiting[-1] - offset, 0))
            if line_end < 0:
                break
            number += chunk.count(b"\n", place, line_end + 1)
            place = line_end + 1
            starts[number] = offset + place
            while waiting and waiting[-1] < offset + place:
                waiting.pop()
        number += chunk.count(b"\n", place)
        last, end = chunk[-1:], offset + len(chunk)
    lines = number + (last != b"\n")
    return [(line, at) for line, at in starts.items() if at < end], lines


def _offsets(path: pathlib.Path, numbers: Sequence[int]) -> tuple[list[int], int]:
    """Returns the offset in bytes of some lines, numbered from 0, and how many there are."""
    found: list[int] = []
    number = 0
    last = b"\n"
    for offset, chunk in _chunks(path):
        ends = chunk.count(b"\n")
        place = 0
        passed = number
        while len(found) < len(numbers) and numbers[len(found)] <= number + ends:
            for _ in range(numbers[len(found)] - passed):
                place = chunk.index(b"\n", place) + 1
            passed = numbers[len(found)]
            found.append(offset + place)
        number += ends
        last = chunk[-1:]
    return found, number + (last != b"\n")


def _chunks(path: pathlib.Path) -> Iterator[tuple[int, bytes]]:
    """Yields a file in chunks, each with its offset."""
    offset = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield offset, chunk
            offset += len(chunk)
