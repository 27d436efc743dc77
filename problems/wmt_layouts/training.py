"""Parallel text for training, found by the names of its files."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterator

from t2t_mm.corpus import raw

_HELD_OUT = re.compile(r"news-?(test|dev|syscomb|discuss)|euelections_dev|dev\d", re.IGNORECASE)
"""Names of test and development sets; `dev08_14` of 2019 is those of seven years."""

_OTHER_NAMES = {("en", "fr"): "giga-fren.*", ("de", "fr"): "bitexts/*"}
"""Corpora whose names have their pair in another form, or not at all: in 2019 the texts of
German and French were in a folder `fr-de/bitexts`."""


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A parallel text.

    Args:
      stem: its name, with folders, without language and file type.
      names: of its files: two texts, or a table with both languages.
      languages: of those texts, or of the first columns of the table.
    """

    stem: str
    names: tuple[str, ...]
    languages: tuple[str, str]

    def pairs(self, source: str, files: raw.RawFiles) -> Iterator[tuple[str, str, str]]:
        """Yields key and both sides of every pair, that in the language `source` first.

        Lines of a table that have not two columns are left out, and counted.
        """
        turned = self.languages[0] != source
        for number, (first, second) in self._rows(files):
            if second is None:
                files.skip("lines of a table without a second column")
                continue
            sides = (second, first) if turned else (first, second)
            yield f"{self.stem}/{number}", *sides

    def _rows(self, files: raw.RawFiles) -> Iterator[tuple[int, tuple[str, str | None]]]:
        for number, (first, *others) in files.numbered(*self.names):
            if len(self.names) == 1:
                # Further columns tell where a pair comes from (Europarl v10).
                first, *others = first.split("\t", 2)
            yield number, (first, others[0] if others else None)


def pairs(source: str, target: str, files: raw.RawFiles) -> Iterator[tuple[str, str, str]]:
    """Yields key, source and target of every training pair in the folder of the corpus.

    Raises:
      DataError: when there is none, or a text lacks its other side.
    """
    for corpus in corpora(source, target, files):
        yield from corpus.pairs(source, files)


def corpora(source: str, target: str, files: raw.RawFiles) -> list[Corpus]:
    """Returns the parallel texts of a pair, in the order of their names; the same for both ways.

    Raises:
      DataError: when there is none.
    """
    first, second = sorted((source, target))
    found: dict[str, Corpus] = {}
    for packed in (False, True):
        # The texts of an archive may also be unpacked in any other folder.
        unpacked = {pathlib.PurePosixPath(stem).name for stem in found}
        for corpus in _named(first, second, files, packed=packed):
            name = pathlib.PurePosixPath(corpus.stem).name
            if _HELD_OUT.match(name) or (packed and name in unpacked):
                continue
            found.setdefault(corpus.stem, corpus)
            if packed:
                unpacked.add(name)
    if not found:
        files.missing(f"*.{first}-{second}.{source}", verb="matches")
    return [found[stem] for stem in sorted(found)]


def _named(first: str, second: str, files: raw.RawFiles, *, packed: bool) -> Iterator[Corpus]:
    """Yields the corpora whose names say that they are of a pair of languages."""
    languages = (first, second)
    patterns = [f"*.{first}-{second}", f"*.{second}-{first}"]
    patterns += [_OTHER_NAMES[languages]] if languages in _OTHER_NAMES else []
    for pattern in patterns:
        for language in languages:  # of a text without its other side, reading tells
            for name in files.names(f"{pattern}.{language}", packed=packed):
                stem = name[: -len(f".{language}")]  # which may be in capitals there
                sides = (f"{stem}.{first}", f"{stem}.{second}")
                yield Corpus(stem, sides, languages)
    for columns in (languages, languages[::-1]):
        ending = f".{'-'.join(columns)}.tsv"
        for name in files.names(f"*{ending}", packed=packed):
            yield Corpus(name[: -len(".tsv")], (name,), columns)
