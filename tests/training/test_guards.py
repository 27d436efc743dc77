"""Signals wait for the end of a step; full disks are found and named."""

import os
import signal
import threading
import types

import pytest

from t2t_mm import errors
from t2t_mm.training import guards


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_a_wish(number):
    before = signal.getsignal(number)
    with guards.Interrupt() as interrupt:
        assert not interrupt.is_requested
        os.kill(os.getpid(), number)
        assert interrupt.is_requested
        assert interrupt.signal_name == signal.Signals(number).name
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_stops_at_once():
    with guards.Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.is_requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([], 0.1)


def test_another_thread_leaves_signals_alone():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work():
        with guards.Interrupt() as interrupt:
            seen.append((interrupt.is_requested, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


def test_a_disk_with_too_little_room_is_named(tmp_path):
    guards.check_disk(tmp_path / "not" / "there" / "yet", 1)
    with pytest.raises(errors.DataError, match="953,674,316 MiB for checkpoints"):
        guards.check_disk(tmp_path / "not" / "there" / "yet", 10**15)


def test_where_there_is_no_disk_nothing_is_said_of_its_room(monkeypatch, tmp_path):
    monkeypatch.setattr(
        guards.shutil, "disk_usage", lambda _: types.SimpleNamespace(total=0, free=0)
    )
    guards.check_disk(tmp_path, 10**6)
