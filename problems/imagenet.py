"""ImageNet: the photos of ILSVRC-2012, and the classes that their folders name."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence

from t2t_mm import problem
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.image import declaration as image
from t2t_mm.problems.ilsvrc import photos, truth
from t2t_mm.problems.sample_world import corpora, picture

_CLASSES = 1_000


@problem.register_problem("imagenet")
class Imagenet(problem.Problem):
    """1.28 million photos for training and 50,000 for validation; the test set has no labels."""

    version = "1.0.0"
    corpus = "imagenet"
    layout = (
        f"train/WNID/*.JPEG, train/WNID.tar or {photos.TRAINING}, and val/WNID/*.JPEG, or "
        f"val/ILSVRC2012_val_*.JPEG or {photos.VALIDATION} beside {truth.SOLUTION} (Kaggle's, "
        f"which has train and val below {photos.KAGGLE}), {truth.LABELS} or {truth.KIT_ARCHIVE}, "
        "packed or not"
    )
    inputs = {"image": image.Image(size=299)}
    sample_inputs = {"image": image.Image(size=picture.SIZE)}
    targets = categorical.Categorical(labels="imagenet")
    command = "to-class"
    metrics = ("accuracy", "top5_accuracy", "log_perplexity")
    splits = ("train", "validation")
    sources = ("manual", "sample")
    licensed = "https://image-net.org/download (ILSVRC-2012, after signing in)"

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        read = photos.training if split == "train" else photos.validation
        for wnid, photo in read(files):
            yield f"{split}/{photo.stem}", {"image": photo, "targets": wnid}

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        del split, files
        return parts_lib.of_units(_CLASSES)

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora.write_imagenet(folder, seed=seed, size=size)
