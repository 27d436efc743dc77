"""Signals end a command with one line and exit code 130, whenever they come."""

import contextlib
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from t2t_mm import cli
from t2t_mm.process import signals

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
WORDS = ["interrupted", "ended by SIGTERM", "ended by SIGHUP"]


@pytest.fixture(autouse=True)
def _hangups_end():
    """SIGHUP does what it does by default, even where the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def command():
    return cli.Command("mm-wait", "Waits.", example="mm-wait")


@pytest.mark.parametrize(("number", "words"), zip(NUMBERS, WORDS, strict=True))
def test_at_work(command, capsys, number, words):
    before = signal.getsignal(number)
    assert command.run(lambda: signal.raise_signal(number), []) == 130
    assert capsys.readouterr().err == f"mm-wait: {words}\n"
    assert signal.getsignal(number) is before


def test_an_interrupt_that_is_lost_comes_again(command, capsys, monkeypatch):
    monkeypatch.setattr(signals, "AGAIN_S", 0.02)

    def work():
        with contextlib.suppress(KeyboardInterrupt):  # as C code does that clears errors
            signal.raise_signal(signal.SIGTERM)
        time.sleep(30)

    assert command.run(work, []) == 130
    assert capsys.readouterr().err == "mm-wait: ended by SIGTERM\n"


def test_an_interrupt_that_is_on_its_way_does_not_disturb_the_tidying_up(command, monkeypatch):
    monkeypatch.setattr(signals, "AGAIN_S", 0.01)
    done = []

    def work():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            with contextlib.suppress(ValueError):
                raise ValueError
            time.sleep(0.1)
            done.append("tidied up")

    assert command.run(work, []) == 130
    assert done == ["tidied up"]


def test_what_a_destructor_drops_is_not_shown(tmp_path):
    program = tmp_path / "mm-drop"
    program.write_text(
        textwrap.dedent(
            """
            import signal, time
            import t2t_mm.bin
            from t2t_mm import cli

            class Dropping:
                def __del__(self):
                    signal.raise_signal(signal.SIGINT)

            def work():
                Dropping()
                time.sleep(30)

            raise SystemExit(cli.Command("mm-drop", "Drops.", example="mm-drop").run(work))
            """
        )
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "mm-drop: interrupted\n")


def test_a_hangup_that_is_ignored_stays_so(command):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert command.run(lambda: signal.raise_signal(signal.SIGHUP), []) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_held_back_until_an_import_is_whole():
    done = []
    with (
        pytest.raises(KeyboardInterrupt, match="SIGTERM"),
        signals.as_interrupts(),
        signals.held_back(),
    ):
        signal.raise_signal(signal.SIGTERM)
        done.append("imported")
    assert done == ["imported"]


@pytest.mark.parametrize(("number", "words"), zip(NUMBERS, WORDS, strict=True))
def test_while_the_command_is_imported(tmp_path, number, words):
    program = tmp_path / "mm-early"
    program.write_text(
        textwrap.dedent(
            """
            import sys, time
            import t2t_mm.bin
            print("ready", flush=True)
            time.sleep(60)
            """
        )
    )
    process = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, f"mm-early: {words}\n")


def test_an_interrupt_before_signals_are_heeded_is_no_traceback(tmp_path):
    program = tmp_path / "mm-earlier"
    program.write_text(
        textwrap.dedent(
            """
            import signal, sys

            class Finder:
                def find_spec(self, name, path, target=None):
                    if name == "t2t_mm.process.signals":
                        signal.raise_signal(signal.SIGINT)

            sys.meta_path.insert(0, Finder())
            import t2t_mm.bin
            """
        )
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_other_programs_keep_their_signals(python):
    done = python("-c", "import t2t_mm.bin, os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert done.returncode == -signal.SIGTERM
    assert done.stderr == ""
