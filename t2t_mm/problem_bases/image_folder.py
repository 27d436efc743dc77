"""ImageFolder: the base of problems with one folder of pictures for each class.

    from t2t_mm.problem_bases import image_folder
    from t2t_mm import register_problem
    from t2t_mm.modality import Image


    @register_problem("flowers")
    class Flowers(image_folder.ImageFolder):
        corpus = "flower_photos"  # looked for in --manual_dir
        inputs = {"image": Image(size=180)}

reads `flower_photos/train/daisy/*.jpg` and `flower_photos/validation/daisy/*.jpg`, or
`flower_photos/daisy/*.jpg`, of which it then sets a tenth aside for validation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from t2t_mm import errors, problem
from t2t_mm.corpus import class_folders, raw, round_robin
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.modality import base as modality
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.image import declaration as image

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"))
"""Endings of pictures, in upper or lower case; other files are ignored."""


class ImageFolder(problem.Problem):
    """Classification of pictures by the name of their class folder, at any depth.

    If the corpus has a folder for each split, these are read. Otherwise the class folders are
    at its top, and a hash of `CLASS/FILE` assigns each picture to a split, independently of
    other files. Each class has at least one training picture. In a corpus so small that a
    split would be empty, the split gets a picture of a class with more than one.

    Attributes:
      folders: the possible names of each split's folder.
      held_out: fraction of each split but the first, if the corpus has no split folders.
    """

    layout = "SPLIT/CLASS/*.{jpg,jpeg,png,bmp,gif,webp}, or CLASS/* to be split by a hash"
    inputs: ClassVar[Mapping[str, modality.Modality]] = {"image": image.Image()}
    targets: ClassVar[modality.Modality] = categorical.Categorical()
    command = "to-class"
    metrics = ("accuracy", "top5_accuracy", "log_perplexity")
    splits = ("train", "validation")
    folders: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": ("train", "training"),
        "validation": ("validation", "valid", "val", "dev"),
        "test": ("test", "testing"),
    }
    held_out: ClassVar[float] = 0.1

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        (name,) = self.inputs
        top, classes = self._classes(split, files)
        # Round-robin, so that the first examples (--max_examples) are of all classes.
        for label, picture in round_robin.take_turns(classes):
            path = files.root / top / label / picture
            yield f"{split}/{label}/{picture}", {name: path, "targets": label}

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        top = self._folder(split, files)
        return parts_lib.of_units(len(files.glob(f"{top}/*/" if top else "*/", optional=True)))

    def _classes(self, split: str, files: raw.RawFiles) -> tuple[str, dict[str, list[str]]]:
        """Returns the folder of the class folders, and the names of each class's pictures."""
        tops = {one: self._folder(one, files) for one in self.splits}
        there = [top for top in tops.values() if top is not None]
        top = tops[split]
        if there and top is None:
            raise errors.DataError(
                f"There is no folder for the split {split!r} of {self.name!r} in {files.root}",
                received=f"only {', '.join(there)}",
                expected=" or ".join(self.folders.get(split, (split,))),
                hint="`folders` of the problem can name it otherwise, `splits` leave it out",
            )
        top = f"{top}/" if top else ""
        places = files.glob(f"{top}*/")
        classes = {
            place.name: class_folders.names(f"{top}{place.name}", files, tuple(SUFFIXES), deep=True)
            for place in (files.share(places) if there else places)
        }
        if there:
            return top, classes
        # A class's pictures are divided by their hashes, a small corpus's with an eye to all.
        return top, dict(files.share(self._divided(classes, files)[split].items()))

    def _folder(self, split: str, files: raw.RawFiles) -> str | None:
        """Returns a split's folder, or None; one with pictures in it is a class of that name."""
        for folder in self.folders.get(split, (split,)):
            if files.glob(f"{folder}/*/", optional=True):
                return folder
        return None

    def _divided(
        self, classes: Mapping[str, list[str]], files: raw.RawFiles
    ) -> dict[str, dict[str, list[str]]]:
        """Returns the pictures of each class by split.

        Raises:
          DataError: when there are too few for a picture in every split.
        """
        divided: dict[str, dict[str, list[str]]] = {split: {} for split in self.splits}
        for label, pictures in classes.items():
            homes = self._homes(label, pictures)
            for split, kept in divided.items():
                kept[label] = [picture for picture in pictures if homes[picture] == split]
        training = divided[self.splits[0]]
        for split in self.splits[1:]:
            if any(divided[split].values()) or not any(classes.values()):
                continue
            spare = [
                (_place(f"{label}/{picture}"), label, picture)
                for label, pictures in training.items()
                for picture in pictures
                if len(pictures) > 1
            ]
            if not spare:
                raise errors.DataError(
                    f"There are too few pictures in {files.root} to set one aside for the split "
                    f"{split!r} of {self.name!r}",
                    received=", ".join(f"{len(p):,} of {label!r}" for label, p in classes.items()),
                    expected="a class with a picture for each split at least",
                    hint=f"Add some, or divide them yourself: {', '.join(self.splits)}/CLASS/*",
                )
            _, label, picture = min(spare)
            training[label].remove(picture)
            divided[split][label].append(picture)
        return divided

    def _homes(self, label: str, pictures: list[str]) -> dict[str, str]:
        """Returns the split of each picture of a class, by its hash."""
        first, *later = self.splits
        if not 0 < self.held_out * len(later) < 1:
            raise errors.PluginError(
                f"The problem {self.name!r} holds out too much or too little",
                received=f"held_out = {self.held_out} for each of {', '.join(later)}",
                expected=f"more than 0, and less than 1 for {len(later)} together",
            )
        places = {picture: _place(f"{label}/{picture}") for picture in pictures}
        bounds = [(self.held_out * number, one) for number, one in enumerate(later)]
        bounds.append((self.held_out * len(later), first))
        homes = {
            picture: [one for bound, one in bounds if bound <= place][-1]
            for picture, place in places.items()
        }
        if pictures:
            homes[max(pictures, key=lambda picture: places[picture])] = first
        return homes


def _place(name: str) -> float:
    """Returns a uniform hash of a name in [0, 1), also of one that is not UTF-8."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
