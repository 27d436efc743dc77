"""Class folders: the files of a corpus that keeps each class in a folder of its own."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping

from t2t_mm import errors
from t2t_mm.corpus import folders, raw, round_robin


def names(
    folder: str, files: raw.RawFiles, endings: tuple[str, ...], *, deep: bool = False
) -> list[str]:
    """Returns the names of the files in a folder, or zip, sorted; none where there is no folder.

    Whole paths of a million pictures would take gigabytes.

    Args:
      folder: below the corpus.
      files: the corpus.
      endings: of the files, in lower case; names are compared in lower case.
      deep: whether files in folders below are taken too, by their relative paths.
    """
    pattern = f"{glob.escape(folder)}/**/*" if deep else f"{glob.escape(folder)}/*"
    top = files.root / folder
    if not deep and not top.is_dir():
        return sorted(n for n in files.names_in(folder) if n.lower().endswith(endings))
    paths = files.glob(pattern, endings=endings, optional=True)
    return [path.relative_to(top).as_posix() for path in paths]


def take_turns(
    places: Mapping[str, str], files: raw.RawFiles, endings: tuple[str, ...]
) -> Iterator[tuple[str, folders.File]]:
    """Yields class and file, unpacked or in a zip, round-robin over classes.

    So the first examples (`--max_examples`) are of all classes. A class may have no files, as in
    a small sample.

    Args:
      places: the folder of each class, below the corpus.
      files: the corpus.
      endings: as of `names`.
    """
    listed = {label: names(folder, files, endings) for label, folder in places.items()}
    for label, name in round_robin.take_turns(listed):
        file = files.file(places[label], name)
        if isinstance(file, errors.BadExampleError):
            raise file
        yield label, file
