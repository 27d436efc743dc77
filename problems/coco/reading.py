"""Annotations in JSON, and the pictures that they are of.

A part of COCO (some photos out of 118,000, say, with the annotations of all) is read by
`--max_bad_examples`: an annotation whose photo is not there is a bad example, counted in
the manifest, and each error says how many photos are missing.
"""

from __future__ import annotations

import pathlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from t2t_mm import errors
from t2t_mm.data import raw

Row = dict[str, Any]


class Caption(NamedTuple):
    """A caption and its picture (or the error that stands for one that is missing), by id."""

    image_id: int
    id: int
    image: pathlib.Path | errors.BadExampleError
    text: str


def captions(files: raw.RawFiles, part: str) -> Iterator[Caption]:
    """Yields the captions of COCO 2017, or of 2014 where that is not there, in file order.

    Args:
      files: of the corpus.
      part: "train" or "val".

    Raises:
      DataError: for a file that is missing, or not as published.
    """
    names = [f"annotations/captions_{part}{year}.json" for year in ("2017", "2014")]
    name = next((n for n in names if files.exists(n)), names[0])
    photos = {
        row["id"]: row["file_name"]
        for row in rows(files, name, "images", {"id": int, "file_name": str})
    }
    folder = name.removeprefix("annotations/captions_").removesuffix(".json")
    pictures = Pictures(files, folder, photos.values())
    fields = {"id": int, "image_id": int, "caption": str}
    for row in rows(files, name, "annotations", fields):
        if row["image_id"] not in photos:
            raise errors.DataError(
                f"{files.root / name} has a caption of a picture that it does not list",
                received=f"image_id {row['image_id']}",
            )
        image = pictures.find(photos[row["image_id"]])
        yield Caption(row["image_id"], row["id"], image, one_line(row["caption"]))


def rows(
    files: raw.RawFiles, name: str, entry: str, fields: Mapping[str, type | tuple[type, ...]]
) -> list[Row]:
    """Returns the list of objects under `entry` of a JSON file.

    Args:
      files: of the corpus.
      name: of the file.
      entry: of its top object.
      fields: what each object of the list has at least: names, and types of the values.

    Raises:
      DataError: for a file that is not there, not JSON, or of another form.
    """
    content = files.json(name)
    found = content.get(entry) if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise errors.DataError(
            f"{files.root / name} has no list {entry!r}",
            received=", ".join(content) if isinstance(content, dict) else type(content).__name__,
            expected=files.layout or None,
        )
    for number, row in enumerate(found):
        for field, kind in fields.items():
            if not isinstance(row, dict) or not isinstance(row.get(field), kind):
                raise errors.DataError(
                    f"Entry {number:,} of {entry!r} in {files.root / name} has no usable {field!r}",
                    received=str(row)[:120],
                    expected=", ".join(fields),
                )
    return found


class Pictures:
    """The photos of a folder, some of which may be missing.

    Args:
      files: of the corpus.
      folder: that holds them.
      names: of all photos that are annotated.

    Raises:
      DataError: when there is no such folder.
    """

    def __init__(self, files: raw.RawFiles, folder: str, names: Collection[str]) -> None:
        self._folder = files.path(folder)
        # One look at the folder, instead of one at each of a hundred thousand files.
        self._there = frozenset(path.name for path in self._folder.iterdir())
        self._missing = sum(name not in self._there for name in names)
        self._count = len(names)

    def find(self, name: str) -> pathlib.Path | errors.BadExampleError:
        """Returns the path of a photo, or the error that stands for one that is missing."""
        path = self._folder / name
        if name in self._there:
            return path
        return errors.BadExampleError(
            f"The annotated picture {str(path)!r} is not there",
            received=f"{self._missing:,} of {self._count:,} annotated pictures missing",
        )


def one_line(text: str) -> str:
    """Returns a text without the line ends and the space around it that people typed."""
    return " ".join(text.split())
