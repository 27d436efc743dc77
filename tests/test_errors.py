"""The one line that a user reads."""

import pytest

from t2t_mm import errors


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"what": "It broke"}, "It broke."),
        ({"what": "It broke."}, "It broke."),
        (
            {"what": "It broke", "received": 7, "expected": "8", "hint": "Try 8"},
            "It broke. Received: 7. Expected: 8. Try 8.",
        ),
        # What another program said, sentences already.
        ({"what": "It broke", "received": "Short. No end."}, "It broke. Received: Short. No end."),
        ({"what": "It broke", "expected": "a name."}, "It broke. Expected: a name."),
        ({"what": "It broke", "received": "a long te..."}, "It broke. Received: a long te..."),
        ({"what": "It broke", "hint": "Did you mean 'x'?"}, "It broke. Did you mean 'x'?"),
        ({"what": "It\nbroke", "received": "\x1b[1m\u202e"}, r"It broke. Received: \x1b[1m\u202e."),
    ],
)
def test_sentences_end_in_one_stop_and_obey_nobody(parts, line):
    assert str(errors.UserError(**parts)) == line


def test_a_path_of_thousands_of_characters_is_shortened_to_its_ends():
    long = "/begin" + "x" * 5_000 + "/end.png"
    said = str(errors.UserError("No file", received=long, hint=f"Look at {long}"))
    assert said.startswith("No file. Received: /beginxxx")
    assert said.count("...") == 2
    assert len(said) < 450
    assert said.endswith("/end.png.")
    assert str(errors.UserError(said)) == said, "an error within another one stays as it is"
    assert str(errors.UserError("No file", received="x" * 200)).endswith("x" * 200 + ".")


def test_of_many_words_the_first_few_are_shown():
    assert errors.first_few([]) == ""
    assert errors.first_few(["a", 2]) == "a, 2"
    assert errors.first_few("abcd", 4) == "a, b, c, d"
    assert errors.first_few("abcd", 2) == "a, b and 2 more"
    assert errors.first_few(range(2_000), 1, between="; ") == "0; and 1,999 more"


def test_a_long_value_is_shortened():
    assert errors.shortened("x" * 80) == "x" * 80
    assert errors.shortened("x" * 81) == "x" * 77 + "..."
    assert errors.shortened("abcdef", 5) == "ab..."


def test_what_would_command_a_terminal_is_escaped():
    assert errors.printable("a\x1b[31m\n\u202e\x9b\u3000b") == "a\\x1b[31m\\n\\u202e\\x9b\u3000b"
