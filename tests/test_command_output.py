"""What a stream is able to show."""

import io

import pytest

from t2t_mm import command_output


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_the_environment_can_ask_for_plain_lines(monkeypatch, name, value):
    assert command_output.can_redraw(Terminal())
    monkeypatch.setenv(name, value)
    assert not command_output.can_redraw(Terminal())


def test_a_pipe_cannot_be_redrawn():
    assert not command_output.can_redraw(io.StringIO())
