"""Which texts are taken, and what is said of the others."""

import pytest

from t2t_mm import errors
from t2t_mm.modality import Language
from t2t_mm.modality.language import declaration


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a\tb\r\nc\x0b\x0c\x1c\x1f\x85",
        "\u2028\ufeff\u202e",
        "ä🙂\u0308",
        "\ue000\U0010ffff",
    ],
)
def test_text_is_kept_as_it_is(text):
    assert Language().encode(text).decode("utf-8") == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (3, "A text is not a string. Received: int"),
        (b"bytes", "A text is not a string. Received: bytes"),
        (None, "A text is not a string. Received: NoneType"),
        (
            "ab\0c",
            r"control character. Received: U+0000 at character 3 of 'ab\x00c'. Is it text in",
        ),
        ("\x07", "control character. Received: U+0007 at character 1"),
        ("del\x7f", "control character. Received: U+007F at character 4"),
        ("a\ud800b", r"not valid Unicode. Received: a lone surrogate at character 2 of 'a\ud800b'"),
        ("\udcf6", "not valid Unicode"),
        ("ab " * 40_000, "A text is too long. Received: 120,000 characters, from 'ab ab"),
        ("ab " * 40_000, "Expected: at most 50,000. Are its line ends lost?"),
    ],
)
def test_what_is_no_text_is_a_bad_example(text, words):
    with pytest.raises(errors.BadExampleError) as caught:
        Language().encode(text)
    said = str(caught.value)
    assert words in said
    assert said.isprintable()
    assert len(said) < 250


def test_the_longest_text():
    assert len(Language().encode("x" * declaration.MAX_CHARACTERS)) == declaration.MAX_CHARACTERS
    with pytest.raises(errors.BadExampleError, match="50,001 characters"):
        Language().encode("x" * (declaration.MAX_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("text", "is_blank"),
    [
        ("", True),
        (" \t\u00a0\u3000", True),
        ("\u200b\ufeff\u00ad\u2060", True),
        ("\u3164\u2800", True),
        ("\u200ba", False),
        ("\u2014", False),
        ("\U0001f642", False),
    ],
)
def test_what_nobody_sees_is_blank(text, is_blank):
    assert declaration.is_blank(text) is is_blank
