"""VQA v2: questions about the photos of COCO 2014, each answered by ten people."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from typing import ClassVar

from t2t_mm import problem
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.modality import base as modality
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.image import declaration as image
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.coco import published, questions
from t2t_mm.problems.sample_world import corpora_captions, picture

_PARTS = {"train": "train", "validation": "val"}
_ANSWERS = 100_000  # more than there are, so all that training has
_CLASSES = 3_000


@problem.register_problem("vqa")
class Vqa(problem.Problem):
    """Goyal et al. 2017: 443,757 questions for training, 214,354 for validation.

    Each question is an example. Those about a photo share it in the records; training draws
    one of them each time it comes to the photo. The most frequent answer is the target of
    training; all ten are references in validation. The test sets have no answers. Decoding
    writes answers of training alone.
    """

    version = "2.0.0"
    corpus = "vqa"
    layout = (
        "v2_OpenEnded_mscoco_{train,val}2014_questions.json, "
        "v2_mscoco_{train,val}2014_annotations.json and {train,val}2014/COCO_*.jpg; or the zips in "
        "which these are published"
    )
    inputs = {
        "image": image.Image(size=224, mirror=False),
        "question": language.Language(vocab="mm_8k", max_length=32),
    }
    sample_inputs = {"image": image.Image(size=picture.SIZE, mirror=False)}
    targets: ClassVar[modality.Modality] = language.Language(vocab="mm_8k", max_length=16)
    shared_inputs = ("image",)
    command = "to-answer"
    answers_of_training = _ANSWERS
    metrics: ClassVar[tuple[str, ...]] = ("vqa_accuracy", "log_perplexity")
    splits = ("train", "validation")
    sources = ("manual", "sample")
    downloads = (
        published.QUESTIONS_TRAIN,
        published.QUESTIONS_VAL,
        published.ANSWERS_TRAIN,
        published.ANSWERS_VAL,
        published.TRAIN_2014,
        published.VAL_2014,
    )
    sample_size = 16_000

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        for row in questions.questions(files, _PARTS[split]):
            targets = row.answers[0] if split == "train" else row.answers
            values = {"image": row.image, "question": row.text, "targets": targets}
            yield f"{split}/{row.id}", values

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return questions.asked_about(files, _PARTS[split])

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_captions.write_vqa(folder, seed=seed, size=size)


@problem.register_problem("vqa_classes")
class VqaClasses(Vqa):
    """The same with the 3,000 most frequent answers of training as classes.

    Questions with other answers are left out of training, and counted; they stay in
    validation, where no answer to them can be right.
    """

    targets = categorical.Categorical(labels="vqa", allow_unseen=True)
    answers_of_training = 0
    metrics = ("vqa_accuracy", "accuracy", "log_perplexity")

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        if split != "train":
            yield from super().generate_examples(split, files)
            return
        frequent = questions.frequent(files, "train", _CLASSES)
        for key, values in super().generate_examples(split, files):
            if values["targets"] in frequent:
                yield key, values
            else:
                files.skip(f"questions whose answer is not of the {_CLASSES:,} most frequent")

    parts = Vqa.parts
