"""Texts are refused in the graph for what `Language.encode` refuses, and for nothing else."""

import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import Language
from t2t_mm.modality.language import check, declaration

GOOD = [
    "A dog runs.",
    "  spaces, tabs\tand\nline ends \u2028 \x85 ",
    "où ñandú 狗 🐕 e\u0301 \ufffd",
    "x" * declaration.MAX_CHARACTERS,
    "é" * declaration.MAX_CHARACTERS,
    "\ufeffwith a mark of byte order",
    "\u200bzero width",
    "\ufffe\uffff no characters",
]
BAD = {
    "a\x00b": "U+0000 at character 2",
    "où\x07": "U+0007 at character 3",
    "\x7f": "U+007F at character 1",
    "é" * (declaration.MAX_CHARACTERS + 1): "at most 50,000",
}
NO_TEXT = [
    b"\xff\xfea\x00",
    b"caf\xe9",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\xf5\x80\x80\x80",
    b"\xe2\x82",
]
BLANK = ["", " \t\n", "\u200b\u2060", "\u3164\u2800", "\u3000\x1c\x85"]


def checked(values, of=check.LanguageCheck, **given):
    made = of(Language(**given), None)
    found = tf.function(made.check, autograph=False)(tf.constant(values, tf.string))
    return [value.decode() for value in found.errors.numpy()]


def test_what_encode_takes_is_good():
    assert [Language().encode(text) for text in GOOD] == [text.encode() for text in GOOD]
    assert checked(GOOD) == [""] * len(GOOD)


def test_what_encode_refuses_has_its_words():
    for text, error in zip(BAD, checked(list(BAD)), strict=True):
        assert BAD[text] in error
        with pytest.raises(errors.BadExampleError) as refused:
            Language().encode(text)
        assert str(refused.value).partition(".")[0] == error.partition(".")[0]


def test_bytes_that_are_no_utf_8_are_refused():
    assert set(checked(NO_TEXT)) == {"A text is not valid Unicode. Expected: UTF-8."}


def test_blank_texts_are_refused_and_blank_prefixes_are_not():
    assert all(map(declaration.is_blank, BLANK))
    assert checked([*BLANK, "."]) == ["A text is empty."] * len(BLANK) + [""]
    assert checked(BLANK, check.PrefixCheck) == [""] * len(BLANK)


def test_no_rows():
    assert checked([]) == []
