"""Inputs that are longer than what a model reads: counted, and told."""

import types

import pytest

from t2t_mm.cli import stream
from t2t_mm.decoding import answers as answers_lib
from t2t_mm.decoding import limits
from t2t_mm.modality import Image, Language
from t2t_mm.settings import batching, decoding

BATCHING = batching.Batching(max_length=4)
SEARCH = decoding.DecodeSettings(max_length=2)


def of_words(inputs):
    """A task whose vocabularies have a token for each word."""
    targets = Language(vocab="words")
    words = types.SimpleNamespace(encode=str.split)
    return types.SimpleNamespace(
        given=lambda: inputs or {"prefix": targets.prefix()},
        targets=targets,
        vocabularies={"words": words},
    )


@pytest.mark.parametrize(
    ("inputs", "text", "is_cut"),
    [
        ({"inputs": Language(vocab="words")}, "a b c", False),  # 3 and the end token are 4
        ({"inputs": Language(vocab="words")}, "a b c d", True),
        ({"inputs": Language(vocab="words", max_length=6)}, "a b c d e", False),
        ({"inputs": Language(vocab="words", max_length=6)}, "a b c d e f", True),
        ({}, "a b", False),  # the beginning of a text: the search writes 2 tokens
        ({}, "a b c", True),
        ({}, "", False),
    ],
)
def test_a_text_is_cut_behind_its_limit(inputs, text, is_cut):
    task = of_words(inputs)
    (name,) = task.given()
    found = limits.of(task, BATCHING, SEARCH)
    assert limits.is_cut(task, {name: text.encode()}, found) is is_cut


def test_a_picture_has_no_limit_and_its_question_has():
    task = of_words({"image": Image(size=32), "question": Language(vocab="words")})
    found = limits.of(task, BATCHING, SEARCH)
    assert found == {"question": 3}
    assert limits.is_cut(task, {"image": b"...", "question": b"a b c d"}, found)


def test_how_many_were_cut_is_told_in_a_line_at_the_end(capsys):
    answers = [
        answers_lib.Answer(text, "", 0.0, is_cut=len(text) > 1) for text in ("a", "ab", "abc")
    ]
    stream.write(answers, None, limits={"inputs": 3})
    written = capsys.readouterr()
    assert written.out == "\n\n\n"
    (line,) = written.err.splitlines()
    assert line.startswith("Warning: 2 of 3 inputs were longer than what the model reads")
    assert "3 tokens of inputs" in line
    assert "is_cut" not in answers[1].as_json()
    stream.write(answers[:1], None, limits={"inputs": 3})
    assert capsys.readouterr().err == ""
