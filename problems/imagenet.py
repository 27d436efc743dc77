"""ImageNet: the photos of ILSVRC-2012, and the classes that their folders name."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterator

from t2t_mm import errors, problem
from t2t_mm.data import raw
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.image import declaration as image
from t2t_mm.problems.sample_world import corpora, picture

_KAGGLE = "ILSVRC/Data/CLS-LOC/"
_SOLUTION = "LOC_val_solution.csv"
_LABELS = "imagenet_2012_validation_synset_labels.txt"


@problem.register_problem("imagenet")
class Imagenet(problem.Problem):
    """1.28 million photos for training and 50,000 for validation; the test set has no labels."""

    version = "1.0.0"
    corpus = "imagenet"
    layout = (
        "train/WNID/*.JPEG, and val/WNID/*.JPEG or val/ILSVRC2012_val_*.JPEG beside "
        f"{_SOLUTION} (Kaggle's, which has both below {_KAGGLE}) or {_LABELS}"
    )
    inputs = {"image": image.Image(size=299)}
    sample_inputs = {"image": image.Image(size=picture.SIZE)}
    targets = categorical.Categorical(labels="imagenet")
    command = "to-class"
    metrics = ("accuracy", "top5_accuracy", "log_perplexity")
    splits = ("train", "validation")
    sources = ("manual", "sample")

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        top = _KAGGLE if files.exists(_KAGGLE) else ""
        folder = f"{top}{'train' if split == 'train' else 'val'}"
        if split == "validation" and files.glob(f"{folder}/*.JPEG", optional=True):
            labelled = _flat(folder, files)
        else:
            labelled = _folders(folder, files)
        for wnid, path in labelled:
            yield f"{split}/{path.stem}", {"image": path, "targets": wnid}

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora.write_imagenet(folder, seed=seed, size=size)


def _folders(folder: str, files: raw.RawFiles) -> Iterator[tuple[str, pathlib.Path]]:
    """Yields class and photo out of a folder a class.

    The classes take turns, so that the first examples (`--max_examples`) are of all.
    """
    places = files.glob(f"{folder}/n*/")
    # A class may have no photo in a small validation set. Names alone: paths to all
    # of ImageNet's photos would take gigabytes.
    names = [
        [p.name for p in files.glob(f"{folder}/{q.name}/*.JPEG", optional=True)] for q in places
    ]
    for row in itertools.zip_longest(*names):
        for place, name in zip(places, row, strict=True):
            if name is not None:
                yield place.name, place / name


def _flat(folder: str, files: raw.RawFiles) -> Iterator[tuple[str, pathlib.Path]]:
    """Yields class and photo where all photos lie in one folder, classes in a file."""
    paths = files.glob(f"{folder}/*.JPEG")
    if files.exists(_SOLUTION) or not files.exists(_LABELS):
        # ImageId,PredictionString, the latter being WNID and a box, once or more.
        rows = (line.split(",") for line in files.lines(_SOLUTION) if "," in line)
        classes = {name: boxes.split()[0] for name, boxes in rows if boxes.startswith("n")}
    else:
        lines = [line.strip() for line in files.lines(_LABELS) if line.strip()]
        if len(lines) != len(paths):
            raise errors.DataError(
                f"{_LABELS} does not fit the photos in {folder}",
                received=f"{len(lines):,} classes, {len(paths):,} photos",
                expected="class n to be that of photo n",
            )
        classes = {path.stem: wnid for path, wnid in zip(paths, lines, strict=True)}
    for path in paths:
        if path.stem not in classes:
            raise errors.DataError(
                f"{_SOLUTION} does not name the class of a photo", received=f"{folder}/{path.name}"
            )
        yield classes[path.stem], path
