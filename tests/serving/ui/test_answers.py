"""Outputs of a signature become what is shown."""

import numpy as np

from t2t_mm.serving.ui import answers


def texts(*values):
    return np.array([value.encode() for value in values], object)


def test_a_text_with_its_score():
    found = answers.read(
        {"outputs": texts("Hund"), "scores": np.float32([-1.5]), "errors": texts("")}
    )
    assert (found.text, found.score, found.message) == ("Hund", "score -1.500", None)
    assert found.table is found.bars is found.rest is None


def test_an_error_of_the_row_is_all_there_is():
    outputs = {"outputs": texts(""), "scores": np.zeros(1), "errors": texts("It is empty.")}
    assert answers.read(outputs) == answers.Answer(message="It is empty.")


def test_n_best_leaves_out_what_was_not_found_and_escapes():
    scores = np.float32([[-1.0, -2.0, -np.inf, np.finfo(np.float32).min]])
    outputs = {"outputs": texts("<b>a", "b", "", "").reshape(1, 4), "scores": scores}
    found = answers.read(outputs)
    assert found.text == "<b>a"
    assert found.table.count("<td>-") == 2
    assert "&lt;b&gt;a" in found.table


def test_classes_are_bars():
    outputs = {
        "outputs": texts("dog"),
        "scores": np.float32([-0.3]),
        "classes": texts("cat", "dog").reshape(1, 2),
        "probabilities": np.float32([[0.25, 0.75]]),
        "errors": texts(""),
    }
    found = answers.read(outputs)
    assert found.bars == {"cat": 0.25, "dog": 0.75}
    assert found.text is None


def test_outputs_of_a_foreign_model_are_shown_as_they_are():
    found = answers.read({"y": np.float32([[1.5, np.nan]]), "label": texts("x")})
    assert found.rest == {"y": [1.5, None], "label": "x"}
    assert found.text is None
