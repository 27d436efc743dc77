"""COCO captions: photos of everyday scenes, each described by five people."""

from __future__ import annotations

import itertools
import operator
import pathlib
from collections.abc import Iterator, Sequence

from t2t_mm import problem
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.modality.image import declaration as image
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.coco import published, reading
from t2t_mm.problems.sample_world import captions, corpora_captions, picture

_PARTS = {"train": "train", "validation": "val"}


@problem.register_problem("coco_caption")
class CocoCaption(problem.Problem):
    """Chen et al. 2015: of 2017, 118,287 photos for training and 5,000 for validation.

    Each photo is one example, with all its captions. Training draws one of them each time it
    comes to the photo; in validation all are references.
    """

    version = "2.0.0"
    corpus = "coco2017"
    layout = (
        "annotations/captions_{train,val}2017.json and {train,val}2017/*.jpg, or all with "
        "2014; or annotations_trainval2017.zip, train2017.zip and val2017.zip, as published"
    )
    inputs = {"image": image.Image(size=224, mirror=False)}
    sample_inputs = {"image": image.Image(size=picture.SIZE, mirror=False)}
    targets = language.Language(vocab="mm_8k", max_length=64)
    command = "to-english"
    metrics = ("cider", "caption_bleu", "log_perplexity")
    splits = ("train", "validation")
    sources = ("manual", "sample")
    downloads = (published.ANNOTATIONS_2017, published.TRAIN_2017, published.VAL_2017)
    sample_size = 4_000

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        photo = operator.attrgetter("image_id")
        rows = reading.captions(files, _PARTS[split])
        for number, group in itertools.groupby(rows, key=photo):
            described = list(group)
            targets = tuple(row.text for row in described)
            yield f"{split}/{number}", {"image": described[0].image, "targets": targets}

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return reading.captioned(files, _PARTS[split])

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_captions.write_coco(folder, seed=seed, size=size * captions.COUNT)
