"""COCO's annotations in JSON, and their pictures.

A part of COCO (some of the 118,000 photos, with the annotations of all) can be read with
`--max_bad_examples`: an annotation without its photo is a bad example, counted in the
manifest, and each error says how many photos are missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from t2t_mm import errors
from t2t_mm.corpus import folders, raw
from t2t_mm.corpus import parts as parts_lib

if TYPE_CHECKING:
    import sqlite3

Row = dict[str, Any]

_DIGITS = "-?[0-9]{1,32}"  # Python refuses to read numbers of thousands


class Caption(NamedTuple):
    """A caption and its picture (or the error that stands for one that is missing), by id."""

    image_id: int
    id: int
    image: folders.File | errors.BadExampleError
    text: str


def captions(files: raw.RawFiles, part: str) -> Iterator[Caption]:
    """Yields the captions of COCO 2017, or of 2014 where that is not there.

    Those of a photo follow each other, in file order; the photos come in the order of their ids.
    Of a part of the split (`captioned`) these are its own.

    Args:
      files: of the corpus.
      part: "train" or "val".

    Raises:
      DataError: for a file that is missing, or not as published.
    """
    name, database = _captions(files, part)
    folder = name.removeprefix("annotations/captions_").removesuffix(".json")
    photos = [photo for (photo,) in database.execute("SELECT name FROM photos")]
    pictures = Pictures(files, folder, photos)
    del photos
    for photo in files.share(photos_of(database, "captions")):
        found = database.execute(
            "SELECT captions.id, photos.name, captions.text FROM captions LEFT JOIN photos "
            "ON photos.id = captions.photo WHERE captions.photo = ? ORDER BY captions.rowid",
            (photo,),
        )
        for number, picture, text in found:
            if picture is None:
                raise errors.DataError(
                    f"{files.root / name} has a caption of a picture that it does not list",
                    received=f"image_id {photo}",
                )
            yield Caption(photo, number, pictures.find(picture), one_line(text))


def captioned(files: raw.RawFiles, part: str) -> tuple[parts_lib.Part, ...]:
    """Returns the parts in which `captions` can be read: shares of the photos.

    Args:
      files: of the corpus.
      part: "train" or "val".

    Raises:
      DataError: for a file that is missing, or not as published.
    """
    _, database = _captions(files, part)
    return parts_lib.of_units(len(photos_of(database, "captions")))


def photos_of(database: sqlite3.Connection, table: str) -> list[int]:
    """Returns the ids of the photos of a table's annotations, in order."""
    found = database.execute(f"SELECT DISTINCT photo FROM {table} ORDER BY photo")  # noqa: S608
    return [photo for (photo,) in found]


def _captions(files: raw.RawFiles, part: str) -> tuple[str, sqlite3.Connection]:
    """Opens the captions of a part; returns the name of their file, too."""
    names = [f"annotations/captions_{part}{year}.json" for year in ("2017", "2014")]
    name = next((n for n in names if files.has_text(n)), names[0])

    def build(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("CREATE TABLE captions (photo INTEGER, id INTEGER, text TEXT)")
        listed = rows(files, name, "images", {"id": int, "file_name": str})
        database.executemany(
            "INSERT OR REPLACE INTO photos VALUES (?, ?)",
            ((row["id"], row["file_name"]) for row in listed),
        )
        fields = {"id": int, "image_id": int, "caption": str}
        annotated = rows(files, name, "annotations", fields)
        database.executemany(
            "INSERT INTO captions VALUES (?, ?, ?)",
            ((row["image_id"], row["id"], row["caption"]) for row in annotated),
        )
        database.execute("CREATE INDEX by_photo ON captions (photo)")

    return name, files.database(f"captions_{part}", build)


def rows(files: raw.RawFiles, name: str, entry: str, fields: Mapping[str, type]) -> Iterator[Row]:
    """Yields the objects of a list of a JSON file, with the fields that they must have.

    Args:
      files: of the corpus.
      name: of the file.
      entry: of the list.
      fields: required of the objects, and their types. For `int`, text with a whole number is
        accepted and converted.

    Raises:
      DataError: for a file that is not there, not JSON, or of another form.
    """
    for number, row in enumerate(files.objects(name, entry)):
        for field, kind in fields.items():
            if kind is int and isinstance(row, dict) and field in row:
                row[field] = _whole(row[field])
            if not isinstance(row, dict) or not isinstance(row.get(field), kind):
                raise errors.DataError(
                    f"Entry {number:,} of {entry!r} in {files.root / name} has no usable {field!r}",
                    received=errors.shortened(str(row), 120),
                    expected=", ".join(fields),
                )
        yield row


class Pictures:
    """The photos of a folder, or of a zip in its place, some of which may be missing.

    Args:
      files: of the corpus.
      folder: that holds them.
      names: of all photos that are annotated.

    Raises:
      DataError: when there is no such folder.
    """

    def __init__(self, files: raw.RawFiles, folder: str, names: Collection[str]) -> None:
        self._files, self._folder = files, folder
        # Lists the folder once, instead of checking each of a hundred thousand files.
        self._there = frozenset(files.names_in(folder))
        if not self._there:
            files.path(folder)
        self._missing = sum(name not in self._there for name in names)
        self._count = len(names)

    def find(self, name: str) -> folders.File | errors.BadExampleError:
        """Returns a photo, or the error of a missing one."""
        if name in self._there:
            return self._files.file(self._folder, name)
        path = self._files.root / self._folder / name
        return errors.BadExampleError(
            f"The annotated picture {str(path)!r} is not there",
            received=f"{self._missing:,} of {self._count:,} annotated pictures missing",
        )


def _whole(value: Any) -> Any:
    """Returns a number that is written in another way, such as "42" or 42.0, as an `int`."""
    if (isinstance(value, str) and re.fullmatch(_DIGITS, value.strip())) or (
        isinstance(value, float) and value.is_integer()
    ):
        value = int(value)
    # A database holds whole numbers of 64 bits; no id is larger.
    return value if not isinstance(value, int) or abs(value) < 1 << 63 else None


def one_line(text: str) -> str:
    """Returns a text without the line ends and the space around it that people typed."""
    return " ".join(text.split())
