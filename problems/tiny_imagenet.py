"""Tiny ImageNet: 64 x 64 photos of 200 classes, or of as many as the folder holds."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence

from t2t_mm import errors, problem
from t2t_mm.corpus import class_folders, raw
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.downloads.declaration import Download
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.image import declaration as image
from t2t_mm.problems.sample_world import corpora_pictures

_FOLDER = corpora_pictures.TINY_IMAGENET


@problem.register_problem("tiny_imagenet")
class TinyImagenet(problem.Problem):
    """500 photos a class for training and 50 for validation; the test set has no labels."""

    version = "1.0.0"
    corpus = "tiny_imagenet"
    layout = (
        f"{_FOLDER}/wnids.txt, {_FOLDER}/train/WNID/images/*.JPEG, {_FOLDER}/val/images/*.JPEG "
        f"and {_FOLDER}/val/val_annotations.txt, as in {_FOLDER}.zip"
    )
    inputs = {"image": image.Image(size=64)}
    targets = categorical.Categorical(labels="tiny_imagenet")
    command = "to-class"
    metrics = ("accuracy", "top5_accuracy", "log_perplexity")
    splits = ("train", "validation")
    sources = ("manual", "sample")
    downloads = (
        Download(
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            248_100_043,
            "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
        ),
    )

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        top, classes = _classes(files)
        if split == "train":
            # A small sample may have none of a class; where validation has, that is an error.
            folders = {wnid: f"{top}train/{wnid}/images" for wnid in files.share(classes)}
            for wnid, path in class_folders.take_turns(folders, files, (".jpeg",)):
                yield f"train/{path.stem}", {"image": path, "targets": wnid}
        else:
            annotations = f"{top}val/val_annotations.txt"
            folder = f"{top}val/images"
            lines = enumerate(files.lines(annotations), start=1)
            for number, line in files.share(lines):
                fields = line.rstrip().split("\t")
                if len(fields) < 2 or fields[1] not in classes:
                    raise errors.DataError(
                        f"{annotations}, line {number}, does not name a class of wnids.txt",
                        received=repr(line),
                        expected="FILE, WNID and a box, tabs between",
                    )
                key = f"validation/{pathlib.PurePosixPath(fields[0]).stem}"
                yield key, {"image": files.file(folder, fields[0]), "targets": fields[1]}

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return parts_lib.of_units(len(_classes(files)[1]))

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_pictures.write_tiny_imagenet(folder, seed=seed, size=size)


def _classes(files: raw.RawFiles) -> tuple[str, list[str]]:
    """Returns the folder of the corpus, with its slash or empty, and the classes of wnids.txt."""
    top = f"{_FOLDER}/" if files.has_text(f"{_FOLDER}/wnids.txt") else ""
    return top, [line.strip() for line in files.lines(f"{top}wnids.txt") if line.strip()]
