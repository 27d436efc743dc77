"""The table of samples: what is data is no markup."""

import html
import types

from tensorboard import plugin_util

from t2t_mm.modality import Categorical, Language
from t2t_mm.training import samples

NASTY = "a|b **c** <script>x</script> `d` [e](http://f) ![g](h) &amp; \\| _i_\n# j"


def task(**inputs):
    return types.SimpleNamespace(inputs=inputs, targets=Language(), vocabularies={})


def cells(table):
    """Returns the cells of each row as TensorBoard shows them."""
    page = plugin_util.markdown_to_safe_html(table)
    rows = page.replace("<th>", "<td>").replace("</th>", "</td>").split("<tr>")[1:]
    return [[part.split("</td>")[0] for part in row.split("<td>")[1:]] for row in rows]


def test_a_row_holds_input_output_and_all_references():
    table = samples.table(
        task(question=Language(), kind=Categorical(classes=("x", "y"))),
        [{"question": b"How many?", "kind": b"x"}, {"question": b"Who?", "kind": b"y"}],
        ["two", "me"],
        [("2", "two"), ("you",), ("of an example that is not shown",)],
    )
    assert cells(table) == [
        ["", "question", "kind", "output", "reference"],
        ["1", "How many?", "x", "two", "2<br>two"],
        ["2", "Who?", "y", "me", "you"],
    ]


def test_texts_are_shown_as_they_are():
    (_, (_, shown, output, reference)) = cells(
        samples.table(task(inputs=Language()), [{"inputs": NASTY.encode()}], [NASTY], [[NASTY]])
    )
    assert shown == output == reference
    assert "<" not in shown
    assert html.unescape(shown) == NASTY.replace("\n", "\\n")


def test_a_problem_without_inputs_has_outputs_and_references():
    assert cells(samples.table(task(), [{}], ["a"], [["b"]])) == [
        ["", "output", "reference"],
        ["1", "a", "b"],
    ]
