"""The classes of ILSVRC-2012's validation photos, which are all in one folder.

They are published in three forms, of which one is enough: Kaggle's solution, with the class
of each named photo; a list of classes in the order of the photos, used in the tutorials of
several frameworks; and the development kit's list of numbers, which its `meta.mat` maps to
classes (they are not in alphabetical order).
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping

from t2t_mm import errors
from t2t_mm.corpus import archives, raw, streams
from t2t_mm.problems.ilsvrc import matlab

SOLUTION = "LOC_val_solution.csv"
LABELS = "imagenet_2012_validation_synset_labels.txt"
KIT = "ILSVRC2012_devkit_t12"
KIT_ARCHIVE = f"{KIT}.tar.gz"
_NUMBERS = f"{KIT}/data/ILSVRC2012_validation_ground_truth.txt"
_META = f"{KIT}/data/meta.mat"
_LARGEST_BYTES = 1 << 26  # of a file in the kit, which would not be the published one
_WNID = re.compile(r"n\d{8}")


def read(files: raw.RawFiles) -> tuple[str, dict[str, str]]:
    """Returns the file that tells the classes, and each photo's class by its stem.

    Raises:
      DataError: when there is no such file, or it has another format.
    """
    if not files.exists(SOLUTION):
        if files.exists(LABELS):
            return LABELS, _in_order(files, LABELS, list(files.lines(LABELS)))
        if files.exists(_NUMBERS):
            meta = files.path(_META)
            lines = list(files.lines(_NUMBERS))
            return _NUMBERS, _numbered(files, lines, meta.read_bytes(), where=str(meta))
        if files.exists(KIT_ARCHIVE):
            archive = files.path(KIT_ARCHIVE)
            text, packed = _from_archive(archive)
            lines = text.decode("ascii", "replace").splitlines()
            return KIT_ARCHIVE, _numbered(files, lines, packed, where=f"{_META} of {archive}")
    return SOLUTION, _solution(files)


def _solution(files: raw.RawFiles) -> dict[str, str]:
    """Reads lines of ImageId,PredictionString, the latter being WNID and a box, or more."""
    classes = {}
    for number, line in enumerate(files.lines(SOLUTION), start=1):
        photo, _, boxes = line.partition(",")
        if line.strip() and number > 1:
            classes[photo] = boxes.partition(" ")[0]
            _check(files, SOLUTION, number, line, classes[photo])
    return classes


def _in_order(
    files: raw.RawFiles, name: str, lines: list[str], wnids: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Gives photo n the class that line n names, or (where `wnids` has them) its number."""
    classes = {}
    for number, line in enumerate(lines, start=1):
        word = line.strip()
        if word or number < len(lines):
            wnid = word if wnids is None else wnids.get(word, "")
            _check(files, name, number, line, wnid)
            classes[f"ILSVRC2012_val_{number:08d}"] = wnid
    return classes


def _check(files: raw.RawFiles, name: str, number: int, line: str, wnid: str) -> None:
    if not _WNID.fullmatch(wnid):
        raise errors.DataError(
            f"{files.root / name}, line {number}, does not name a class",
            received=repr(line[:60]),
            expected="a WordNet id such as n01440764"
            + (", or in the development kit its number" if name == _NUMBERS else ""),
        )


def _numbered(files: raw.RawFiles, lines: list[str], meta: bytes, *, where: str) -> dict[str, str]:
    """Gives photo n the class whose number is in line n.

    Args:
      files: for errors.
      lines: numbers from 1 on.
      meta: the MAT-file that tells the class of each.
      where: names that in errors.
    """
    try:
        synsets = matlab.structures(meta, "synsets")
        wnids = {f"{one['ILSVRC2012_ID']:.0f}": str(one["WNID"]) for one in synsets}
    except (KeyError, TypeError, ValueError) as error:
        raise errors.DataError(
            f"The classes of {where} cannot be read",
            received=f"{type(error).__name__}: {error}",
            expected="meta.mat as the development kit of ILSVRC-2012 has it",
            hint=f"{SOLUTION} or {LABELS} beside the photos will do instead",
        ) from error
    return _in_order(files, _NUMBERS, lines, wnids)


def _from_archive(path: pathlib.Path) -> tuple[bytes, bytes]:
    """Returns the numbers and the MAT-file of a packed development kit."""
    try:
        with (
            archives.open_member(path, _NUMBERS) as numbers,
            archives.open_member(path, _META) as meta,
        ):
            return numbers.read(_LARGEST_BYTES), meta.read(_LARGEST_BYTES)
    except KeyError as error:
        raise errors.DataError(
            f"{path} lacks {error.args[0]}",
            received=f"{len(archives.listing(path)):,} other files",
            expected="the development kit of ILSVRC-2012 as it is published",
        ) from None
    except streams.FAILURES as error:
        raise streams.failure(path, error, wanted="tar archive") from error
