"""Questions about the photos of COCO, in the files of VQA v2."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from t2t_mm import errors
from t2t_mm.corpus import folders, raw
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.coco import reading

NO_ANSWER = "?"
"""Stands for the empty answer of one of ten people: records hold no empty text, and VQA
accuracy, which leaves out punctuation, compares it as the empty one that it was."""


class Question(NamedTuple):
    """A question about a picture and what people answered, the most frequent answer first."""

    id: int
    image: folders.File | errors.BadExampleError
    text: str
    answers: tuple[str, ...]


def questions(files: raw.RawFiles, part: str) -> Iterator[Question]:
    """Yields the questions with answers of VQA v2, in the order of their file.

    Args:
      files: of the corpus.
      part: "train" or "val".

    Raises:
      DataError: for a file that is missing, or not as published.
    """
    name = f"v2_OpenEnded_mscoco_{part}2014_questions.json"
    fields = {"question_id": int, "image_id": int, "question": str}
    (asked,) = reading.lists(files, name, {"questions": fields})
    said = answers(files, part)
    folder = f"{part}2014"
    # No file lists the photos; their names are made of their numbers.
    photos = {row["image_id"]: f"COCO_{folder}_{row['image_id']:012d}.jpg" for row in asked}
    pictures = reading.Pictures(files, folder, photos.values())
    for row in asked:
        if row["question_id"] not in said:
            raise errors.DataError(
                f"A question of {files.root / name} has no answers",
                received=f"question_id {row['question_id']}",
                expected="answers to every question, in the file of annotations",
            )
        image = pictures.find(photos[row["image_id"]])
        text = reading.one_line(row["question"])
        yield Question(row["question_id"], image, text, said[row["question_id"]])


def answers(files: raw.RawFiles, part: str) -> dict[int, tuple[str, ...]]:
    """Returns what people answered, by question; see `by_frequency` for the order.

    Raises:
      DataError: for a file that is missing, or not as published.
    """
    name = f"v2_mscoco_{part}2014_annotations.json"
    found = {}
    fields = {"question_id": int, "answers": list}
    (annotated,) = reading.lists(files, name, {"annotations": fields})
    for row in annotated:
        given = [a.get("answer") if isinstance(a, dict) else None for a in row["answers"]]
        texts = [_text(answer) for answer in given if isinstance(answer, str)]
        if not texts or len(texts) < len(given):
            raise errors.DataError(
                f"A question in {files.root / name} has answers of another form",
                received=f"question_id {row['question_id']}: "
                + errors.shortened(str(row["answers"])),
                expected='a list of objects such as {"answer": "yes", ...}',
            )
        found[row["question_id"]] = by_frequency(texts)
    return found


def by_frequency(texts: Sequence[str]) -> tuple[str, ...]:
    """Returns all answers grouped by equality, the most frequent first.

    Ties keep the order of their first occurrence; empty answers come last.
    """
    counts = collections.Counter(texts)
    common = sorted(counts.most_common(), key=lambda found: found[0] == NO_ANSWER)
    return tuple(answer for answer, count in common for _ in range(count))


def _text(answer: str) -> str:
    text = reading.one_line(answer)
    return NO_ANSWER if language.is_blank(text) else text
