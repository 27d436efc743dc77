"""Progress is a table on a terminal and plain lines anywhere else."""

import dataclasses
import io

import pytest

from t2t_mm.training import console

PROGRESS = console.RunProgress(1200, 5000, 2.5, 1520.0, 3e-4)
ROWS = [
    console.ProblemRow("wmt_ende", 3.21, ("bleu", 12.34), 0.75, 8123.0, "tokens", [1.0, 2.0, 3.0]),
    console.ProblemRow("imagenet", share=0.25, unit="pictures"),
]


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_plain_lines_hold_everything():
    stream = io.StringIO()
    with console.Console(stream) as shown:
        shown.update(PROGRESS, ROWS)
        shown.line("saved")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "step 1,200 of 5,000, 2.50 steps/s, rate 3.00e-04, 25 min left"
    assert lines[1] == (
        "  wmt_ende  loss 3.210  bleu 12.3  75% of steps  8,123 tokens/s  experts 0.5-1.5"
    )
    assert lines[2] == "  imagenet  loss -  25% of steps"
    assert lines[3] == "saved"
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_a_table():
    stream = _Terminal()
    with console.Console(stream) as shown:
        assert shown.is_live
        shown.update(PROGRESS, ROWS)
        shown.line("saved [bold]as it is[/bold]")
        shown.update(PROGRESS, ROWS)
    text = stream.getvalue()
    for word in ("wmt_ende", "12.3", "75%", "▆", "[bold]as it is[/bold]", "25 min left"):
        assert word in text
    assert text.endswith("\x1b[?25h"), "the cursor is given back"


_LONG = [
    console.ProblemRow(
        "librispeech_clean_characters", 3.21, ("wer", 0.5), 0.5, 3e5, "sound seconds"
    ),
    console.ProblemRow("multi30k_task1_german_english", None, ("bleu", 9.0), 0.5, 8e4, "tokens"),
    console.ProblemRow("a", 13.21, ("top5_accuracy", 0.5), 0.0, None),
] * 3


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_a_table_fits_its_terminal_with_names_whole(columns):
    rows = [dataclasses.replace(row, expert_load=[1.0] * 240) for row in _LONG]
    lines = console.table_lines(PROGRESS, rows, columns=columns)
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    assert all(row.problem in text for row in rows)
    if columns >= 60:
        assert "300,000 sound seconds/s" in text
        assert "top5_accuracy 0.500" in text
        assert "…" not in text
    assert ("1.0-1.0" in text) == (columns >= 80), "least and most load where there is room"
    assert ("█" in text) == (columns >= 200), "bars where there is more"


def test_a_problem_without_a_step_has_no_pace_yet():
    lines = console.table_lines(PROGRESS, [console.ProblemRow("a"), *ROWS[:1]], columns=100)
    assert lines[2].split() == ["a", "-", "-", "0%", "-", "-"]
    assert "/s" not in console.plain_lines(PROGRESS, [console.ProblemRow("a")])[1]


@pytest.mark.parametrize("by", ["table", "line", "end"])
def test_a_table_that_the_terminal_has_wrapped_is_drawn_over(monkeypatch, by):
    stream = _Terminal()
    with console.Console(stream) as shown:
        monkeypatch.setenv("COLUMNS", "90")
        shown.update(PROGRESS, ROWS)
        assert "\x1b[J" not in stream.getvalue()
        drawn = stream.getvalue()
        monkeypatch.setenv("COLUMNS", "40")
        lengths = [len(line) for line in console.table_lines(PROGRESS, ROWS, columns=90)]
        # 71 and 57 columns, say, are two lines of 40 each: one more than was written.
        wrapped = sum(-(-length // 40) - 1 for length in lengths)
        act = {"table": lambda: shown.update(PROGRESS, ROWS), "line": lambda: shown.line("x")}
        act.get(by, shown.close)()
        assert f"\x1b[{wrapped}A\x1b[J" in stream.getvalue().removeprefix(drawn)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.2, "3 s"), (89, "89 s"), (600, "10 min"), (5399, "1 h 30 min"), (7300, "2 h 02 min")],
)
def test_times_read_as_a_person_would_say_them(seconds, text):
    assert console.format_seconds(seconds) == text


def test_many_experts_share_bars():
    assert console.load_bars([1.0, 2.0, 4.0]) == "▃▅█"
    assert len(console.load_bars([1.0] * 240)) == 24
    assert console.load_bars([0.0, 0.0]) == "-"
    assert console.load_range([0.0, 0.0]) == "-"
