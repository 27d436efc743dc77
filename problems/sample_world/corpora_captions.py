"""Writes captioned pictures and questions about them, as COCO and VQA v2 are published."""

from __future__ import annotations

import json
import math
import pathlib
import random
from collections.abc import Iterator
from typing import Any

from t2t_mm.problems.sample_world import captions, corpora, picture, questions, scene

QUESTIONS = 4
"""About each picture; some pictures have fewer to ask."""

_PARTS = (("train", "train", 0), ("validation", "val", 500_000))
"""Of each split: how COCO names it, and the number before its first picture's."""


def write_coco(folder: pathlib.Path, *, seed: int, size: int, year: str = "2017") -> None:
    """Writes pictures with five captions each.

    Args:
      folder: where to write.
      seed: of the scenes, and of all in pictures and captions that they leave open.
      size: captions for training, rounded up to those of whole pictures.
      year: of the layout, 2017 or 2014.
    """
    (folder / "annotations").mkdir(parents=True)
    for split, part, before in _PARTS:
        place = folder / f"{part}{year}"
        place.mkdir()
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, what in _scenes(seed, split, size / captions.COUNT):
            image_id = before + number + 1
            name = f"{image_id:012d}.jpg"
            name = name if year == "2017" else f"COCO_{part}{year}_{name}"
            (place / name).write_bytes(_photo(what, seed, split, number))
            images.append(_image(image_id, name))
            dice = random.Random(f"captions {seed}/{split}/{number}")
            for caption in captions.write(what, dice):
                named = {"image_id": image_id, "id": len(annotations) + 1}
                annotations.append({**named, "caption": caption})
        content = {**_head(year), "images": images, "annotations": annotations}
        _write(folder / "annotations" / f"captions_{part}{year}.json", content)


def write_vqa(folder: pathlib.Path, *, seed: int, size: int) -> None:
    """Writes pictures with questions, each of which ten people have answered.

    Args:
      folder: where to write.
      seed: of the scenes, and of all in pictures, questions and answers that they leave open.
      size: questions for training, about so many: as many pictures as have them mostly.
    """
    for split, part, before in _PARTS:
        place = folder / f"{part}2014"
        place.mkdir(parents=True)
        asked: list[dict[str, Any]] = []
        answered: list[dict[str, Any]] = []
        for number, what in _scenes(seed, split, size / QUESTIONS):
            image_id = before + number + 1
            name = f"COCO_{part}2014_{image_id:012d}.jpg"
            (place / name).write_bytes(_photo(what, seed, split, number))
            dice = random.Random(f"questions {seed}/{split}/{number}")
            for place_among, question in enumerate(questions.ask(what, dice, QUESTIONS)):
                about = {"image_id": image_id, "question_id": 1000 * image_id + place_among}
                asked.append({**about, "question": question[0]})
                answered.append({**about, **_answers(question, dice)})
        about_all = {**_head("2014"), "data_type": "mscoco", "data_subtype": f"{part}2014"}
        name = f"v2_OpenEnded_mscoco_{part}2014_questions.json"
        _write(folder / name, {**about_all, "task_type": "Open-Ended", "questions": asked})
        name = f"v2_mscoco_{part}2014_annotations.json"
        _write(folder / name, {**about_all, "annotations": answered})


def _scenes(seed: int, split: str, pictures: float) -> Iterator[tuple[int, scene.Scene]]:
    """Yields the scenes of `corpora.write_imagenet`, numbered."""
    for number in range(corpora.sizes(math.ceil(pictures))[split]):
        yield number, scene.draw(seed, split, number, labelled=True)


def _photo(what: scene.Scene, seed: int, split: str, number: int) -> bytes:
    dice = random.Random(f"picture {seed}/{split}/{number}")
    return picture.draw(what, dice, whole=True)


def _answers(question: questions.Question, dice: random.Random) -> dict[str, Any]:
    given = questions.poll(question, dice)
    answer = question[1]
    kind = "yes/no" if answer in ("yes", "no") else "number" if answer.isdigit() else "other"
    return {
        "question_type": " ".join(question[0].lower().split()[:2]),
        "multiple_choice_answer": answer,
        "answer_type": kind,
        "answers": [
            {"answer": said, "answer_confidence": "yes", "answer_id": number}
            for number, said in enumerate(given, start=1)
        ],
    }


def _image(image_id: int, name: str) -> dict[str, Any]:
    return {
        "id": image_id,
        "file_name": name,
        "width": picture.SIZE,
        "height": picture.SIZE,
        "license": 1,
    }


def _head(year: str) -> dict[str, Any]:
    return {
        "info": {"description": "sample world", "version": "1.0", "year": int(year)},
        "licenses": [{"id": 1, "name": "made up", "url": ""}],
    }


def _write(path: pathlib.Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
