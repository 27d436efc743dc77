"""Processes of runs: their log, their processors, their end."""

import os
import sys
import threading
import time

import pytest

from t2t_mm.experiments import processes


def python(program):
    return [sys.executable, "-S", "-c", program]


def test_what_a_command_says(tmp_path):
    log = tmp_path / "logs" / "x.log"
    program = "import sys; print('out'); print('first\\n\\nlast\\n', file=sys.stderr); sys.exit(3)"
    found = processes.Processes().run(python(program), log)
    assert found == processes.Ended(3, "out\n", "last")
    program = (
        "import sys; sys.stderr.write('ValueError: x\\nmm: the above is a fault of t2t-mm, no')"
    )
    assert processes.Processes().run(python(program), log).said == "ValueError: x"
    assert log.read_text().startswith("first\n\nlast\n")
    assert processes.Processes().run(python(""), log).said == ""  # of this command only


def test_a_command_ends_once_it_is_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_ASK_S", 0.05)
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))\n"
        "print('began', flush=True)\n"
        "open(sys.argv[1], 'w').close()\n"
        "time.sleep(60)\n"
    )
    begun = tmp_path / "begun"
    found = processes.Processes().run(
        [*python(program), str(begun)], tmp_path / "log", is_enough=begun.exists
    )
    assert (found.code, found.stdout, found.is_cut) == (130, "began\n", True)


def test_a_command_does_not_outlive_a_failure_of_what_watches_it(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_ASK_S", 0.05)
    program = (
        "import pathlib, signal, sys, time\n"
        "ended = lambda *_: (pathlib.Path(sys.argv[2]).touch(), sys.exit(130))\n"
        "signal.signal(signal.SIGTERM, ended)\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(60)\n"
    )
    begun, ended = tmp_path / "begun", tmp_path / "ended"

    def watch():
        if begun.exists():
            raise OSError("no journal")
        return False

    with pytest.raises(OSError, match="no journal"):
        command = [*python(program), str(begun), str(ended)]
        processes.Processes().run(command, tmp_path / "log", is_enough=watch)
    until = time.monotonic() + 30
    while not ended.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert ended.exists()


def test_all_are_stopped_and_none_begins_afterwards(tmp_path):
    running = processes.Processes()
    ended = []

    def work():
        with pytest.raises(processes.StoppedError):
            running.run(python("import time; time.sleep(60)"), tmp_path / "log")
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    while not running._running:
        pass
    running.stop()
    thread.join(30)
    assert ended
    with pytest.raises(processes.StoppedError):
        running.run(python(""), tmp_path / "log")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no affinity")
def test_processes_have_processors_of_their_own(tmp_path):
    every = sorted(os.sched_getaffinity(0))
    if len(every) < 2:
        pytest.skip("one processor cannot be divided")
    running = processes.Processes(1)
    running._places[1] = every[:1]  # another process has the first one
    program = "import os, time; time.sleep(0.2); print(os.sched_getaffinity(0), os.environ['{}'])"
    found = running.run(python(program.format("OMP_NUM_THREADS")), tmp_path / "log")
    assert found.stdout == f"{{{every[1]}}} 1\n"


def test_a_command_is_shown_as_it_is_typed():
    assert processes.typed(processes.ours("trainer", "--json")) == ("mm-trainer", "--json")
    assert processes.typed(["python", "cnn.py"]) == ("python", "cnn.py")
