"""The photos of ILSVRC-2012 and their classes, from folders or tar files.

Published are a tar of 1,000 tars, one for each class, for training; a tar of all photos for
validation; and Kaggle's archive, with a folder for each class and one for validation.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Iterator

from t2t_mm import errors
from t2t_mm.corpus import archives, class_folders, raw, round_robin
from t2t_mm.problems.ilsvrc import truth

KAGGLE = "ILSVRC/Data/CLS-LOC/"
TRAINING = "ILSVRC2012_img_train.tar"
VALIDATION = "ILSVRC2012_img_val.tar"
_SUFFIXES = (".jpeg", ".jpg")  # in capitals, as published, or not

Photo = pathlib.Path | archives.Member


def training(files: raw.RawFiles) -> Iterator[tuple[str, Photo]]:
    """Yields class and photo, round-robin over classes."""
    folder = _folder("train", files)
    tars: Iterable[Photo] = files.glob(f"{folder}/n*", endings=(".tar",), optional=True)
    if not tars and not files.exists(folder) and files.exists(TRAINING):
        tars = archives.members(files.path(TRAINING))
    inner = [tar for tar in tars if tar.suffix.lower() == ".tar"]
    if not inner:
        return _class_folders(folder, files)
    return round_robin.take_turns({tar.stem: _in_tar(tar) for tar in files.share(inner)})


def validation(files: raw.RawFiles) -> Iterator[tuple[str | errors.BadExampleError, Photo]]:
    """Yields class and photo, with an error instead of an unknown class."""
    folder = _folder("val", files)
    photos: Iterable[Photo] = files.glob(f"{folder}/*", endings=_SUFFIXES, optional=True)
    if not photos and not files.exists(folder) and files.exists(VALIDATION):
        photos = _in_tar(files.path(VALIDATION))
    if not photos:
        yield from _class_folders(folder, files)
        return
    source, classes = truth.read(files)
    for photo in files.share(photos):
        unknown = errors.BadExampleError(
            f"{source} does not tell the class of a photo", received=str(photo)
        )
        yield classes.get(photo.stem, unknown), photo


def _folder(name: str, files: raw.RawFiles) -> str:
    return f"{KAGGLE}{name}" if files.exists(KAGGLE) else name


def _class_folders(folder: str, files: raw.RawFiles) -> Iterator[tuple[str, Photo]]:
    places = files.share(files.glob(f"{folder}/n*/"))
    folders = {place.name: f"{folder}/{place.name}" for place in places}
    return class_folders.take_turns(folders, files, _SUFFIXES)


def _in_tar(tar: Photo) -> Iterator[archives.Member]:
    members = tar.members() if isinstance(tar, archives.Member) else archives.members(tar)
    return (part for part in members if part.suffix.lower() in _SUFFIXES)
