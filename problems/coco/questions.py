"""Questions about the photos of COCO, in the files of VQA v2."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from t2t_mm import errors
from t2t_mm.corpus import folders, raw
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.coco import reading

if TYPE_CHECKING:
    import sqlite3

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
    """Yields the questions with answers of VQA v2.

    Those about a photo follow each other, in file order; the photos come in the order of their
    ids. Of a part of the split (`asked_about`) these are its own.

    Args:
      files: of the corpus.
      part: "train" or "val".

    Raises:
      DataError: for a file that is missing, or not as published.
    """
    database = _database(files, part)
    folder = f"{part}2014"
    photos = reading.photos_of(database, "asked")
    pictures = reading.Pictures(files, folder, [_photo(folder, photo) for photo in photos])
    for photo in files.share(photos):
        found = database.execute(
            "SELECT asked.id, asked.text, answered.answers FROM asked LEFT JOIN answered "
            "ON answered.id = asked.id WHERE asked.photo = ? ORDER BY asked.rowid",
            (photo,),
        )
        image = pictures.find(_photo(folder, photo))
        for number, text, answers in found:
            if answers is None:
                raise errors.DataError(
                    f"A question of {files.root / _asked(part)} has no answers",
                    received=f"question_id {number}",
                    expected="answers to every question, in the file of annotations",
                )
            yield Question(number, image, reading.one_line(text), tuple(json.loads(answers)))


def asked_about(files: raw.RawFiles, part: str) -> tuple[parts_lib.Part, ...]:
    """Returns the parts in which `questions` can be read: shares of the photos.

    Args:
      files: of the corpus.
      part: "train" or "val".

    Raises:
      DataError: for a file that is missing, or not as published.
    """
    return parts_lib.of_units(len(reading.photos_of(_database(files, part), "asked")))


def frequent(files: raw.RawFiles, part: str, count: int) -> frozenset[str]:
    """Returns the answers that are the most frequent one of the most questions.

    Args:
      files: of the corpus.
      part: "train" or "val".
      count: of answers.

    Raises:
      DataError: for a file that is missing, or not as published.
    """
    found = _database(files, part).execute(
        "SELECT first FROM answered GROUP BY first ORDER BY COUNT(*) DESC, MIN(place) LIMIT ?",
        (count,),
    )
    return frozenset(answer for (answer,) in found)


def _database(files: raw.RawFiles, part: str) -> sqlite3.Connection:
    """Opens the questions and answers of a part."""

    def build(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE asked (id INTEGER, photo INTEGER, text TEXT)")
        database.execute(
            "CREATE TABLE answered (id INTEGER PRIMARY KEY, place INTEGER, first TEXT, "
            "answers TEXT)"
        )
        fields = {"question_id": int, "image_id": int, "question": str}
        asked = reading.rows(files, _asked(part), "questions", fields)
        database.executemany(
            "INSERT INTO asked VALUES (?, ?, ?)",
            ((row["question_id"], row["image_id"], row["question"]) for row in asked),
        )
        database.execute("CREATE INDEX by_photo ON asked (photo)")
        database.executemany(
            "INSERT OR REPLACE INTO answered VALUES (?, ?, ?, ?)",
            (
                (question, place, answers[0], json.dumps(answers))
                for place, (question, answers) in enumerate(_answers(files, part))
            ),
        )

    return files.database(f"questions_{part}", build)


def _asked(part: str) -> str:
    return f"v2_OpenEnded_mscoco_{part}2014_questions.json"


def _photo(folder: str, number: int) -> str:
    """Returns the name of a photo, which no file lists: it is made of the number."""
    return f"COCO_{folder}_{number:012d}.jpg"


def _answers(files: raw.RawFiles, part: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yields what people answered, by question; see `by_frequency` for the order."""
    name = f"v2_mscoco_{part}2014_annotations.json"
    for row in reading.rows(files, name, "annotations", {"question_id": int, "answers": list}):
        given = [a.get("answer") if isinstance(a, dict) else None for a in row["answers"]]
        texts = [_text(answer) for answer in given if isinstance(answer, str)]
        if not texts or len(texts) < len(given):
            raise errors.DataError(
                f"A question in {files.root / name} has answers of another form",
                received=f"question_id {row['question_id']}: "
                + errors.shortened(str(row["answers"])),
                expected='a list of objects such as {"answer": "yes", ...}',
            )
        yield row["question_id"], by_frequency(texts)


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
