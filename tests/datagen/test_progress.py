"""What data generation says while it works."""

import io
import sys

import pytest

from t2t_mm.datagen import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def _work(told):
    told.start("toy train", 100)
    for done in (0, 50, 100):
        told.update(done)
    told.say("skipped: one")
    told.finish(100)
    told.start("vocabularies")
    told.finish(0)
    told.close()


def test_lines_where_there_is_no_terminal(capsys):
    told = progress.for_terminal()
    _work(told)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "skipped: one"
    assert lines[1].startswith("toy train: 100 examples, ")
    assert lines[2].startswith("vocabularies: ")
    assert "\x1b" not in err


def test_a_line_every_ten_seconds(capsys, monkeypatch):
    told = progress.Lines()
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    told.start("toy train")
    for now in range(0, 35, 3):
        told.update(now * 10)
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("ends_well", [True, False])
def test_a_bar_on_a_terminal(monkeypatch, ends_well):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not isinstance(progress.for_terminal(), progress.Bar)
    monkeypatch.delenv("NO_COLOR")
    told = progress.for_terminal()
    assert isinstance(told, progress.Bar)
    if ends_well:
        _work(told)
        assert "toy train: 100 examples" in stream.getvalue()
    else:
        told.start("toy train")
        told.close()
    assert "toy train" in stream.getvalue()


def test_silence(capsys):
    _work(progress.Progress())
    assert capsys.readouterr() == ("", "")
