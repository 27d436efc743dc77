"""Answers to lines and JSON."""

import json

from t2t_mm.decoding import answers


def test_lines_stay_in_step_whatever_the_outputs_hold():
    single = answers.Answer("in", "a\nb\tc", -1.0)
    pair = (answers.Answer(None, "a\nb", -1.0), answers.Answer(None, "c\td", -2.0))
    several = answers.Answer("in", "a\nb", -1.0, n_best=pair)
    empty = answers.Answer("", "", 0.0, n_best=())
    all_three = [single, several, empty]
    assert answers.as_text(all_three, as_json=False) == "a b\tc\na b\tc d\n\n"
    rows = [json.loads(line) for line in answers.as_text(all_three, as_json=True).splitlines()]
    assert "n_best" not in rows[0]
    assert rows[1]["n_best"] == [
        {"outputs": "a\nb", "score": -1.0},
        {"outputs": "c\td", "score": -2.0},
    ]
    assert rows[2] == {"inputs": "", "outputs": "", "score": 0.0, "n_best": []}


def test_what_could_work_a_terminal_is_escaped_in_lines_and_exact_in_json():
    outputs = "a\x1b]0;owned\x07\tb\x9b2J\u200fc\x85d"
    one = [answers.Answer("x", outputs, 0.0)]
    text = answers.as_text(one, as_json=False)
    assert text == "a\\x1b]0;owned\\x07\tb\\x9b2J\u200fc d\n"
    assert json.loads(answers.as_text(one, as_json=True))["outputs"] == outputs
