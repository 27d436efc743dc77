"""What a stream is able to show."""

import io
import subprocess
import sys

import pytest

from t2t_mm.process import command_output


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


SHELL = """
import sys
from t2t_mm import cli
command = cli.Command("mm-say", "Says.", example="mm-say")
def work():
    print("a line")
    cli.info("a message")
    return {"last": 3}
sys.exit(command.run(work, sys.argv[1:]))
"""


def shell(line):
    """Runs `mm-say` in a shell line, as `$SAY`; returns exit code and standard output."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'SAY="$0 -c" ; PROGRAM="$1"; {line}', sys.executable, SHELL],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("flag", ["", "--json"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_streams_may_be_closed_or_full(flag, closed):
    code, _, said = shell(f'$SAY "$PROGRAM" {flag} {closed}')
    assert code == 0, said
    assert "Traceback" not in said


def test_a_full_disk_at_standard_output_is_said():
    code, _, said = shell('$SAY "$PROGRAM" --json >/dev/full')
    assert code == 2
    assert said.splitlines()[-1] == "mm-say: The disk is full."


def test_a_reader_that_has_gone_is_no_fault():
    code, _, said = shell('$SAY "$PROGRAM" | true; $SAY "$PROGRAM" 2>&1 | true')
    assert (code, said.replace("a message\n", "")) == (0, "")


NOISY = """
import os, subprocess, sys
from t2t_mm import cli
command = cli.Command("mm-say", "Says.", example="mm-say")
def work():
    os.write(1, b"from below\\n")
    subprocess.run(["echo", "from a child"], check=True)
    print("from Python")
    command.emit({"first": 1})
    return {"last": 3}
sys.exit(command.run(work, ["--json", f"--usr_dir={sys.argv[1]}"]))
"""


def test_nothing_but_answers_on_standard_output(python, tmp_path):
    (tmp_path / "loud.py").write_text("import os\nprint('loud')\nos.write(1, b'louder\\n')\n")
    done = python("-c", NOISY, tmp_path)
    assert done.stdout == '{"first": 1}\n{"last": 3}\n', done.stderr
    assert sorted(done.stderr.split("\n")) == sorted(
        ["", "from a child", "from below", "from Python", "loud", "louder"]
    )
