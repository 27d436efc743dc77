"""The table of a mixture fits its terminal."""

import pytest

from t2t_mm.mixture import mixture
from t2t_mm.training import summary


def row(name, *, share=0.5, first_share=0.5):
    return mixture.MixtureRow(
        problem=name,
        examples=1_000_000,
        first_share=first_share,
        share=share,
        examples_a_step=32.0,
        epochs=1.55,
    )


def test_a_mixture_is_a_table():
    assert summary.mixture_lines([row("ab"), row("imagenet")]) == [
        "  problem    examples  a step  of steps  epochs",
        "  ab        1,000,000    32.0     50.0%    1.55",
        "  imagenet  1,000,000    32.0     50.0%    1.55",
    ]


def test_shares_that_change_have_those_at_first_beside():
    first, *lines = summary.mixture_lines([row("ab"), row("cd", share=0.5, first_share=0.25)])
    assert first.split() == [
        "problem",
        "examples",
        "a",
        "step",
        "of",
        "steps",
        "epochs",
        "at",
        "first",
    ]
    assert [line.split()[-1] for line in lines] == ["50.0%", "25.0%"]


@pytest.mark.parametrize("columns", [50, 60, 80, 120])
def test_a_name_is_whole_on_any_terminal(columns):
    rows = [row("multi30k_task1_german_english"), row("ab", first_share=0.25)]
    lines = summary.mixture_lines(rows, columns=columns)
    assert max(map(len, lines)) <= columns
    # Indented by 2, name of 29, then 9, 6, 8, 6 and 8 figures with gaps of 2: 78 columns.
    assert len(lines) == (5 if columns < 78 else 3)
    assert sum("multi30k_task1_german_english" in line for line in lines) == 1
