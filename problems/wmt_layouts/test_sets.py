"""The two sides of a test set, found by their names."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator

from t2t_mm import errors
from t2t_mm.corpus import raw

_LAST_SHARED = 2014
"""Up to this year a test set has the same sentences in both directions of a pair."""

_NAMES_SHOWN = 6
_DOCUMENT = re.compile(r"<doc\b[^>]*>(.*?)</doc>", re.DOTALL)
_FILTERED = "filtered"
"""In 2014 a folder of this name had some of the sentences, and another one all of them."""


def pairs(
    name: str, source: str, target: str, files: raw.RawFiles
) -> Iterator[tuple[str, str, str]]:
    """Yields key, source and target of every pair of a test set.

    Of several references the first is taken.

    Args:
      name: as WMT calls it ("newstest2014").
      source: the language to translate from.
      target: the language to translate into.
      files: of the corpus.

    Raises:
      DataError: when a side is missing, or the two are of different lengths.
    """
    names = find(name, source, target, files)
    if names[0] == names[1]:
        sides = _of_xml(names[0], files)
    else:
        sides = [
            list(files.sgml_segments(side) if side.lower().endswith(".sgm") else files.lines(side))
            for side in names
        ]
    if len(sides[0]) != len(sides[1]):
        raise errors.DataError(
            f"The two sides of {name} in {files.root} are of different lengths",
            received=", ".join(
                f"{side} {len(segments):,} segments"
                for side, segments in zip(names, sides, strict=True)
            ),
            expected="segment n of one to be the translation of segment n of the other",
        )
    for number, (first, second) in enumerate(zip(*sides, strict=True)):
        yield f"{name}/{number}", first, second


def find(name: str, source: str, target: str, files: raw.RawFiles) -> tuple[str, str]:
    """Returns the names of a test set's two sides, both in one folder or even one file.

    Raises:
      DataError: when they are not there.
    """
    candidates = list(_candidates(name, source, target))
    there: list[str] = []
    for packed in (False, True):
        there = files.names(f"{name}*", packed=packed)
        known = {path.lower(): path for path in there}
        folders = {str(pathlib.PurePosixPath(path).parent) for path in there}
        for first, second in candidates:
            for folder in sorted(folders, key=lambda f: (_FILTERED in f, f)):
                top = "" if folder == "." else f"{folder}/"
                sides = [known.get(f"{top}{side}".lower()) for side in (first, second)]
                if sides[0] and sides[1]:
                    return sides[0], sides[1]
    if not there:
        files.missing(f"{name}*", verb="matches")
    raise errors.DataError(
        f"There is no {name} from {source} to {target} in {files.root}",
        received=errors.first_few(there, _NAMES_SHOWN),
        expected=files.layout or None,
    )


def _of_xml(name: str, files: raw.RawFiles) -> list[list[str]]:
    """Returns source and first reference of a file that holds both, document by document."""
    sides: list[list[str]] = [[], []]
    for document in _DOCUMENT.findall(files.text(name)):
        for side, kind in zip(sides, ("src", "ref"), strict=True):
            found = re.search(rf"<{kind}\b[^>]*>(.*?)</{kind}>", document, re.DOTALL)
            side += raw.segments(found[1]) if found else []
    if not any(sides):
        raise errors.DataError(
            f"{files.root / name} has no <doc> elements with <seg> in <src> and <ref>",
            expected=files.layout or "XML as WMT publishes it since 2021",
        )
    return sides


def _candidates(name: str, source: str, target: str) -> Iterator[tuple[str, str]]:
    """Yields the names that the two sides may have, the likeliest first."""
    year = re.search(r"\d{4}", name)
    shared = year is not None and int(year[0]) <= _LAST_SHARED
    infixes = [f"-{source}{target}", *((f"-{target}{source}", "") if shared else ())]
    roles = [("src", "ref"), *([("ref", "src")] if shared else [])]
    for infix in infixes:
        for first, second in roles:
            yield f"{name}{infix}-{first}.{source}.sgm", f"{name}{infix}-{second}.{target}.sgm"
    for reference in ("ref.A", "ref", "tgt"):
        stem = f"{name}.{source}-{target}"
        yield f"{stem}.src.{source}", f"{stem}.{reference}.{target}"
    yield f"{name}-{source}{target}-src.{source}", f"{name}-{source}{target}-ref.{target}"
    yield f"{name}.{source}-{target}.xml", f"{name}.{source}-{target}.xml"
    if shared:
        yield f"{name}.{source}", f"{name}.{target}"
